import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { mailRetryDelay } from '../../src/core/mail-retry.ts';

/** "1 h 49 min" in minutes. */
function minutesOf(text: string): number {
  return Number(/(\d+) h/.exec(text)?.[1] ?? 0) * 60 + Number(/(\d+) min/.exec(text)?.[1] ?? 0);
}

test('the retry table of docs/mail.md is the policy', async () => {
  const docs = await readFile(new URL('../../docs/mail.md', import.meta.url), 'utf8');
  const rows = [...docs.matchAll(/^\| ([\d, ]+) \| [^|]+ \| ([^|]+) \|$/gm)].map(([, tries = '', after = '']) => ({ tries, after }));
  const documented = rows.map(({ tries, after }) => [Number(tries.split(', ').at(-1)), minutesOf(after)]);
  const atTry = new Map<number, number>();
  let sum = 0;
  for (let attempts = 1, delay = mailRetryDelay(1, () => 0.5); delay !== null; delay = mailRetryDelay(++attempts, () => 0.5)) {
    sum += delay / 60_000;
    atTry.set(attempts + 1, sum);
  }
  expect(documented.at(-1)).toEqual([Math.max(...atTry.keys()), sum]);
  for (const [attempt, minutes] of documented) expect([attempt, atTry.get(attempt as number)]).toEqual([attempt, minutes]);
});
