import { describe, expect, test } from '@jest/globals';
import { dueRun, nextTimes, type PlannedRun, type PlannedTimes, parkRun, planRun } from '../../../src/core/schedule.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
/** Every full hour, up to an end. */
const hourly = (end = Number.POSITIVE_INFINITY): PlannedTimes => ({
  after: (at) => (Math.floor(at / HOUR) * HOUR + HOUR > end ? null : Math.floor(at / HOUR) * HOUR + HOUR),
  upTo: (at) => Math.min(Math.floor(at / HOUR), Math.floor(end / HOUR)) * HOUR,
});
const NOON = 12 * HOUR;
const run = (over: Partial<PlannedRun> = {}): PlannedRun => ({ handlerId: 7, stamp: 's', nextAt: NOON, previousAt: null, ...over });

test.each([
  { count: 3, end: undefined, expected: [13, 14, 15], why: 'as many as asked for' },
  { count: 3, end: 14 * HOUR, expected: [13, 14], why: 'as many as there are' },
  { count: 0, end: undefined, expected: [], why: 'none' },
])('nextTimes answers $why', ({ count, end, expected }) => {
  expect(nextTimes(hourly(end), NOON, count).map((at) => at / HOUR)).toEqual(expected);
});

describe('planning', () => {
  const handler = { id: 7, stamp: 's', since: NOON - 90 * 60_000 };

  test.each([
    { known: null, now: NOON - 60_000, nextAt: NOON - HOUR, why: 'a new handler: what came since it was registered counts' },
    { known: null, now: NOON - 80 * 60_000, nextAt: NOON - HOUR, why: 'a new handler: the next instant' },
    { known: null, now: NOON - 5 * HOUR, nextAt: NOON - 4 * HOUR, why: 'registered by a clock that was ahead: from now on' },
    {
      known: run({ stamp: 'before', nextAt: NOON - 9 * HOUR }),
      now: NOON - 60_000,
      nextAt: NOON - HOUR,
      why: 'a changed handler: what it missed before is past',
    },
    { known: run({ nextAt: NOON - 3 * HOUR }), now: NOON, nextAt: NOON - 3 * HOUR, why: 'what was missed stays due' },
    { known: run(), now: NOON - 60_000, nextAt: NOON, why: 'what is planned stays planned' },
    { known: run({ nextAt: NOON + 10 * YEAR }), now: NOON - 60_000, nextAt: NOON, why: 'planned by a clock ten years ahead: comes nearer' },
    { known: run({ nextAt: null }), now: NOON - 60_000, nextAt: NOON, why: 'planned for never: comes again' },
  ])('$why', ({ known, now, nextAt }) => {
    expect(planRun(known, handler, hourly(), now)).toEqual({ handlerId: 7, stamp: 's', nextAt, previousAt: null });
  });

  test('keeps what ran before, also when the handler changed', () => {
    expect(planRun(run({ stamp: 'before', previousAt: HOUR }), handler, hourly(), NOON)).toMatchObject({ previousAt: HOUR });
  });

  test('a handler that was off begins anew, with what ran before', () => {
    const parked = parkRun(run({ nextAt: NOON - 3 * HOUR, previousAt: HOUR }));
    expect(parked).toEqual(run({ stamp: '', nextAt: null, previousAt: HOUR }));
    expect(planRun(parked, { ...handler, since: NOON }, hourly(), NOON + 1)).toEqual(run({ nextAt: NOON + HOUR, previousAt: HOUR }));
  });

  test('ends when no instant comes any more', () => {
    expect(planRun(null, { ...handler, since: 3 * HOUR }, hourly(2 * HOUR), 3 * HOUR)).toMatchObject({ nextAt: null });
  });
});

describe('a run', () => {
  test.each([
    { now: NOON - 1, at: null, next: null, why: 'is not due before its instant' },
    { now: NOON, at: NOON, next: NOON + HOUR, why: 'is due at its instant' },
    { now: NOON + 59 * 60_000, at: NOON, next: NOON + HOUR, why: 'is late, but due' },
    { now: NOON + 5 * HOUR + 1, at: NOON + 5 * HOUR, next: NOON + 6 * HOUR, why: 'stands for all that were missed: the last of them' },
    { now: NOON + 10 * YEAR, at: NOON + 10 * YEAR, next: NOON + 10 * YEAR + HOUR, why: 'of ten years is one' },
  ])('$why', ({ now, at, next }) => {
    expect(dueRun(run(), hourly(), now)).toEqual(at === null ? null : { at, after: run({ nextAt: next, previousAt: at }) });
  });

  test('is never due without a plan', () => {
    expect(dueRun(run({ nextAt: null }), hourly(), NOON)).toBeNull();
  });

  test('is due as planned where the time zone has other rules now', () => {
    expect(dueRun(run({ nextAt: NOON + 60_000 }), hourly(), NOON + 120_000)?.at).toBe(NOON + 60_000);
  });

  test('is the last one of a schedule that ends', () => {
    expect(dueRun(run(), hourly(NOON), NOON)).toEqual({ at: NOON, after: run({ nextAt: null, previousAt: NOON }) });
  });
});
