import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ExactValue, parseExact } from '../../../src/core/json.ts';
import { compileFilter } from '../../../src/core/match-filter.ts';
import { type Firing, HandlerIndex, type Matchable } from '../../../src/core/matching.ts';

const HOOK = 'event.on_ingest';

function handler(
  id: number,
  { hook = HOOK, tags = [], filter = '{}' }: { hook?: string; tags?: string[]; filter?: string } = {},
): Matchable {
  return { id, hook, tags, ...compileFilter(filter) };
}

function indexOf(...handlers: Matchable[]): HandlerIndex<Matchable> {
  const index = new HandlerIndex<Matchable>();
  for (const each of handlers) index.set(each);
  return index;
}

function firing(tags: readonly string[], document: ExactValue = {}): Firing {
  return { tags: () => tags, document: () => document };
}

const forbidden = (what: string) => (): never => {
  throw new Error(`${what} is not needed here`);
};

function ids(index: HandlerIndex<Matchable>, tags: readonly string[], document: ExactValue = {}, hook = HOOK): number[] {
  return index.match(hook, firing(tags, document)).map(({ id }) => id);
}

describe('B8 tags', () => {
  const index = indexOf(handler(3, { tags: ['a', 'b'] }), handler(1), handler(2, { tags: ['b', 'c'] }), handler(4, { hook: 'other' }));

  test.each([
    { tags: ['b'], found: [1, 2, 3], why: 'any shared tag is enough' },
    { tags: ['a', 'b', 'c'], found: [1, 2, 3], why: 'a handler reached by two tags runs once' },
    { tags: ['b', 'b'], found: [1, 2, 3], why: 'a tag named twice counts once' },
    { tags: ['c'], found: [1, 2], why: 'the other tags of a handler do not matter' },
    { tags: ['x'], found: [1], why: 'a handler without tags always runs' },
    { tags: [], found: [1, 2, 3], why: 'detail 18: a firing without tags reaches all handlers' },
  ])('$tags → $found: $why', ({ tags, found }) => {
    expect(ids(index, tags)).toEqual(found);
  });

  test('a handler with the same tag twice is found once, and removed whole', () => {
    const twice = indexOf(handler(1, { tags: ['a', 'a'] }));
    expect(ids(twice, ['a'])).toEqual([1]);
    twice.remove(1);
    expect(ids(twice, ['a'])).toEqual([]);
  });
});

