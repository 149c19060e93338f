import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RetryPolicy } from '../../../src/core/handler.ts';
import { retryDelay } from '../../../src/core/retry.ts';

const policy = (over: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maxAttempts: 5,
  backoff: { firstMs: 1_000, factor: 4, maxMs: 30_000 },
  maxAgeMs: null,
  ...over,
});

describe('retryDelay', () => {
  test.each([
    { failures: 1, random: 0, delay: 100, why: 'at least a tenth of the step' },
    { failures: 1, random: 0.5, delay: 550, why: 'spread over the upper nine tenths' },
    { failures: 2, random: 0.5, delay: 2_200, why: 'each step is `factor` times the one before' },
    { failures: 3, random: 0.5, delay: 8_800, why: 'and so on' },
    { failures: 4, random: 0.5, delay: 16_500, why: 'but no longer than maxMs' },
    { failures: 5, random: 0.5, delay: null, why: 'the budget is spent' },
    { failures: 6, random: 0, delay: null, why: 'and stays spent' },
  ])('after failure $failures: $why', ({ failures, random, delay }) => {
    expect(retryDelay(policy(), failures, 0, () => random)).toBe(delay);
  });

  test.each([
    { ageMs: 0, delay: 550, why: 'young enough' },
    { ageMs: 450, delay: 550, why: 'the retry would come just in time' },
    { ageMs: 451, delay: null, why: 'the retry would come too late' },
  ])('at an age of $ageMs ms of 1000: $why', ({ ageMs, delay }) => {
    expect(retryDelay(policy({ maxAgeMs: 1_000 }), 1, ageMs, () => 0.5)).toBe(delay);
  });

  test('one attempt is never tried again', () => {
    expect(retryDelay(policy({ maxAttempts: 1 }), 1, 0, () => 0)).toBeNull();
  });

  test('is a whole number of milliseconds within its step, for any policy', () => {
    const backoff = fc.record({ firstMs: fc.nat(10_000), factor: fc.double({ min: 1, max: 10, noNaN: true }), maxMs: fc.nat(3_600_000) });
    fc.assert(
      fc.property(
        backoff,
        fc.integer({ min: 1, max: 99 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (chosen, failures, random) => {
          const delay = retryDelay(policy({ maxAttempts: 100, backoff: chosen }), failures, 0, () => random) as number;
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(chosen.maxMs);
        },
      ),
    );
  });
});
