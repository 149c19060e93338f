import { describe, expect, test } from '@jest/globals';
import { regexOf, testerOf } from '../../../src/core/selector/regex.ts';
import { JS_DIALECT } from '../../../src/core/selector/regex-dialect.ts';
import { translateRegex } from '../../../src/core/selector/regex-translate.ts';

const found = (source: string, text: string, options = ''): boolean => testerOf(regexOf(source, options, ''), {}, '')(text);
const foundBacktracking = (source: string, text: string, options = ''): boolean =>
  new RegExp(translateRegex(source, options, JS_DIALECT).source, 'u').test(text);

const CASES = [
  { source: 'beta', text: 'alphabeta', is: true, why: 'plain text' },
  { source: '', text: '', is: true, why: 'an empty expression' },
  { source: '^beta', text: 'alphabeta', is: false, why: 'an anchor' },
  { source: 'alpha$', text: 'alpha\n', is: true, why: '$ stands before the last line break' },
  { source: 'alpha$', text: 'alpha\n\n', is: false, why: 'only the last' },
  { source: '^alpha$', text: 'alpha', is: true, why: 'both anchors' },
  { source: 'a\\.c\\z', text: 'xa.c', is: true, why: 'an escaped character' },
  { source: '\\Qa.c\\E$', text: 'a.c', is: true, why: 'quoted text' },
  { source: 'alpha\\z', text: 'alpha\n', is: false, why: '\\z is the very end' },
  { source: '(?m)^b$', text: 'a\nb\nc', is: true, why: 'lines' },
  { source: 'a.c', text: 'a\nc', is: false, why: 'a dot is no line break' },
  { source: 'a.c', text: 'a\rc', is: true, why: 'but a carriage return' },
  { source: 'a.c', text: 'a\u2028c', is: true, why: 'and a line separator' },
  { source: '(?s)a.c', text: 'a\nc', is: true, why: 'unless it is all' },
  { source: 'a(?s:.)c.', text: 'a\nc\n', is: false, why: 'only within the group' },
  { source: '^.$', text: '😀', is: true, why: 'a dot is one code point' },
  { source: 'a(?i)b|c', text: 'C', is: true, why: 'a flag goes on into the next alternative' },
  { source: '(a(?i)b)c', text: 'aBC', is: false, why: 'and ends with its group' },
  { source: 'a(?i)b(?-i)c', text: 'aBc', is: true, why: 'or where it is taken back' },
  { source: '(?i:É)', text: 'é', is: true, why: 'case of all letters' },
  { source: '^\\w$', text: 'é', is: false, why: '\\w is ASCII' },
  { source: '^\\w$', text: 'ſ', options: 'i', is: false, why: 'also where case is ignored' },
  { source: '^\\d$', text: '٣', is: false, why: '\\d is ASCII' },
  { source: '^\\s$', text: '\v', is: true, why: '\\s has the vertical tab' },
  { source: '^\\s$', text: '\u00a0', is: false, why: 'and no blank beyond ASCII' },
  { source: '^[^\\S\\n]+$', text: ' \t', is: true, why: 'a negated set in brackets' },
  { source: '^\\h\\R\\v$', text: ' \r\n\u2028', is: true, why: 'blanks and line breaks' },
  { source: '^\\N+$', text: 'a\rb', is: true, why: 'no line break' },
  { source: '^[[:alpha:]_]+[[:^digit:]]$', text: 'ab_!', is: true, why: 'POSIX classes' },
  { source: '^[]a]+$', text: 'a]', is: true, why: 'a bracket that comes first' },
  { source: '^[a\\]-]+$', text: ']-a', is: true, why: 'a dash that comes last' },
  { source: '^[\\b\\x41-\\x{43}]+$', text: '\bB', is: true, why: 'codes in brackets' },
  { source: '^[\\Q^-]\\E]+$', text: ']^', is: true, why: 'quoted text in brackets' },
  { source: '^\\x{1F600}\\t\\e\\cA\\012\\o{101}$', text: '😀\t\x1b\x01\nA', is: true, why: 'codes' },
  { source: '^\\pL\\p{Lu}\\P{Lu}\\p{^Lu}\\p{L&}$', text: 'éÉéée', is: true, why: 'properties' },
  { source: '^\\p{Lu}$', text: 'é', options: 'i', is: false, why: 'properties keep their case' },
  { source: '^a{,2}$', text: 'a{,2}', is: true, why: 'braces that are no quantifier' },
  { source: '^a{2,3}?b*?c+?$', text: 'aabc', is: true, why: 'lazy quantifiers' },
  { source: "^(?'x'a)(?<y>b)(?P<z>c)(?#note)$", text: 'abc', is: true, why: 'names and comments' },
  { source: '^ a [ ] b # note\n$', text: 'a b', options: 'x', is: true, why: 'blanks in brackets stay' },
  { source: '(?x) a b (?-x) c', text: 'ab c', is: true, why: 'blanks count again' },
  { source: '\\bnode\\B', text: 'a nodes', is: true, why: 'word boundaries' },
  { source: '(?<!al)pha', text: 'alpha', is: false, why: 'look-behind' },
  { source: '(?:$|x)(?:|\\z)', text: 'a\n', is: true, why: '$ with nothing behind it' },
  { source: '^\\D\\W\\S\\H\\V$', text: 'a!bcd', is: true, why: 'negated sets' },
  { source: '^[\\D][\\P{Lu}][[:^upper:][:blank:]]$', text: 'aé ', is: true, why: 'negated sets in brackets' },
  { source: '^\\101\\8\\9[\\1]$', text: 'A89\x01', is: true, why: 'numbers that no group has' },
  { source: '^[\\A\\z]+$', text: 'zA', is: true, why: 'escaped letters in brackets' },
  { source: '^\\y\\i$', text: 'yi', is: true, why: 'letters without a meaning' },
  { source: '\\Gb', text: 'ab', is: false, why: '\\G is where the search starts' },
  { source: '^(?i)a(?m:^|b$)\\z', text: 'AB', is: true, why: 'flags in a group keep the outer ones' },
  { source: '^(?:a\\z|\\Ab\\Z)', text: 'b\n', is: true, why: 'anchors within a group' },
  { source: 'a|b', text: 'b', is: true, why: 'alternatives' },
  { source: '^ab*', text: 'a', is: true, why: 'the last character may be missing' },
  { source: '-/', text: 'a-/b', is: true, why: 'punctuation' },
];

