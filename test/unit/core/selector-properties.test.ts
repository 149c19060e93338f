import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Query } from 'mingo';
import { Double, type ExactObject, type ExactValue } from '../../../src/core/json.ts';
import { requiredEqualities, scalarKey, valuesAt } from '../../../src/core/selector/index-keys.ts';
import { compileSelector } from '../../../src/core/selector/match.ts';
import { parseSelector } from '../../../src/core/selector/parse.ts';
import { EventTable, idsByMatch } from './selector-support.ts';

const SEED = 20250105;
const run = { seed: SEED, numRuns: 1_000 };

const scalar = fc.constantFrom<ExactValue>(
  null,
  true,
  false,
  0,
  1,
  2,
  20,
  40,
  -1,
  1.5,
  2 ** 31,
  2n ** 53n + 1n,
  new Double(1),
  new Double(40),
  '',
  'a',
  'ab',
  'b',
  'A',
  'z\n',
  '\uffee',
  '😀',
  'test',
  'log_error',
  '2025-01-01',
  'n1',
);
const value = fc.oneof(
  { depthSize: 'small' },
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', 'b', '0'), scalar, { maxKeys: 2 }),
  fc.array(fc.array(scalar, { maxLength: 2 }), { maxLength: 2 }),
  fc.array(fc.dictionary(fc.constantFrom('a', 'b', '0'), scalar, { maxKeys: 2 }), { maxLength: 2 }),
) as fc.Arbitrary<ExactValue>;

const event = fc.record({
  event_type: fc.constantFrom('test', 'log_error', 'A', '😀', '\uffee', 'ab'),
  log_level: fc.constantFrom(-1, 0, 1, 2, 20, 40, 2 ** 31),
  alert: fc.boolean(),
  archived: fc.boolean(),
  event_timestamp: fc.constantFrom('2025-01-01', '2025-01-01T00:00:00', '2025-01-02', 'a'),
  source: fc.constantFrom<ExactObject>({}, { node_id: 'n1' }, { node_id: 'a' }),
  data: value,
});
const events = fc
  .array(event, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((each, index) => ({ _id: `${'abz'[index % 3]}${index}`, ...each })));

const path = fc.constantFrom(
  '_id',
  'event_type',
  'log_level',
  'alert',
  'archived',
  'event_timestamp',
  'source.node_id',
  'data',
  'data.a',
  'data.0',
  'data.a.0',
  'data.0.b',
  'log_level.a',
);

const operators: fc.Arbitrary<ExactObject> = fc.letrec<{ test: ExactObject }>((tie) => ({
  test: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.tuple(fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'), value).map(([name, operand]) => ({ [name]: operand })),
    fc.tuple(fc.constantFrom('$in', '$nin', '$all'), fc.array(value, { maxLength: 3 })).map(([name, operand]) => ({ [name]: operand })),
    fc.boolean().map((operand) => ({ $exists: operand })),
    fc.constantFrom('int', 'long', 'double', 'string', 'bool', 'array', 'number').map((operand) => ({ $type: operand })),
    fc.nat(3).map((operand) => ({ $size: operand })),
    fc.tuple(fc.constantFrom(2, -3, 1.5), fc.constantFrom(0, 1)).map((operand) => ({ $mod: operand })),
    fc.tuple(fc.constantFrom('$bitsAllSet', '$bitsAnyClear'), fc.nat(5)).map(([name, operand]) => ({ [name]: operand })),
    fc
      .tuple(fc.constantFrom('^a', 'a', '^test$', '^lo?g', '^2025-01', '^\u{ffee}', '^(?:a|t)', '(?i)^AB'), fc.constantFrom('', 'i', 'm'))
      .map(([source, options]) => ({ $regex: source, $options: options })),
    tie('test').map((operand) => ({ $not: operand })),
    tie('test').map((operand) => ({ $elemMatch: operand })),
    fc.tuple(tie('test'), tie('test')).map(([a, b]) => ({ ...a, ...b })),
  ),
})).test;

const selector: fc.Arbitrary<ExactObject> = fc.letrec<{ selector: ExactObject; field: ExactObject }>((tie) => ({
  field: fc.tuple(path, fc.oneof(scalar, value, operators)).map(([name, operand]) => ({ [name]: operand })),
  selector: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    tie('field'),
    fc.constantFrom<ExactObject>({}, { $alwaysTrue: 1 }, { $alwaysFalse: 1 }),
    fc.tuple(tie('field'), tie('field')).map(([a, b]) => ({ ...a, ...b })),
    fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(tie('selector'), { minLength: 1, maxLength: 3 }))
      .map(([name, branches]) => ({ [name]: branches })),
  ),
})).selector;

