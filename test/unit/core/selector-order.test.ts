import { describe, expect, test } from '@jest/globals';
import { type ExactObject, type ExactValue, parseExact, stringifyExact } from '../../../src/core/json.ts';
import { parseProjection, project } from '../../../src/core/selector/project.ts';
import { compareForSort, parseSort, sortValues } from '../../../src/core/selector/sort.ts';
import { compareValues } from '../../../src/core/selector/values.ts';

function projected(projection: string, document: string): string {
  return stringifyExact(project(parseProjection(parseExact(projection)), parseExact(document) as ExactObject));
}

function sortedBy(sort: string, documents: string[]): string[] {
  const order = parseSort(parseExact(sort));
  const compare = compareForSort(order);
  return documents
    .map((text) => ({ text, values: sortValues(order, parseExact(text)) }))
    .sort((a, b) => compare(a.values, b.values))
    .map(({ text }) => text);
}

describe('a projection', () => {
  test.each([
    ['{}', '{"_id":1,"a":1}', '{"_id":1,"a":1}'],
    ['{"a":1}', '{"b":2,"a":1,"_id":1}', '{"a":1,"_id":1}'],
    ['{"a":true,"_id":0}', '{"_id":1,"a":1.0,"b":2}', '{"a":1.0}'],
    ['{"_id":0}', '{"_id":1,"a":1}', '{"a":1}'],
    ['{"_id":1}', '{"_id":1,"a":1}', '{"_id":1}'],
    ['{"a":0}', '{"_id":1,"a":1,"b":2}', '{"_id":1,"b":2}'],
    ['{"a":0,"_id":1}', '{"_id":1,"a":1,"b":2}', '{"_id":1,"b":2}'],
    ['{"_id":1,"a":0.0}', '{"_id":1,"a":1,"b":2}', '{"_id":1,"b":2}'],
    ['{"a.b":1,"a.d":1}', '{"a":{"b":1,"c":2,"d":3},"e":1}', '{"a":{"b":1,"d":3}}'],
    ['{"a.b":1}', '{"a":[{"b":1,"c":2},5,[{"b":2,"c":1}],{"c":1}]}', '{"a":[{"b":1},[{"b":2}],{}]}'],
    ['{"a.b":1}', '{"a":5}', '{}'],
    ['{"a.b":0}', '{"a":[{"b":1,"c":2},5,[{"b":2}]]}', '{"a":[{"c":2},5,[{}]]}'],
    ['{"a.b":0}', '{"a":5}', '{"a":5}'],
    ['{"a.10":1}', '{"a":{"10":1,"9":2}}', '{"a":{"10":1}}'],
    ['{"__proto__":1}', '{"__proto__":{"x":1},"a":1}', '{"__proto__":{"x":1}}'],
    ['{"b":0}', '{"10":1,"9":2,"b":1}', '{"10":1,"9":2}'],
  ])('%s of %s', (projection, document, expected) => {
    expect(projected(projection, document)).toBe(expected);
  });

  test.each([
    ['5', ''],
    ['{"a":1,"b":0}', '/b'],
    ['{"a":0,"b":1}', '/b'],
    ['{"a":1,"a.b":1}', '/a.b'],
    ['{"a.b":1,"a":1}', '/a'],
    ['{"a.$":1}', '/a.$'],
    ['{"$where":1}', '/$where'],
    ['{"a..b":1}', '/a..b'],
    ['{"a":"$b"}', '/a'],
    ['{"a":{"$slice":1}}', '/a'],
  ])('%s is refused', (projection, pointer) => {
    expect(() => parseProjection(parseExact(projection))).toThrow(expect.objectContaining({ code: 'projection_invalid', pointer }));
  });

  test('its size is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`f${i}`, 1]));
    expect(() => parseProjection(many)).toThrow(expect.objectContaining({ code: 'projection_invalid' }));
    expect(() => parseProjection({ [Array(102).join('a.')]: 1 })).toThrow(expect.objectContaining({ code: 'projection_invalid' }));
  });
});

describe('a sort order', () => {
  test.each([
    ['{"a":1}', ['{"a":2}', '{"a":1}', '{"a":1.5}'], ['{"a":1}', '{"a":1.5}', '{"a":2}']],
    ['{"a":-1}', ['{"a":1}', '{"a":[0,5]}', '{"a":3}'], ['{"a":[0,5]}', '{"a":3}', '{"a":1}']],
    ['{"a":1}', ['{"a":1}', '{"a":[0,5]}'], ['{"a":[0,5]}', '{"a":1}']],
    [
      '{"a":1}',
      ['{"a":"x"}', '{"a":1}', '{}', '{"a":[]}', '{"a":true}', '{"a":{}}'],
      ['{"a":[]}', '{}', '{"a":1}', '{"a":"x"}', '{"a":{}}', '{"a":true}'],
    ],
    ['{"a":1.0,"b":-1}', ['{"a":1,"b":1}', '{"a":1,"b":2}'], ['{"a":1,"b":2}', '{"a":1,"b":1}']],
    ['{"a.b":1}', ['{"a":{"b":2}}', '{"a":[{"b":3},{"b":1}]}', '{"a":[5]}'], ['{"a":[5]}', '{"a":[{"b":3},{"b":1}]}', '{"a":{"b":2}}']],
    ['{"a":1}', ['{"a":null,"n":1}', '{"n":2}'], ['{"a":null,"n":1}', '{"n":2}']],
    ['{}', ['{"a":2}', '{"a":1}'], ['{"a":2}', '{"a":1}']],
  ])('%s', (sort, documents, expected) => {
    expect(sortedBy(sort, documents)).toEqual(expected);
  });

  test.each([
    ['[]', ''],
    ['{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}', ''],
    ['{"a":2}', '/a'],
    ['{"a":"asc"}', '/a'],
    ['{"a":{"$meta":"textScore"}}', '/a'],
    ['{"":1}', '/'],
    ['{"$natural":1}', '/$natural'],
    ['{"a..b":1}', '/a..b'],
  ])('%s is refused', (sort, pointer) => {
    expect(() => parseSort(parseExact(sort))).toThrow(expect.objectContaining({ code: 'sort_invalid', pointer }));
  });

  test('a path of more than 100 names is refused', () => {
    expect(() => parseSort({ [`${'a.'.repeat(100)}a`]: 1 })).toThrow(expect.objectContaining({ code: 'sort_invalid' }));
  });

  test('values of all types have one order', () => {
    const ascending: ExactValue[] = [
      null,
      Number.NaN,
      -1,
      0,
      2 ** 53,
      2n ** 53n + 1n,
      'a',
      '\uffee',
      '😀',
      {},
      { a: 1 },
      { a: 1, b: 1 },
      [],
      [1],
      false,
      true,
      new Date(0),
      new Date(1),
    ];
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(Math.sign(compareValues(a, b))).toBe(Math.sign(i - j));
    }
  });
});
