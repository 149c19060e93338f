import { expect, test } from '@jest/globals';
import { parseExact } from '../../../src/core/json.ts';
import { orderingText } from '../../../src/core/ordering.ts';

const at = (json: string, path: string): string => orderingText(parseExact(json), path);

test.each([
  { json: '{"a":{"b":"x"}}', path: 'a.b', text: '"x"', why: 'the value at the path' },
  { json: '{"a":1}', path: 'a', text: '1', why: 'a number' },
  { json: '{"a":"1"}', path: 'a', text: '"1"', why: 'a text is another key than the number' },
  { json: '{"a":1.0}', path: 'a', text: '1.0', why: 'numbers as they are spelled' },
  { json: '{"a":9223372036854775807}', path: 'a', text: '9223372036854775807', why: 'integers of 64 bits' },
  { json: '{"a":{"b":[1,{"c":null}]}}', path: 'a.b', text: '[1,{"c":null}]', why: 'whole values' },
  { json: '{"a":null}', path: 'a', text: 'null', why: 'null' },
  { json: '{}', path: 'a', text: 'null', why: 'nothing there' },
  { json: '{"a":1}', path: 'a.b.c', text: 'null', why: 'nothing to look into' },
  { json: '[1]', path: '0', text: 'null', why: 'arrays are not looked into' },
  { json: '{"a":{"__proto__":{"b":1}}}', path: 'a.__proto__.b', text: '1', why: 'own members of any name' },
  { json: '{"a":{}}', path: 'a.constructor', text: 'null', why: 'inherited ones are none' },
  { json: '{"10":{"9":true}}', path: '10.9', text: 'true', why: 'names that look like numbers' },
])('$why: $path in $json', ({ json, path, text }) => {
  expect(at(json, path)).toBe(text);
});

test('is bounded', () => {
  expect(at(JSON.stringify({ a: 'x'.repeat(10_000) }), 'a')).toHaveLength(500);
});
