import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Double,
  isObject,
  isPlain,
  JsonDepthError,
  JsonNumberError,
  JsonSyntaxError,
  memberOf,
  membersOf,
  OrderedObject,
  parseExact,
  pythonFloat,
  stringifyExact,
} from '../../../src/core/json.ts';
import { JsonScanner } from '../../../src/core/json-scanner.ts';

const roundTrip = (text: string): string => stringifyExact(parseExact(text));

describe('detail 3: numbers keep what they are', () => {
  test.each([
    { text: '1.0', answer: '1.0', why: 'a whole double stays a double' },
    { text: '-0.0', answer: '-0.0', why: 'the sign of zero stays' },
    { text: '-0', answer: '0', why: 'Python reads it as the integer 0' },
    { text: '1e3', answer: '1000.0', why: 'an exponent makes a double' },
    { text: '1E-7', answer: '1e-07', why: 'Python pads exponents to two digits' },
    { text: '0.00001', answer: '1e-05', why: 'Python writes exponents below 1e-4, JavaScript below 1e-6' },
    { text: '0.0001', answer: '0.0001', why: 'not below' },
    { text: '1e16', answer: '1e+16', why: 'Python writes exponents from 1e16, JavaScript from 1e21' },
    { text: '123456789012345.6', answer: '123456789012345.6', why: 'a fraction survives' },
    { text: '9007199254740993.5', answer: '9007199254740994.0', why: 'rounds to a whole number, stays a double' },
    { text: '0.99999999999999999999', answer: '1.0', why: 'rounds to a whole number, stays a double' },
    { text: '4.9e-324', answer: '5e-324', why: 'the smallest double' },
    { text: '1.7976931348623157e308', answer: '1.7976931348623157e+308', why: 'the largest double' },
    { text: '9007199254740991', answer: '9007199254740991', why: 'the last safe integer' },
    { text: '1591844539983333333', answer: '1591844539983333333', why: 'beyond 2^53' },
    { text: '-123456789012345678901234567890', answer: '-123456789012345678901234567890', why: 'beyond 64 bits' },
    { text: '[1.50, 21.5]', answer: '[1.5,21.5]', why: 'trailing zeros carry nothing' },
  ])('$text → $answer: $why', ({ text, answer }) => {
    expect(roundTrip(text)).toBe(answer);
  });

  test('integers are numbers up to 2^53-1 and bigints beyond, whole doubles are Double', () => {
    expect(parseExact('[9007199254740991,9007199254740992,1.0,1.5]')).toEqual([9007199254740991, 9007199254740992n, new Double(1), 1.5]);
  });

  test.each([
    { text: '1e400', loc: [] },
    { text: '[1,NaN]', loc: [1] },
    { text: '{"a":{"10":[-Infinity]}}', loc: ['a', '10', 0] },
    { text: `[${'9'.repeat(4301)}]`, loc: [0] },
  ])('M61 refuses what is no finite number: at $loc', ({ text, loc }) => {
    expect(() => parseExact(text)).toThrow(expect.objectContaining({ name: 'JsonNumberError', loc }));
  });

  test('a number that a later equal key replaces does no harm', () => {
    expect(roundTrip('{"a":NaN,"a":1}')).toBe('{"a":1}');
  });

  test('a fault of the text goes before a number without value, as in Python', () => {
    expect(() => parseExact('[NaN,]')).toThrow(JsonSyntaxError);
    expect(() => parseExact('[NaN]')).toThrow(JsonNumberError);
  });
});

