import { expect, test } from '@jest/globals';
import { parseExact } from '../../../src/core/json.ts';
import { pythonRepr, pythonStr } from '../../../src/core/python-text.ts';

test.each([
  ['null', 'None'],
  ['true', 'True'],
  ['false', 'False'],
  ['5', '5'],
  ['5.5', '5.5'],
  ['1.0', '1.0'],
  ['1e22', '1e+22'],
  ['12345678901234567890', '12345678901234567890'],
  ['"text"', 'text'],
  ['""', ''],
  ['[1,"a",null]', "[1, 'a', None]"],
  ['{"a":{"10":[]},"b":{}}', "{'a': {'10': []}, 'b': {}}"],
  [`["it's"]`, `["it's"]`],
  ['["say \\"hi\\""]', `['say "hi"']`],
  [`["it's \\"both\\""]`, `['it\\'s "both"']`],
  ['["\\\\ \\n \\r \\t \\u0000 \\u007f"]', "['\\\\ \\n \\r \\t \\x00 \\x7f']"],
  ['["\\u00a0 \\u00ad \\u200b \\u2028 \\ud800"]', "['\\xa0 \\xad \\u200b \\u2028 \\ud800']"],
  ['["é 你 🧪 \\udb40\\udc01"]', "['é 你 🧪 \\U000e0001']"],
])('M2 str() of %s is %s', (json, text) => {
  expect(pythonStr(parseExact(json))).toBe(text);
});

test('repr() quotes a text and shows a date as it is answered', () => {
  expect(pythonRepr('a')).toBe("'a'");
  expect(pythonRepr(new Date(0))).toBe('1970-01-01T00:00:00');
});