describe('filters', () => {
  test.each([
    { filter: '{"event_type":"test"}', document: '{"event_type":"test"}', found: true, why: 'an equality' },
    { filter: '{"event_type":"test"}', document: '{"event_type":"other"}', found: false, why: 'another value' },
    { filter: '{"event_type":"test"}', document: '{}', found: false, why: 'a missing member' },
    { filter: '{"n":1}', document: '{"n":1.0}', found: true, why: '1 is 1.0' },
    { filter: '{"n":1591844539983333333}', document: '{"n":1591844539983333333}', found: true, why: 'integers beyond 2^53 are exact' },
    { filter: '{"n":1591844539983333333}', document: '{"n":1591844539983333334}', found: false, why: 'and their neighbours differ' },
    { filter: '{"n":1}', document: '{"n":"1"}', found: false, why: 'a text is no number' },
    { filter: '{"n":1}', document: '{"n":true}', found: false, why: 'true is not 1' },
    { filter: '{"list":2}', document: '{"list":[1,2,2]}', found: true, why: 'an element of a list' },
    { filter: '{"a.b":2}', document: '{"a":[{"b":1},{"b":2}]}', found: true, why: 'a member of an element' },
    { filter: '{"n":null}', document: '{}', found: true, why: 'null takes what is missing, so it cannot be looked up' },
    { filter: '{"n":{"$in":[null,1]}}', document: '{}', found: true, why: 'also in a list' },
    { filter: '{"n":[1,2]}', document: '{"n":[1,2]}', found: true, why: 'a whole list' },
    { filter: '{"n":{"$in":[]}}', document: '{"n":1}', found: false, why: 'an empty list takes nothing' },
    { filter: '{"n":{"$ne":1}}', document: '{"n":2}', found: true, why: 'an inequality' },
    { filter: '{"$or":[{"a":1},{"b":1}]}', document: '{"b":1}', found: true, why: 'either of two' },
    { filter: '{"a":1,"b":{"$gt":1}}', document: '{"a":1,"b":2}', found: true, why: 'an equality and a range' },
    { filter: '{"a":1,"b":{"$gt":1}}', document: '{"a":1,"b":1}', found: false, why: 'the equality alone is not enough' },
    { filter: '{"$comment":"all"}', document: '{}', found: true, why: 'a comment tests nothing' },
  ])('$filter on $document: $found, $why', ({ filter, document, found }) => {
    const index = indexOf(handler(1, { filter }));
    expect(ids(index, ['x'], parseExact(document))).toEqual(found ? [1] : []);
  });

  test('many required values are tested one by one instead of being indexed', () => {
    const values = Array.from({ length: 1_000 }, (_, n) => n);
    const index = indexOf(handler(1, { filter: JSON.stringify({ n: { $in: values } }) }));
    expect(ids(index, [], { n: 999 })).toEqual([1]);
    expect(ids(index, [], { n: 1_000 })).toEqual([]);
  });

  test('handlers on more paths than are indexed are found all the same', () => {
    const handlers = Array.from({ length: 100 }, (_, n) => handler(n, { filter: JSON.stringify({ [`p${n}`]: 1 }) }));
    const index = indexOf(...handlers);
    expect(ids(index, [], { p99: 1 })).toEqual([99]);
    expect(ids(index, [], { p1: 1, p2: 1, p98: 2 })).toEqual([1, 2]);
    for (const { id } of handlers.slice(0, 99)) index.remove(id);
    expect(ids(index, [], { p99: 1, p1: 1 })).toEqual([99]);
  });

  test('only filters whose required values are there are tested, by the path that tells handlers apart', () => {
    let tested = 0;
    const filters = Array.from({ length: 1_000 }, (_, n) => compileFilter(JSON.stringify({ event_type: 'test', node: `n${n}` })));
    const counted = filters.map(({ matches, anchors }, id) => ({
      id,
      hook: HOOK,
      tags: [],
      anchors,
      matches: (document: ExactValue) => {
        tested++;
        return matches?.(document) ?? true;
      },
    }));
    expect(ids(indexOf(...counted), ['x'], { event_type: 'test', node: 'n500' })).toEqual([500]);
    expect(tested).toBeLessThan(5);
  });

  test('anchors that cannot be looked up do not hide a handler', () => {
    const anchors = new Map<string, ExactValue[]>([['n', [1, null]]]);
    const index = indexOf({ id: 1, hook: HOOK, tags: [], matches: () => true, anchors });
    expect(ids(index, [], {})).toEqual([1]);
  });

  test.each([
    { filter: '[]', code: 'selector_invalid', pointer: '/filter' },
    { filter: '{"a":', code: 'selector_invalid', pointer: '/filter' },
    { filter: '{"a":1e999}', code: 'selector_invalid', pointer: '/filter' },
    { filter: '{"a":{"$wat":1}}', code: 'selector_operator_refused', pointer: '/filter/a/$wat' },
    { filter: '{"$where":"true"}', code: 'selector_operator_refused', pointer: '/filter/$where' },
    { filter: '{"a":{"$regex":"(?=x)"}}', code: 'selector_regex_unsupported', pointer: expect.stringMatching('^/filter/a') },
  ])('$filter is refused as $code', ({ filter, code, pointer }) => {
    expect(() => compileFilter(filter)).toThrow(expect.objectContaining({ code, faults: [expect.objectContaining({ pointer })] }));
  });

  test('a filter is tested once, however many tags and values lead to it', () => {
    let tested = 0;
    const matches = (): boolean => ++tested > 0;
    const anchors = new Map([['list', [1, 2, 3]]]);
    const index = indexOf({ id: 1, hook: HOOK, tags: ['a', 'b'], matches, anchors });
    expect(ids(index, ['a', 'b'], { list: [1, 2, 3] })).toEqual([1]);
    expect(tested).toBe(1);
  });
});

