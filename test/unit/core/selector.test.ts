import { describe, expect, test } from '@jest/globals';
import { type ExactValue, parseExact } from '../../../src/core/json.ts';
import { requiredEqualities, scalarKey, valuesAt } from '../../../src/core/selector/index-keys.ts';
import { compileSelector } from '../../../src/core/selector/match.ts';
import { parseSelector } from '../../../src/core/selector/parse.ts';
import { matches, selectorOf } from './selector-support.ts';

describe('a selector matches as in MongoDB', () => {
  test.each([
    { selector: '{"a":null}', document: '{}', is: true, why: 'null matches missing' },
    { selector: '{"a.b":null}', document: '{"a":[1,2]}', is: false, why: 'no element has a place for b' },
    { selector: '{"a.b":null}', document: '{"a":[1,{}]}', is: true, why: 'an element lacks b' },
    { selector: '{"a.0":null}', document: '{"a":[{"b":1}]}', is: true, why: 'the element, taken as an object, lacks the key 0' },
    { selector: '{"a.b":{"$exists":false}}', document: '{"a":[1,2]}', is: true, why: 'not one exists' },
    { selector: '{"a":{"$ne":1}}', document: '{}', is: true, why: '$ne matches missing' },
    { selector: '{"a":{"$nin":[1]}}', document: '{"a":[1,2]}', is: false, why: '$nin looks at every element' },
    { selector: '{"a":{"$lt":5}}', document: '{"a":"4"}', is: false, why: 'types do not mix' },
    { selector: '{"a":{"$gte":null}}', document: '{}', is: true, why: 'missing equals null, also in $gte' },
    { selector: '{"a":[1,2]}', document: '{"a":[[1,2]]}', is: true, why: 'an element that is the list' },
    { selector: '{"a.0":1}', document: '{"a":[[1,2]]}', is: false, why: 'an index does not look into a list' },
    { selector: '{"a.00":1}', document: '{"a":[1]}', is: false, why: '00 is a key' },
    { selector: '{"a.0.0.b":1}', document: '{"a":[[{"b":1}]]}', is: true, why: 'indexes through lists of lists' },
    { selector: '{"a.b":1}', document: '{"a":[[{"b":1}]]}', is: false, why: 'lists of lists are not walked by name' },
    { selector: '{"a":{"x":1,"y":2}}', document: '{"a":{"y":2,"x":1}}', is: false, why: 'key order counts' },
    { selector: '{"a":{"9":1,"10":2}}', document: '{"a":{"9":1,"10":2}}', is: true, why: 'integer-like keys keep their order' },
    { selector: '{"a":{"10":2,"9":1}}', document: '{"a":{"9":1,"10":2}}', is: false, why: 'and order counts for them too' },
    { selector: '{"a":9007199254740993}', document: '{"a":9007199254740992}', is: false, why: 'integers are exact' },
    { selector: '{"a":{"$gt":9007199254740992.0}}', document: '{"a":9007199254740993}', is: true, why: 'also against a double' },
    { selector: '{"a":{"$in":[9223372036854775807,1.0]}}', document: '{"a":1}', is: true, why: 'one key for 1 and 1.0' },
    { selector: '{"a":{"$in":[9007199254740994]}}', document: '{"a":9007199254740994.0}', is: true, why: 'also beyond 2^53' },
    { selector: '{"a":{"$type":"int"}}', document: '{"a":2147483648}', is: false, why: 'an int has 32 bits' },
    { selector: '{"a":{"$type":["long","array"]}}', document: '{"a":[]}', is: true, why: 'the list itself has a type' },
    { selector: '{"a":{"$lt":"\\ud83d\\ude00"}}', document: '{"a":"\\uffee"}', is: true, why: 'texts compare by code point' },
    { selector: '{"a":{"$gt":{"x":1}}}', document: '{"a":{"x":"1"}}', is: true, why: 'objects compare type first' },
    { selector: '{"a":{"$gt":{"b":1}}}', document: '{"a":{"c":0}}', is: true, why: 'then name, then value' },
    { selector: '{"a":{"$lt":[1,2]}}', document: '{"a":[1]}', is: true, why: 'the shorter list comes first' },
    { selector: '{"a":{"$elemMatch":{"0":2}}}', document: '{"a":[[2]]}', is: true, why: 'a list within a list has keys by index' },
    { selector: '{"a":{"$elemMatch":{"$or":[{"b":1},{"c":1}]}}}', document: '{"a":[{"c":1}]}', is: true, why: 'logic makes it a selector' },
    { selector: '{"a":{"$elemMatch":{"$not":{"$gt":1},"$exists":true}}}', document: '{"a":[2,1]}', is: true, why: '$not for one element' },
    { selector: '{"a":{"$elemMatch":{"$in":[null]}}}', document: '{"a":[null]}', is: true, why: 'null is an element' },
    { selector: '{"a":{"$all":[{"$x":1}]}}', document: '{"a":[{"$x":1}]}', is: true, why: '$all with an object that no operator begins' },
    { selector: '{"a":{"$all":[1,null]}}', document: '{"a":[1,null]}', is: true, why: '$all with null' },
    { selector: '{"a":{"$size":1}}', document: '{"a":[[1,2]]}', is: true, why: '$size looks at the list only' },
    { selector: '{"a":{"$mod":[4.9,-1.2]}}', document: '{"a":-5}', is: true, why: '$mod cuts off fractions and keeps the sign' },
    { selector: '{"a":{"$mod":[2,1]}}', document: '{"a":1e300}', is: false, why: 'doubles that 64 bits do not hold have no remainder' },
    { selector: '{"a":{"$bitsAllSet":[0,63,200]}}', document: '{"a":-1}', is: true, why: 'the sign goes on for ever' },
    { selector: '{"a":{"$bitsAllClear":[0]}}', document: '{"a":2.5}', is: false, why: 'a fraction has no bits' },
    { selector: '{"a":{"$bitsAnySet":4.0}}', document: '{"a":6.0}', is: true, why: 'whole doubles have' },
    { selector: '{"a":{"$elemMatch":{"b":1}}}', document: '{"a":[[{"b":1}]]}', is: false, why: 'a list within a list has no names' },
    { selector: '{"a":{"$mod":[2,1]}}', document: '{"a":-1e300}', is: false, why: 'or to the least, which is even' },
    { selector: '{"a":{"$not":{"$exists":1,"$ne":null}}}', document: '{}', is: true, why: '$not turns all its operators round together' },
    { selector: '{"a":NaN}', document: '{"a":NaN}', is: true, why: 'NaN equals NaN' },
    { selector: '{"a":{"$lte":NaN}}', document: '{"a":1}', is: false, why: 'and nothing else' },
    { selector: '{"$nor":[{"a":1},{"a":2}]}', document: '{"a":3}', is: true, why: 'neither holds' },
    { selector: '{"$comment":{"$where":"1"},"$alwaysTrue":1}', document: '{}', is: true, why: 'a comment says nothing' },
    { selector: '{"__proto__":{"a":1}}', document: '{"__proto__":{"a":1}}', is: true, why: '__proto__ is a name like others' },
    { selector: '{"constructor":null,"toString.name":null}', document: '{}', is: true, why: 'nothing is inherited' },
    { selector: '{"a":{"$in":[{"b":1},[2]]}}', document: '{"a":[[2]]}', is: true, why: '$in with values that are no scalars' },
  ])('$selector on $document: $why', ({ selector, document, is }) => {
    expect(matches(selector, document)).toBe(is);
  });

  test('dates compare with dates only', () => {
    const at = (value: ExactValue) => compileSelector(parseSelector({ at: value }));
    const document = { at: new Date(1000) };
    expect(at({ $gt: new Date(999) })(document)).toBe(true);
    expect(at({ $in: [new Date(1000)] })(document)).toBe(true);
    expect(at({ $gt: 'a' })(document)).toBe(false);
    expect(at({ $type: 9 })(document)).toBe(true);
  });

  test('what is no object has no members', () => {
    expect(matches('{"a":{"$exists":false}}', '5')).toBe(true);
  });
});

