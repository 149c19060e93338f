import { describe, expect, test } from '@jest/globals';
import { LONGEST_RETRY_MS, mailRetryDelay } from '../../../src/core/mail-retry.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Minutes from the first try to each of the tries after it. */
function schedule(random: () => number): number[] {
  const at: number[] = [];
  let sum = 0;
  for (let attempts = 1; ; attempts++) {
    const delay = mailRetryDelay(attempts, random);
    if (delay === null) return at;
    sum += delay;
    at.push(sum);
  }
}

describe.each([
  { jitter: 'least', random: () => 0 },
  { jitter: 'most', random: () => 0.999_999 },
  { jitter: 'none', random: () => 0.5 },
])('with the $jitter jitter', ({ random }) => {
  test('a mail that is taken after 15 minutes of greylisting arrives within 20', () => {
    expect(schedule(random).some((at) => at >= 15 * MINUTE && at <= 20 * MINUTE)).toBe(true);
  });

  test('the first four tries again come within a quarter of an hour', () => {
    expect(schedule(random)[3]).toBeLessThan(15 * MINUTE);
  });

  test('a mail is given up after about two days', () => {
    const last = schedule(random).at(-1) as number;
    expect(last).toBeGreaterThan(45 * HOUR);
    expect(last).toBeLessThan(51 * HOUR);
  });

  test('no step is longer than the longest', () => {
    const at = [0, ...schedule(random)];
    expect(Math.max(...at.slice(1).map((time, n) => time - (at[n] as number)))).toBeLessThanOrEqual(LONGEST_RETRY_MS);
  });
});

test('without jitter the first steps are 1, 2, 4, 7 and 5 minutes', () => {
  expect([1, 2, 3, 4, 5].map((attempts) => (mailRetryDelay(attempts, () => 0.5) ?? 0) / MINUTE)).toEqual([1, 2, 4, 7, 5]);
});

test('numbers of attempts outside the schedule give up', () => {
  expect(mailRetryDelay(0, () => 0.5)).toBeNull();
  expect(mailRetryDelay(99, () => 0.5)).toBeNull();
});
