import { describe, expect, test } from '@jest/globals';
import { parseExact, stringifyExact } from '../../../src/core/json.ts';
import { PythonLiteralError, parsePythonLiteral } from '../../../src/core/python-literal.ts';

describe('the repr of a Python dict', () => {
  test.each([
    ["{'log_level': {'$gte': 50}, 'alert': True}", '{"log_level":{"$gte":50},"alert":true}'],
    ['{"it\'s": None, \'a"b\': False}', '{"it\'s":null,"a\\"b":false}'],
    ["{'a': [1, -2.5, 1e-07, 1e+16, 1.0, 9007199254740993, []], 'b': {}}", '{"a":[1,-2.5,1e-07,1e+16,1.0,9007199254740993,[]],"b":{}}'],
    ["{'10': 1, '9': 2, '__proto__': 3}", '{"10":1,"9":2,"__proto__":3}'],
    [String.raw`'\\ \' \" \n \r \t \a \x41 \u00eb \U0001f600 \101 \d'`, String.raw`"\\ ' \" \n \r \t \u0007 A ë 😀 A \\d"`],
    ["'Zoë 你好'", '"Zoë 你好"'],
    [' [1,\n 2, ] ', '[1,2]'],
    ["{'a': 1, 'a': 2}", '{"a":2}'],
  ])('%s', (text, json) => {
    expect(stringifyExact(parsePythonLiteral(text))).toBe(stringifyExact(parseExact(json)));
  });

  test.each([
    ['', 0],
    ['log_level', 0],
    ['{log_level: 1}', 1],
    ["{'a': 1", 7],
    ["{'a' 1}", 5],
    ["{'a': (1, 2)}", 6],
    ["{'a': {1}}", 7],
    ["{'a': true}", 6],
    ["{'a': nan}", 6],
    ["{'a': constructor}", 6],
    ["{'a': 01}", 6],
    ["{'a': 1_000}", 6],
    ["{'a': 5.}", 6],
    ["{'a': b'x'}", 6],
    ["{'a': datetime.datetime(2025, 1, 1)}", 6],
    ["{'a': 'x}", 6],
    ["'a\nb'", 0],
    [String.raw`'\N{DIGIT ONE}'`, 2],
    [String.raw`'\U00110000'`, 11],
    ["{'a': 1} {}", 9],
    ['[1 2]', 3],
    ["__import__('os').system('x')", 0],
  ])('%j is refused at %d', (text, position) => {
    const read = (): unknown => parsePythonLiteral(text);
    expect(read).toThrow(PythonLiteralError);
    expect(read).toThrow(expect.objectContaining({ position }));
  });

  test('depth is bounded', () => {
    expect(parsePythonLiteral(`${'['.repeat(60)}${']'.repeat(60)}`)).toHaveLength(1);
    expect(() => parsePythonLiteral('['.repeat(1_000_000))).toThrow('Nesting deeper');
    expect(() => parsePythonLiteral("{'a':".repeat(1_000_000))).toThrow('Nesting deeper');
  });
});