describe('a selector is refused', () => {
  const refusal = (value: ExactValue) => {
    try {
      parseSelector(value);
    } catch (error) {
      return error;
    }
    return 'accepted';
  };

  test.each([
    ['{"$where":"1"}', 'selector_operator_refused', '/$where'],
    ['{"a":1,"$or":[{"b":1},{"$expr":1}]}', 'selector_operator_refused', '/$or/1/$expr'],
    ['{"a":{"$elemMatch":{"b":{"$function":{}}}}}', 'selector_operator_refused', '/a/$elemMatch/b/$function'],
    ['{"a":{"$elemMatch":{"$where":"1"}}}', 'selector_operator_refused', '/a/$elemMatch/$where'],
    ['{"a":{"$gt":1,"$near":[0,0]}}', 'selector_operator_refused', '/a/$near'],
    ['{"a/b~":{"$foo":1}}', 'selector_operator_refused', '/a~1b~0/$foo'],
    ['{"$text":{"$search":"x"}}', 'selector_operator_refused', '/$text'],
    ['{"a":{"$not":{"$jsonSchema":{}}}}', 'selector_operator_refused', '/a/$not/$jsonSchema'],
    ['{"a":{"$not":{"b":1}}}', 'selector_invalid', '/a/$not/b'],
    ['{"a":{"$type":[]}}', 'selector_invalid', '/a/$type'],
    ['{"a":{"$type":0}}', 'selector_invalid', '/a/$type'],
    ['{"a":{"$mod":[0.5,1]}}', 'selector_invalid', '/a/$mod'],
    ['{"a":{"$mod":[1,"1"]}}', 'selector_invalid', '/a/$mod/1'],
    ['{"a":{"$mod":[1,1,1]}}', 'selector_invalid', '/a/$mod'],
    ['{"a":{"$bitsAllSet":-1}}', 'selector_invalid', '/a/$bitsAllSet'],
    ['{"a":{"$bitsAllSet":[0,1.5]}}', 'selector_invalid', '/a/$bitsAllSet/1'],
    ['{"a":{"$all":[{"$elemMatch":{}},1]}}', 'selector_invalid', '/a/$all/1'],
    ['{"a":{"$size":2147483648}}', 'selector_invalid', '/a/$size'],
    ['{"a":{"$all":[{"$gt":1}]}}', 'selector_invalid', '/a/$all/0'],
    ['{"a":{"$in":[1,{"$gt":1}]}}', 'selector_invalid', '/a/$in/1'],
    ['{"a":{"b":[9223372036854775808]}}', 'selector_invalid', '/a/b/0'],
    ['{"$alwaysTrue":0}', 'selector_invalid', '/$alwaysTrue'],
    ['{"a":{"$regex":"(","$options":"i"}}', 'selector_invalid', '/a/$regex'],
    ['{"a":{"$regex":"a++"}}', 'selector_regex_unsupported', '/a/$regex'],
  ])('%s: %s at %s', (text, code, pointer) => {
    expect(refusal(parseExact(text))).toMatchObject({ code, pointer, message: expect.stringMatching(/\w{3}/) });
  });

  test.each<[string, ExactValue]>([
    ['more conditions than 1,000', { $or: Array.from({ length: 1_001 }, () => ({ a: 1 })) }],
    ['more empty branches than 1,000', { $or: Array.from({ length: 1_001 }, () => ({})) }],
    ['a longer list than 10,000', { a: { $in: Array.from({ length: 10_001 }, (_, i) => i) } }],
    ['a longer regex than 1,000', { a: { $regex: 'a'.repeat(10_000) } }],
    ['a longer path than 100 names', { [Array(102).join('a.')]: 1 }],
    ['a million levels of $and', nest(1_000_000, (inner) => ({ $and: [inner] }), {})],
    ['a million levels of $not', { a: nest(1_000_000, (inner) => ({ $not: inner }), { $gt: 1 }) }],
    ['a million levels of $elemMatch', { a: nest(1_000_000, (inner) => ({ $elemMatch: inner }), { $gt: 1 }) }],
    ['a million levels of values', { a: nest(1_000_000, (inner) => [inner], 1) }],
    ['a million levels of values in $in', { a: { $in: [nest(1_000_000, (inner) => ({ b: inner }), 1)] } }],
  ])('%s', (_why, value) => {
    expect(refusal(value)).toMatchObject({ code: 'selector_too_large' });
  });

  test('limits can be set', () => {
    expect(() => parseSelector({ a: 1, b: 1 }, { clauses: 1 })).toThrow(expect.objectContaining({ code: 'selector_too_large' }));
    expect(parseSelector({ a: { $in: Array(20_000).fill(1) } }, { listLength: 20_000 })).toMatchObject({ op: 'field' });
  });
});