describe.each([
  ['in linear time', found],
  ['backtracking', foundBacktracking],
])('%s', (_name, find) => {
  test.each(CASES)('$source in $text: $why', ({ source, text, options, is }) => {
    expect(find(source, text, options)).toBe(is);
  });
});

describe('expressions without an engine', () => {
  test.each([
    ['alpha', { isPlain: true, isAnchored: false, text: 'alpha' }],
    ['^al\\.pha$', { isPlain: true, isAnchored: true, text: 'al.pha', end: 'lastLineEnd' }],
    ['^alp?ha', { isPlain: false, isAnchored: true, text: 'al' }],
    ['^2025-01-0[12]', { isPlain: false, isAnchored: true, text: '2025-01-0' }],
    ['^alpha|beta', { isPlain: false, isAnchored: false, text: '' }],
    ['^(?:alpha|beta)', { isPlain: false, isAnchored: true, text: '' }],
    ['(?i)alpha', { isPlain: false, text: '' }],
    ['(?m)^alpha', { isPlain: false, isAnchored: false, text: '' }],
    ['a$b', { isPlain: false }],
    ['😀?', { isPlain: false, text: '' }],
  ])('%s', (source, shape) => {
    if (source === 'a$b') expect(regexOf(source, '', '').shape).toBeNull();
    else expect(regexOf(source, '', '').shape).toMatchObject(shape);
  });
});

describe('expressions that only backtracking can run', () => {
  test.each([
    ['alpha(?!bet)', 'alpha', true],
    ['(?=.*b)^a', 'ab', true],
    ['(a).*\\1', 'alpha', true],
    ['(?P<x>a)l(?P=x)', 'ala', true],
    ['(?<x>a)l\\k<x>', 'alb', false],
    ['(a)(b)\\g{-1}', 'abb', true],
    ['(a)\\g1\\g{1}', 'aaa', true],
    ['a$\\n', 'a\n', true],
    ['(?:a$)?\\n', '\n', true],
    ['a{1500}', 'a'.repeat(1500), true],
    ['(?:a{90}){90}', 'a', false],
  ])('%s', (source, text, is) => {
    const regex = regexOf(source, '', '/a');
    expect(testerOf(regex, { backtracking: true }, '/a')(text)).toBe(is);
    expect(() => testerOf(regex, {}, '/a')).toThrow(expect.objectContaining({ code: 'selector_regex_unsupported', pointer: '/a' }));
  });
});

describe('refused expressions', () => {
  test.each([
    'a(',
    'a)',
    '*a',
    'a**',
    '[a',
    'a{2,1}',
    '\\',
    '\\l',
    '^*a',
    'a$?b',
    '\\b+',
    '[a-\\d]',
    'a{65536}',
    '\\x{',
    '\\N{U+61}',
    '\\p{',
    '\\p{Nothing}',
    '[z-a]',
    '[[:nope:]]',
    '[:alpha:]',
    '[[.a.]]',
    '(?<x>a)(?<x>b)',
    '\\1',
    '\\k<x>',
    '(?#x',
    '\\Qa',
    '[\\Qa]',
    '\\x{110000}',
    '\\x{d800}',
    'a\0b',
    '(?x)a # b',
    `${'('.repeat(200)}${')'.repeat(200)}`,
  ])('%j is not valid', (source) => {
    expect(() => regexOf(source, '', '/p')).toThrow(expect.objectContaining({ code: 'selector_invalid', pointer: '/p' }));
  });

  test.each(['a++', '(?>a)', '(?R)', '(?(1)a|b)', '(*UTF8)a', '[a\\H]', '(?|a|b)', '\\K', '\\X', '\\C'])('%s is not offered', (source) => {
    expect(() => regexOf(source, '', '')).toThrow(expect.objectContaining({ code: 'selector_regex_unsupported' }));
  });
});

describe('hostile expressions', () => {
  const random = Array.from({ length: 100_000 }, (_, i) => (((i * 2_654_435_761) >>> 16) % 2 === 0 ? 'a' : 'b')).join('');

  test.each([
    ['^(a+)+$', `${'a'.repeat(100_000)}b`],
    ['(x+x+)+y', `y${'x'.repeat(100_000)}`],
    ['(?:a|aa)+$', `${'a'.repeat(100_000)}!`],
    ['[ab]*a[ab]{200}c', `c${random}`],
    ['(.*)*(.*)*(.*)*=', 'a'.repeat(100_000)],
    ['(?<=a.{0,100})c', `c${random}`],
  ])('%s', (source, text) => {
    const find = testerOf(regexOf(source, '', ''), {}, '');
    const start = performance.now();
    find(text);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('the cache stays small', () => {
    for (let i = 0; i < 2_000; i++) regexOf(`a{${(i % 200) + 1}}x${i}`, '', '');
    expect(found('x1999', 'ax1999')).toBe(true);
  });
});