describe('laziness', () => {
  test('a hook without handlers looks at nothing', () => {
    const index = indexOf(handler(1, { hook: 'other' }));
    expect(index.isEmpty(HOOK)).toBe(true);
    expect(index.match(HOOK, { tags: forbidden('tags'), document: forbidden('document') })).toEqual([]);
  });

  test('tags are not asked for when no handler has tags', () => {
    expect(indexOf(handler(1)).match(HOOK, { tags: forbidden('tags'), document: forbidden('document') })).toHaveLength(1);
  });

  test('the document is not asked for when only handlers out of reach have filters', () => {
    const index = indexOf(handler(1, { tags: ['a'], filter: '{"n":1}' }), handler(2, { tags: ['b'] }));
    expect(index.match(HOOK, { tags: () => ['b'], document: forbidden('document') })).toHaveLength(1);
  });

  test('tags and document are asked for once', () => {
    const asked: string[] = [];
    const noted = <T>(what: string, answer: T) => {
      return (): T => {
        asked.push(what);
        return answer;
      };
    };
    const index = indexOf(handler(1, { filter: '{"n":1}' }), handler(2, { tags: ['a'], filter: '{"n":{"$gt":0}}' }));
    index.match(HOOK, { tags: noted('tags', ['a', 'b']), document: noted('document', { n: 1 }) });
    expect(asked.sort()).toEqual(['document', 'tags']);
  });

  test('tells whether a hook has filters', () => {
    const index = indexOf(handler(1), handler(2, { filter: '{"n":1}' }));
    expect(index.hasFilters(HOOK)).toBe(true);
    index.remove(2);
    expect(index.hasFilters(HOOK)).toBe(false);
    expect(index.hasFilters('other')).toBe(false);
  });
});

describe('changes', () => {
  test('set replaces tags, filter and hook', () => {
    const index = indexOf(handler(1, { tags: ['a'], filter: '{"n":1}' }));
    index.set(handler(1, { tags: ['b'], filter: '{"n":2}' }));
    expect(ids(index, ['a'], { n: 1 })).toEqual([]);
    expect(ids(index, ['b'], { n: 2 })).toEqual([1]);
    index.set(handler(1, { hook: 'other' }));
    expect(index.isEmpty(HOOK)).toBe(true);
    expect(ids(index, ['a'], {}, 'other')).toEqual([1]);
  });

  test('removing an unknown handler changes nothing', () => {
    const index = indexOf(handler(1));
    index.remove(2);
    expect(ids(index, [])).toEqual([1]);
  });

  test('removing all handlers leaves the hook empty', () => {
    const index = indexOf(
      handler(1, { tags: ['a'], filter: '{"n":1}' }),
      handler(2, { filter: '{"n":1}' }),
      handler(3, { filter: '{"n":{"$gt":1}}' }),
    );
    for (const id of [1, 2, 3]) index.remove(id);
    expect(index.isEmpty(HOOK)).toBe(true);
    expect(ids(index, ['a'], { n: 1 })).toEqual([]);
  });
});

// --- the index against a scan of all handlers ---

const tagList = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 });
const scalar = fc.constantFrom('0', '1', '1.0', '"1"', 'true', 'null', '"x"', '1591844539983333333');
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
);
const test_ = fc.oneof(
  value,
  fc.array(value, { maxLength: 3 }).map((items) => `{"$in":[${items.join(',')}]}`),
  scalar.map((text) => `{"$ne":${text}}`),
  scalar.filter((text) => text !== 'null').map((text) => `{"$gte":${text}}`),
  scalar.map((text) => `{"$eq":${text},"$exists":true}`),
);
const clause = fc.tuple(fc.constantFrom('p', 'q', 'q.r', 's.0'), test_).map(([path, text]) => `${JSON.stringify(path)}:${text}`);
const plainFilter = fc
  .uniqueArray(clause, { maxLength: 3, selector: (text) => text.split(':')[0] })
  .map((clauses) => `{${clauses.join(',')}}`);
const filter = fc.oneof(
  plainFilter,
  fc.tuple(plainFilter, plainFilter).map(([a, b]) => `{"$and":[${a},${b}]}`),
  fc.tuple(plainFilter, plainFilter).map(([a, b]) => `{"$or":[${a},${b}]}`),
);
const inner = fc.oneof(
  value,
  value.map((text) => `{"r":${text}}`),
  value.map((text) => `[{"r":${text}},{"r":1}]`),
);
const documentText = fc
  .tuple(fc.option(inner), fc.option(inner), fc.option(inner))
  .map(([p, q, s]) => `{${[p && `"p":${p}`, q && `"q":${q}`, s && `"s":${s}`].filter(Boolean).join(',')}}`);
