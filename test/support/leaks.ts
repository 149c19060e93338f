import { afterAll, beforeAll, expect } from '@jest/globals';
import { type Leftovers, leftovers, more } from './leftovers.ts';

/**
 * For a test file whose parts must all be gone at its end, also those that no test looks at. Put it last in the file:
 * hooks that run after the tests run in the order they stand, so that it looks when the file's own hooks have cleaned up.
 */
export function checkForLeaks(withinMs = 5_000): void {
  let before: Leftovers;
  beforeAll(() => {
    before = leftovers();
  });
  afterAll(async () => {
    const end = Date.now() + withinMs;
    while (more(before, leftovers()).length > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(more(before, leftovers())).toEqual([]);
  });
}