function nest(levels: number, wrap: (inner: ExactValue) => ExactValue, core: ExactValue): ExactValue {
  let value = core;
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
}

describe('hostile selectors', () => {
  test('prototypes stay as they are', () => {
    const selector = selectorOf('{"__proto__":{"polluted":1},"constructor.prototype.polluted":1,"a.__proto__.b":{"$exists":true}}');
    expect(compileSelector(selector)(parseExact('{"__proto__":{"polluted":1},"a":{"__proto__":{"b":1}}}'))).toBe(false);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(matches('{"a.__proto__.b":1}', '{"a":{"__proto__":{"b":1}}}')).toBe(true);
  });

  test('a list of 10,000 values takes microseconds', () => {
    const matcher = compileSelector(parseSelector({ a: { $in: Array.from({ length: 10_000 }, (_, i) => `v${i}`) } }));
    const start = performance.now();
    for (let i = 0; i < 10_000; i++) matcher({ a: `w${i}` });
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('a document of any depth is compared only as deep as the selector goes', () => {
    const deep = nest(1_000_000, (inner) => [inner], 1);
    expect(compileSelector(parseSelector({ a: [[[1]]] }))({ a: deep })).toBe(false);
    expect(compileSelector(parseSelector({ a: { $gt: [[[1]]] } }))({ a: deep })).toBe(true);
  });
});

describe('keys for an index of filters', () => {
  test.each([
    ['{"a":1,"b":{"$in":["x","y"]}}', { a: [1], b: ['x', 'y'] }],
    ['{"$and":[{"a":true},{"$and":[{"b.c":"x"}]}],"$or":[{"d":1},{"d":2}]}', { a: [true], 'b.c': ['x'] }],
    ['{"a":{"$in":[1,2,3],"$eq":2}}', { a: [2] }],
    ['{"a":{"$all":["x","y"]}}', { a: ['x'] }],
    ['{"a":null}', {}],
    ['{"a":{"$in":[1,null]}}', {}],
    ['{"a":{"$in":[]}}', { a: [] }],
    ['{"a":{"b":1},"c":{"$ne":1},"d":{"$not":{"$eq":1}},"$nor":[{"e":1}]}', {}],
  ])('%s needs %j', (text, expected) => {
    expect(Object.fromEntries(requiredEqualities(selectorOf(text)))).toEqual(expected);
  });

  test('values on a path come from every element', () => {
    expect(valuesAt(parseExact('{"a":[{"b":1},{"b":[2,3]},4]}'), 'a.b')).toEqual([1, 2, 3, [2, 3]]);
    expect(valuesAt(parseExact('{"a":1}'), 'b')).toEqual([]);
  });

  test('equal numbers share a key', () => {
    const keys = ['5', '5.0', '9007199254740994', '9007199254740994.0', '9007199254740993'].map((text) => scalarKey(parseExact(text)));
    expect(keys).toEqual([5, 5, 9007199254740994n, 9007199254740994n, 9007199254740993n]);
    expect(scalarKey(parseExact('-0.0'))).toBe(-0);
    expect(new Set([0]).has(-0)).toBe(true);
    expect(scalarKey(null)).toBeNull();
  });
});
