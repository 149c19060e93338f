import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { ExactValue } from '../../../src/core/json-value.ts';
import { compileFilter } from '../../../src/core/match-filter.ts';
import { compileSelector } from '../../../src/core/selector/match.ts';
import { parseSelector } from '../../../src/core/selector/parse.ts';
import { SelectorError } from '../../../src/core/selector/selector-error.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** With single blanks in tables: how a formatter aligns them is of no interest. */
const PAGE = readFileSync(join(ROOT, 'docs/compatibility.md'), 'utf8').replaceAll(/ +\|/g, ' |');

const namesIn = (text: string): string[] => Array.from(text.matchAll(/`(\$\w+)`/g), ([, name]) => name ?? '');
const row = (start: string): string[] => namesIn(PAGE.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? '');
const offeredAtTop = row('at the top');
const offeredBelow = row('below a field');
const [, refusedTable = ''] = /^\| refused \| why \|\n(?:\|.*\n)((?:\|.*\n)+)/m.exec(PAGE) ?? [];
const refused = refusedTable.split('\n').flatMap((line) => namesIn(line.split(' | ')[0] ?? ''));

/** Every name with a dollar that the parser's source mentions, and what the page names. */
const sources = globSync('src/core/selector/parse*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
const mentioned = sources.flatMap((text) => Array.from(text.matchAll(/\$[a-zA-Z]\w+/g), ([name]) => name));
const candidates = [...new Set([...mentioned, ...offeredAtTop, ...offeredBelow, ...refused])];

/** An operand that each operator takes. */
const OPERANDS: Record<string, ExactValue> = {
  $and: [{ a: 1 }],
  $or: [{ a: 1 }],
  $nor: [{ a: 1 }],
  $alwaysTrue: 1,
  $alwaysFalse: 1,
  $in: [1],
  $nin: [1],
  $all: [1],
  $not: { $gt: 1 },
  $elemMatch: { $gt: 1 },
  $mod: [2, 1],
  $type: 'string',
  $regex: 'a',
};
const operandOf = (name: string): ExactValue => OPERANDS[name] ?? 1;

function codeOf(selector: ExactValue): string | null {
  try {
    parseSelector(selector);
    return null;
  } catch (error) {
    if (error instanceof SelectorError) return error.code;
    throw error;
  }
}
const atTop = (name: string): ExactValue => ({ [name]: operandOf(name) });
const below = (name: string): ExactValue => ({ a: name === '$options' ? { $regex: 'a', $options: 'i' } : { [name]: operandOf(name) } });

describe('docs/compatibility.md, operators of selectors', () => {
  test('are found', () => {
    expect([offeredAtTop.length, offeredBelow.length, refused.length].every((count) => count > 4)).toBe(true);
  });

  test('at the top: the page offers what the parser accepts', () => {
    expect(candidates.filter((name) => codeOf(atTop(name)) === null).sort()).toEqual([...offeredAtTop].sort());
  });

  test('below a field: the page offers what the parser accepts', () => {
    expect(candidates.filter((name) => codeOf(below(name)) === null).sort()).toEqual([...offeredBelow].sort());
  });

  test.each(refused)('%s is refused in both places', (name) => {
    expect([codeOf(atTop(name)), codeOf(below(name))]).toEqual(['selector_operator_refused', 'selector_operator_refused']);
  });

  test('$not at the top is invalid', () => expect(codeOf({ $not: { a: 1 } })).toBe('selector_invalid'));
});

describe('docs/compatibility.md, bounds of selectors', () => {
  const bound = (what: string): number => Number(new RegExp(`^\\| ${what} \\| ([\\d,]+) \\|$`, 'm').exec(PAGE)?.[1]?.replaceAll(',', ''));
  const nested = (levels: number): ExactValue => (levels === 1 ? { a: 1 } : { $and: [nested(levels - 2)] });
  const filled = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);

  test.each<[string, (count: number) => ExactValue]>([
    ['conditions in total', (count) => ({ $or: filled(count - 1, { a: 1 }) })],
    ['values of one `\\$in`, `\\$nin` or `\\$all`', (count) => ({ a: { $in: filled(count, 1) } })],
    ['characters of a regular expression', (count) => ({ a: { $regex: 'x'.repeat(count) } })],
    ['names in a path', (count) => ({ [filled(count, 'a').join('.')]: 1 })],
  ])('%s', (what, selector) => {
    expect([codeOf(selector(bound(what))), codeOf(selector(bound(what) + 1))]).toEqual([null, 'selector_too_large']);
  });

  test('levels of objects and lists', () => {
    const levels = bound('levels of objects and lists');
    expect([codeOf(nested(levels - 1)), codeOf(nested(levels + 1))]).toEqual([null, 'selector_too_large']);
  });
});

describe('docs/compatibility.md, regular expressions', () => {
  const outcome = (run: () => unknown): string => {
    try {
      run();
      return 'yes';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const query = (regex: string): string => outcome(() => compileSelector(parseSelector({ a: { $regex: regex } }), { backtracking: true }));
  const filter = (regex: string): string => outcome(() => compileFilter(JSON.stringify({ a: { $regex: regex } })));
  const NO = 'selector_regex_unsupported';

  test.each([
    ['\\Aa(b|c)*?[[:digit:]]\\Q.\\E(?P<n>\\p{Lu})(?i)x\\b\\Z', 'yes', 'yes'],
    ['(?<=a)b', 'yes', 'yes'],
    ['a(?=b)', 'yes', NO],
    ['a(?!b)', 'yes', NO],
    ['(a)\\1', 'yes', NO],
    ['(ab{20}){50}', 'yes', NO],
    ['a++', NO, NO],
    ['(?>a)', NO, NO],
    ['(*FAIL)', NO, NO],
    ['(', 'selector_invalid', 'selector_invalid'],
  ])('%s: %s in queries, %s in filters', (regex, inQueries, inFilters) => {
    expect([query(regex), filter(regex)]).toEqual([inQueries, inFilters]);
  });
});
