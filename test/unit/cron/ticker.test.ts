import { afterEach, expect, test } from '@jest/globals';
import { nodeCronTicker } from '../../../src/adapters/cron/ticker.ts';

const RealDate = Date;
let stop = (): void => {};
afterEach(() => {
  stop();
  globalThis.Date = RealDate;
});

/** As when the machine's clock is set: everybody who asks for the time gets the new one, and timers go on as they were. */
function setClock(shiftMs: number): void {
  globalThis.Date = class extends RealDate {
    constructor(...given: [] | [number]) {
      super(given.length === 0 ? RealDate.now() + shiftMs : given[0]);
    }
    static override now = (): number => RealDate.now() + shiftMs;
  } as DateConstructor;
}

test('goes on ticking whatever happens to the clock, and does not stall', async () => {
  const ticks: number[] = [];
  let wake = (): void => {};
  stop = nodeCronTicker.start(() => {
    ticks.push(performance.now());
    wake();
  });
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  await next();
  for (const shift of [10 * 365 * 86_400_000, -3_600_000, -10 * 365 * 86_400_000, 0]) {
    setClock(shift);
    const since = performance.now();
    await next();
    await next();
    expect([shift, performance.now() - since < 6_000]).toEqual([shift, true]);
  }
  stop();
  const count = ticks.length;
  const gaps = ticks.slice(1).map((at, n) => at - (ticks[n] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(0);
  expect(count).toBeGreaterThanOrEqual(9);
});