const change = fc.record({
  id: fc.integer({ min: 1, max: 12 }),
  hook: fc.constantFrom(HOOK, HOOK, HOOK, 'other'),
  tags: tagList,
  filter,
  remove: fc.boolean(),
});

test('finds what a scan of all handlers finds, after any changes', () => {
  const property = fc.property(
    fc.array(change, { maxLength: 25 }),
    fc.array(fc.tuple(tagList, documentText), { minLength: 1, maxLength: 5 }),
    (changes, firings) => {
      const index = new HandlerIndex<Matchable>();
      const all = new Map<number, Matchable>();
      for (const { remove, ...rest } of changes) {
        if (remove) {
          index.remove(rest.id);
          all.delete(rest.id);
        } else {
          const each = handler(rest.id, rest);
          index.set(each);
          all.set(rest.id, each);
        }
      }
      for (const [tags, text] of firings) {
        const document = parseExact(text);
        expect(ids(index, tags, document)).toEqual(scan([...all.values()], tags, document));
      }
    },
  );
  fc.assert(property, { numRuns: 2_000 });
});

function scan(handlers: readonly Matchable[], tags: readonly string[], document: ExactValue): number[] {
  return handlers
    .filter(({ hook }) => hook === HOOK)
    .filter((each) => each.tags.length === 0 || tags.length === 0 || each.tags.some((tag) => tags.includes(tag)))
    .filter(({ matches }) => matches === null || matches(document))
    .map(({ id }) => id)
    .sort((a, b) => a - b);
}

describe('the head of a firing', () => {
  const head = { _id: 'e', event_type: 'log_error', log_level: 40, alert: false, event_timestamp: '2026-03-01T00:00:00' };
  const unread: Firing = { tags: () => [], document: forbidden('the document'), head: () => head };

  test.each([
    { filter: '{"$or":[{"alert":true},{"log_level":{"$gte":40}}]}', found: true },
    { filter: '{"$or":[{"alert":true},{"log_level":{"$gte":50}}]}', found: false },
    { filter: '{"event_type":"log_error"}', found: true },
    { filter: '{"event_type":{"$in":["log_info","log_debug"]}}', found: false },
    { filter: '{"$nor":[{"_id":"e"}]}', found: false },
    { filter: '{"event_timestamp":{"$regex":"^2026"},"log_level":{"$not":{"$lt":10}}}', found: true },
    { filter: '{"log_level.x":{"$exists":false}}', found: true },
  ])('is enough for $filter', ({ filter, found }) => {
    expect(indexOf(handler(1, { filter })).match(HOOK, unread)).toHaveLength(found ? 1 : 0);
  });

  test.each(['{"source.node_id":"n"}', '{"$or":[{"alert":true},{"event_data.x":1}]}', '{"log_level":40,"tags":"a"}'])(
    'is not enough for %s',
    (filter) => {
      expect(() => indexOf(handler(1, { filter })).match(HOOK, unread)).toThrow('the document is not needed here');
    },
  );

  test('decides as the document does, for any filter on its members', () => {
    const level = fc.constantFrom(0, 10, 20, 30, 40, 50);
    const tests = fc.oneof(
      fc.record({ log_level: fc.record({ $gte: level }) }),
      fc.record({ log_level: level }),
      fc.record({ alert: fc.boolean() }),
      fc.record({ event_type: fc.constantFrom('log_error', 'test') }),
    );
    const filters = fc.oneof(
      tests,
      fc.record({ $or: fc.array(tests, { minLength: 1 }) }),
      fc.record({ $nor: fc.array(tests, { minLength: 1 }) }),
    );
    fc.assert(
      fc.property(filters, level, fc.boolean(), (filter, log_level, alert) => {
        const index = indexOf(handler(1, { filter: JSON.stringify(filter) }));
        const own = { ...head, log_level, alert };
        expect(index.match(HOOK, { ...unread, head: () => own })).toEqual(index.match(HOOK, firing([], own)));
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