describe('detail 2: order and names of members', () => {
  test.each([
    ['{"10":"ten","9":"nine","b":1}'],
    ['{"b":1,"10":2,"b2":3,"9":4}'],
    ['{"__proto__":{"x":1},"constructor":2}'],
    ['{"__proto__":{"x":1.0},"9":2}'],
    ['{"":0,"a.b":1,"$c":2}'],
  ])('%s comes back as it is', (text) => {
    expect(roundTrip(text)).toBe(text);
  });

  test('an escaped digit is an integer-like key too', () => {
    expect(parseExact('{"\\u0031":1,"0":2}')).toEqual(
      new OrderedObject(
        new Map([
          ['1', 1],
          ['0', 2],
        ]),
      ),
    );
  });

  test('of equal keys the last value takes the first place', () => {
    expect(roundTrip('{"a":1,"b":2,"a":3.0}')).toBe('{"a":3.0,"b":2}');
    expect(roundTrip('{"1":1,"b":2,"1":3}')).toBe('{"1":3,"b":2}');
  });

  test.each(['{"__proto__":7,"x":1}', '{"__proto__":7,"x":1.0}'])('%s: __proto__ is a member, what objects inherit is not', (text) => {
    const value = parseExact(text);
    if (!isObject(value)) throw new Error('expected an object');
    expect(memberOf(value, '__proto__')).toBe(7);
    expect(memberOf(value, 'constructor')).toBeUndefined();
    expect(Array.from(membersOf(value), ([key]) => key)).toEqual(['__proto__', 'x']);
  });

  test('only objects are objects', () => {
    expect([null, 1, 'a', [], new Double(1), new Date(0), undefined].some((value) => isObject(value))).toBe(false);
    expect(isObject({}) && isObject(new OrderedObject(new Map()))).toBe(true);
    expect(memberOf(new OrderedObject(new Map([['1', 2]])), '1')).toBe(2);
  });
});

describe('texts', () => {
  test('lone surrogates are escaped, pairs are not', () => {
    expect(roundTrip('"\\ud83d\\ude00 \\ud800 1.0"')).toBe('"😀 \\ud800 1.0"');
    expect(roundTrip('["\\ud83d\\ude00","\\ud800",1.0]')).toBe('["😀","\\ud800",1.0]');
  });

  test('every escape is read', () => {
    expect(parseExact('[1.0,"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u00E9x"]')).toEqual([new Double(1), '"\\/\b\f\n\r\té\u00e9x']);
  });
});

describe('M27 errors as Python words and counts them', () => {
  test.each([
    ['', 'Expecting value', 0],
    ['  ', 'Expecting value', 2],
    ['{', 'Expecting property name enclosed in double quotes', 1],
    ['{"a":}', 'Expecting value', 5],
    ['{"a" 1}', "Expecting ':' delimiter", 5],
    ['{"a":1,}', 'Expecting property name enclosed in double quotes', 7],
    ['[1,]', 'Expecting value', 3],
    ['[1 2]', "Expecting ',' delimiter", 3],
    ['{"a":1}{', 'Extra data', 7],
    ['[020]', "Expecting ',' delimiter", 2],
    ['[-]', 'Expecting value', 1],
    ['[1.e5]', "Expecting ',' delimiter", 2],
    ['[1e+]', "Expecting ',' delimiter", 2],
    ['"a\nb"', 'Invalid control character at', 2],
    ['"\\x"', 'Invalid \\escape', 1],
    ['"a', 'Unterminated string starting at', 0],
    ['"a\\', 'Unterminated string starting at', 0],
    ['"\\u12"', 'Invalid \\uXXXX escape', 2],
    ['"\\u12g4"', 'Invalid \\uXXXX escape', 2],
    ['"\\u12:4"', 'Invalid \\uXXXX escape', 2],
    ['["é🧪",]', 'Expecting value', 6],
  ])('%j: %s at %i', (text, reason, position) => {
    expect(() => parseExact(text)).toThrow(expect.objectContaining({ reason, position }));
  });
});