describe('selectors in SQL', () => {
  test('select what the evaluator selects', () => {
    let exactCount = 0;
    fc.assert(
      fc.property(events, fc.array(selector, { minLength: 5, maxLength: 5 }), (documents, selectors) => {
        using table = new EventTable(documents);
        for (const each of selectors) {
          const parsed = parseSelector(each);
          const expected = idsByMatch(documents, parsed);
          const { selected, ids, exact } = table.select(parsed);
          if (exact) exactCount++;
          expect(ids).toEqual(expected);
          expect(selected).toEqual(expect.arrayContaining(expected));
        }
      }),
      run,
    );
    expect(exactCount).toBeGreaterThan(1_000);
  });

  test('use the index of urgent events', () => {
    using table = new EventTable([]);
    expect(table.plan(parseSelector({ log_level: { $gte: 40 }, event_timestamp: { $gt: '2025' } }))).toContain('events_urgent');
    expect(table.plan(parseSelector({ log_level: { $gte: new Double(40) }, event_timestamp: { $gt: '2025' } }))).toContain('events_urgent');
  });

  test('take a thousand conditions and long lists', () => {
    using table = new EventTable([{ _id: 'a', event_type: 'test', log_level: 999, event_timestamp: '', alert: false, archived: false }]);
    const levels = Array.from({ length: 1_000 }, (_, level) => ({ log_level: level }));
    expect(table.select(parseSelector({ $or: levels }, { clauses: 2_000 }))).toMatchObject({ ids: ['a'], exact: true });
    expect(table.select(parseSelector({ _id: { $in: [...levels.map((_, i) => `x"'${i}`), 'a'] } }))).toMatchObject({
      ids: ['a'],
      exact: true,
    });
    expect(table.select(parseSelector({ _id: { $in: [...levels.map((_, i) => `\0${i}`), 'a'] } }))).toMatchObject({
      ids: ['a'],
      exact: false,
    });
    expect(table.select(parseSelector({ log_level: { $in: levels.map((_, i) => i) } }))).toMatchObject({ ids: ['a'], exact: false });
    expect(table.select(parseSelector({ _id: '\ud800' }))).toMatchObject({ ids: [], exact: false });
    expect(table.select(parseSelector({ log_level: { $lt: Number.POSITIVE_INFINITY, $gt: -(2n ** 60n) } }))).toMatchObject({
      ids: ['a'],
      exact: true,
    });
  });

  test.each(["'; DROP TABLE events; --", '" OR 1=1 --', '?1', 'a]b'])('%s is only a text', (text) => {
    using table = new EventTable([
      { _id: text, event_type: text, log_level: 0, event_timestamp: text, alert: false, archived: false, source: { node_id: text } },
    ]);
    expect(
      table.select(
        parseSelector({ _id: text, event_type: { $in: [text] }, event_timestamp: { $gte: text }, 'source.node_id': text, [text]: null }),
      ).ids,
    ).toEqual([text]);
  });
});

/** Selectors that an index can serve, more often than by chance. */
const indexed = fc
  .array(
    fc.tuple(
      path,
      fc.oneof(
        scalar,
        fc.array(scalar, { minLength: 1, maxLength: 6 }).map((values) => ({ $in: values })),
        fc.array(scalar, { minLength: 1, maxLength: 2 }).map((values) => ({ $all: values })),
      ),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((fields): ExactObject => ({ $and: fields.map(([name, operand]) => ({ [name]: operand })) }));

test('an index on required equalities misses no match', () => {
  let useful = 0;
  fc.assert(
    fc.property(events, fc.array(fc.oneof(selector, indexed), { minLength: 10, maxLength: 10 }), (documents, selectors) => {
      for (const parsed of selectors.map((each) => parseSelector(each))) {
        const matches = compileSelector(parsed, { backtracking: true });
        const required = [...requiredEqualities(parsed)];
        for (const document of documents.filter(matches)) {
          for (const [name, wanted] of required) {
            useful++;
            const keys = new Set(wanted.map(scalarKey));
            expect(valuesAt(document, name).some((found) => keys.has(scalarKey(found)))).toBe(true);
          }
        }
      }
    }),
    run,
  );
  expect(useful).toBeGreaterThan(300);
});

describe('mingo agrees where it agrees with MongoDB', () => {
  /**
   * Left out, as mingo 7.2.7 answers differently from the recordings: integers beyond 2^53 and the types int, long, double; lists within
   * lists, and lists compared by order; paths through lists; objects compared by key order; $all and $size beside a value that is no
   * list; $ne null and $exists for missing; bit tests; PCRE's own spellings; keys with dots, dollars or __proto__.
   */
  const simple = fc.constantFrom<string | number | boolean>(true, false, 0, 1, 2, -1, 1.5, '', 'a', 'ab', 'B');
  const document = fc.record({ a: simple, b: fc.record({ c: simple, d: simple }), list: fc.array(simple, { minLength: 1, maxLength: 3 }) });
  const field = fc.constantFrom('a', 'b.c', 'b.d', 'list');
  const condition = fc.oneof(
    simple.map((operand) => operand as ExactValue),
    fc.tuple(fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'), simple).map(([name, operand]) => ({ [name]: operand })),
    fc.tuple(fc.constantFrom('$in', '$nin'), fc.array(simple, { maxLength: 3 })).map(([name, operand]) => ({ [name]: operand })),
    fc.constantFrom('a', '^a', 'b$', '[aB]').map((source) => ({ $regex: source })),
    fc.tuple(fc.constantFrom('$gt', '$lt'), simple).map(([name, operand]) => ({ $not: { [name]: operand } })),
  );
  const clause = fc.tuple(field, condition).map(([name, operand]): ExactObject => ({ [name]: operand }));
  const onList = fc.oneof(
    fc.nat(3).map((size) => ({ list: { $size: size } })),
    fc.array(simple, { minLength: 1, maxLength: 2 }).map((all) => ({ list: { $all: all } })),
    fc.tuple(fc.constantFrom('$gt', '$lte', '$eq'), simple).map(([name, operand]) => ({ list: { $elemMatch: { [name]: operand } } })),
  );
  const any = fc.oneof(
    clause,
    onList,
    fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(fc.oneof(clause, onList), { minLength: 1, maxLength: 3 }))
      .map(([name, branches]) => ({ [name]: branches })),
  ) as fc.Arbitrary<ExactObject>;

  test('on simple documents', () => {
    fc.assert(
      fc.property(document, any, (each, wanted) => {
        expect(compileSelector(parseSelector(wanted))(each)).toBe(new Query(wanted as ConstructorParameters<typeof Query>[0]).test(each));
      }),
      { ...run, numRuns: 5_000 },
    );
  });
});
