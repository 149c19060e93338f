import { describe, expect, test } from '@jest/globals';
import { boundary, cutoffsAt, judgeClock, longestGapMs, type RetentionRules } from '../../../src/core/retention.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 12, 0, 0, 250);
const RULES: RetentionRules = { isEnabled: true, archiveAfterDays: 90, deleteAfterDays: 365, executionDays: 90, mailDays: 30 };

describe('cutoffs', () => {
  test("M31 the text is the original's: aware, of UTC, microseconds only where there are any", () => {
    expect(cutoffsAt(NOW, RULES)).toEqual({
      archiveBefore: '2026-08-28T12:00:00.250000+00:00',
      deleteBefore: NOW - 365 * DAY,
      executionsBefore: NOW - 90 * DAY,
      mailsBefore: NOW - 30 * DAY,
    });
    expect(cutoffsAt(NOW - 250, RULES).archiveBefore).toBe('2026-08-28T12:00:00+00:00');
  });

  test('M31 events stay unless retention is enabled, and 0 days are for ever', () => {
    expect(cutoffsAt(NOW, { ...RULES, isEnabled: false, executionDays: 0, mailDays: 0 })).toEqual({
      archiveBefore: null,
      deleteBefore: null,
      executionsBefore: null,
      mailsBefore: null,
    });
  });

  test('the longest periods that can be set have a text all the same', () => {
    expect(cutoffsAt(NOW, { ...RULES, archiveAfterDays: 365_000 }).archiveBefore).toBe('1027-07-27T12:00:00.250000+00:00');
  });
});

describe('whether the clock is believed', () => {
  test.each([
    { rules: RULES, days: 7.5, why: 'a quarter of the shortest period' },
    { rules: { ...RULES, mailDays: 0, archiveAfterDays: 2 }, days: 1, why: 'a day at least' },
    {
      rules: { ...RULES, isEnabled: false, archiveAfterDays: 1, mailDays: 0, executionDays: 40 },
      days: 10,
      why: 'what is off does not count',
    },
  ])('the gap may be $days days: $why', ({ rules, days }) => expect(longestGapMs(rules)).toBe(days * DAY));

  const judge = (over: Partial<Parameters<typeof judgeClock>[0]>) =>
    judgeClock({ now: NOW, mark: NOW, longestGapMs: 10 * DAY, isConfirmed: false, isSettled: false, ...over });
  test.each([
    { given: { mark: null }, verdict: { kind: 'trusted', mark: NOW }, why: 'nothing was seen yet' },
    { given: { mark: NOW - 10 * DAY }, verdict: { kind: 'trusted', mark: NOW }, why: 'no further than it may' },
    { given: { mark: NOW - 10 * DAY - 1 }, verdict: { kind: 'ahead', byMs: 10 * DAY + 1 }, why: 'further than it may' },
    { given: { mark: NOW - 3_650 * DAY }, verdict: { kind: 'ahead', byMs: 3_650 * DAY }, why: 'ten years on' },
    {
      given: { mark: NOW - 3_650 * DAY, isConfirmed: true },
      verdict: { kind: 'trusted', mark: NOW },
      why: 'a person says that it is right',
    },
    { given: { mark: NOW + DAY }, verdict: { kind: 'trusted', mark: NOW + DAY }, why: 'a clock that is behind does not move the mark' },
    { given: { mark: NOW + 999 * DAY }, verdict: { kind: 'trusted', mark: NOW + 999 * DAY }, why: 'not even one that is far behind' },
    { given: { mark: NOW + 999 * DAY, isSettled: true }, verdict: { kind: 'trusted', mark: NOW }, why: 'unless it has been for long' },
  ])('$why', ({ given, verdict }) => expect(judge(given)).toEqual(verdict));
});

describe('the boundary by number', () => {
  const find = (created: readonly (readonly [number: number, createdAt: number])[], before: number) => {
    let asked = 0;
    const at = async (number: number) => {
      asked++;
      const found = created.find(([n]) => n >= number);
      return found === undefined ? null : { number: found[0], createdAt: found[1] };
    };
    const highest = created.at(-1)?.[0] ?? 0;
    return boundary({ highest, before, now: NOW, at }).then((below) => ({ below, asked }));
  };
  const old = NOW - 100 * DAY;

  test('lies behind the last one that is old enough, and is found in few looks', async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => [n * 3 + 1, old + n * 1_000] as const);
    const { below, asked } = await find(many, old + 6_000_000);
    expect(many.filter(([n]) => n < below)).toHaveLength(6_000);
    expect(asked).toBeLessThanOrEqual(16);
  });

  test.each([
    { created: [], below: [], why: 'nothing' },
    { created: [[5, old]], below: [5], why: 'one that is old' },
    { created: [[5, NOW - 1]], below: [], why: 'one that is new' },
    {
      created: [
        [1, old],
        [2, NOW + 3_650 * DAY],
        [3, NOW + 3_650 * DAY],
        [4, old + 1],
        [5, NOW - 1],
      ],
      below: [1, 2, 3, 4],
      why: 'what came while the clock was ahead is passed by',
    },
    {
      created: [
        [1, old],
        [2, 0],
        [3, 0],
        [4, old + 1],
        [5, NOW - 1],
      ],
      below: [1, 2, 3, 4],
      why: 'and what came while it was behind',
    },
  ] as { created: [number, number][]; below: number[]; why: string }[])('$why', async ({ created, below }) => {
    const found = await find(created, NOW - 90 * DAY);
    expect(created.map(([n]) => n).filter((n) => n < found.below)).toEqual(below);
  });
});