describe('M62 depth', () => {
  const nested = (levels: number, inner: string): string => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`;

  test.each(['1', '1.0', '"]["'])('200 levels around %s pass, 201 do not', (inner) => {
    expect(roundTrip(nested(200, inner))).toBe(nested(200, inner));
    expect(() => parseExact(nested(201, inner))).toThrow(JsonDepthError);
    expect(() => parseExact('[[[]]]', { maxDepth: 2 })).toThrow(JsonDepthError);
  });

  test('many brackets side by side are no depth', () => {
    expect(roundTrip(`[${'{},'.repeat(5000)}[]]`)).toHaveLength(15_004);
  });

  test.each(['[', '{"a":', '[1.0,'])('a million times %s is refused at once', (open) => {
    const started = performance.now();
    expect(() => parseExact(open.repeat(1_000_000))).toThrow(JsonDepthError);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('stringifyExact', () => {
  test.each([
    [Number.NaN, 'null'],
    [new Double(Number.POSITIVE_INFINITY), 'null'],
    [2 ** 60, '1152921504606846976'],
    [new Date('2025-03-04T05:06:07.120Z'), '"2025-03-04T05:06:07.120000"'],
    [new Date('2025-03-04T05:06:07Z'), '"2025-03-04T05:06:07"'],
    [[true, false, null, []], '[true,false,null,[]]'],
  ])('%p → %s', (value, text) => {
    expect(stringifyExact(value)).toBe(text);
  });

  test('pythonFloat names what JSON cannot', () => {
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(pythonFloat)).toEqual(['nan', 'inf', '-inf']);
  });
});

describe('isPlain', () => {
  test.each([
    '{"t":"2025-03-04T05:06:07.123456","u":"2025-03-04 05:06:17.000000, 1e5 ","v":21.5,"w":0.25,"x":-7}',
    '{"time":1741064767.1234567,"price":9.99,"half":0.5,"id":"10","ids":["1","2"]}',
    '[0,10,123456789012345,0.001,-0.5]',
  ])('%s is', (text) => {
    expect(isPlain(text)).toBe(true);
  });

  test.each([
    '1.0',
    '[-0]',
    '[1e5]',
    '[1.5E5]',
    '[0.00001]',
    '[1.99999]',
    '[12345678901234567]',
    '[123456789012.5]',
    '{"1":0}',
    '{"1" :0}',
    '{"\\u0031":0}',
    '{"1\\u0031":0}',
  ])('%s is not', (text) => {
    expect(isPlain(text)).toBe(false);
  });
});

describe('properties', () => {
  const digits = fc.stringMatching(/^(0|[1-9]\d{0,17})$/);
  const number = fc
    .tuple(
      fc.constantFrom('', '-'),
      digits,
      fc.stringMatching(/^(\.(0{0,5}|9{0,5})\d{1,18})?$/),
      fc.stringMatching(/^([eE][-+]?\d{1,2})?$/),
    )
    .map((parts) => parts.join(''));
  const blanks = fc.stringMatching(/^[ \n\r\t]{0,2}$/);
  const scalar = fc.oneof(
    number,
    fc.constantFrom('true', 'false', 'null'),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  );
  const key = fc
    .oneof(fc.string(), fc.stringMatching(/^\d{1,11}$/), fc.constantFrom('__proto__', 'toString'))
    .map((text) => JSON.stringify(text));
  const { text } = fc.letrec<{ text: string }>((tie) => ({
    text: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(fc.tuple(blanks, tie('text'), blanks).map((parts) => parts.join(''))).map((items) => `[${items.join(',')}]`),
      fc
        .array(fc.tuple(blanks, key, blanks, fc.constant(':'), blanks, tie('text'), blanks).map((parts) => parts.join('')))
        .map((members) => `{${members.join(',')}}`),
    ),
  }));

  test('the fast path and the scanner agree on every text', () => {
    fc.assert(
      fc.property(text, (json) => {
        expect(roundTrip(json)).toBe(stringifyExact(new JsonScanner(json, 200).scan()));
      }),
      { numRuns: 500 },
    );
  });

  test('JSON.parse and JSON.stringify lose nothing of a plain text', () => {
    fc.assert(
      fc.property(text, (json) => {
        if (isPlain(json)) expect(JSON.stringify(JSON.parse(json))).toBe(stringifyExact(new JsonScanner(json, 200).scan()));
      }),
      { numRuns: 500 },
    );
  });

  test('what was written once reads back and is written the same', () => {
    fc.assert(
      fc.property(text, (json) => {
        const once = roundTrip(json);
        expect(roundTrip(once)).toBe(once);
        expect(JSON.stringify(JSON.parse(once))).toBe(JSON.stringify(JSON.parse(json)));
      }),
      { numRuns: 500 },
    );
  });

  test('a text is refused exactly when JSON.parse refuses it', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '1', '.', 'e', '-'), (json, seed, char) => {
        const place = seed % (json.length + 1);
        const broken = json.slice(0, place) + char + json.slice(place + (seed % 2));
        expect(refuses(() => new JsonScanner(broken, 200).scan())).toBe(refuses(() => JSON.parse(broken)));
      }),
      { numRuns: 1000 },
    );
  });

  function refuses(read: () => unknown): boolean {
    try {
      read();
      return false;
    } catch {
      return true;
    }
  }
});
