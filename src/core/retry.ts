import type { RetryPolicy } from './handler.ts';

/**
 * Delay in milliseconds before the next attempt after `failures` failed ones (1-based), or null when the budget is spent.
 * Jitter spreads retries over the upper nine tenths of the step; `random` answers numbers from 0 up to 1.
 */
export function retryDelay(policy: RetryPolicy, failures: number, ageMs: number, random: () => number): number | null {
  if (failures >= policy.maxAttempts) return null;
  const { firstMs, factor, maxMs } = policy.backoff;
  const step = Math.min(maxMs, firstMs * factor ** (failures - 1));
  const delay = Math.round(step * (0.1 + 0.9 * random()));
  if (policy.maxAgeMs !== null && ageMs + delay > policy.maxAgeMs) return null;
  return delay;
}
