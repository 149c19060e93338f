import { describe, expect, test } from '@jest/globals';
import { cron } from '../../../src/adapters/cron/cron.ts';
import { nextTimes, type PlannedTimes } from '../../../src/core/schedule.ts';

const NOW = Date.UTC(2026, 10, 26, 12);

function timesOf(expression: string, timezone: string): PlannedTimes {
  const reading = cron.read({ cron: expression, timezone }, NOW);
  if (!reading.ok) throw new Error(reading.detail);
  return reading.times;
}
const iso = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');

describe('a time of day over a change of the clocks', () => {
  test.each([
    {
      cron: '30 1 * * *',
      timezone: 'Europe/London',
      from: '2026-03-28T12:00Z',
      runs: ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
      why: 'spring: 01:30 is skipped, it runs when the clock jumps to 02:00',
    },
    {
      cron: '30 1 * * *',
      timezone: 'Europe/London',
      from: '2026-10-24T12:00Z',
      runs: ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
      why: 'autumn: 01:30 comes twice, it runs the first time',
    },
    {
      cron: '*/30 * * * *',
      timezone: 'Europe/London',
      from: '2026-03-29T00:15Z',
      runs: ['2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z'],
      why: 'spring: an interval goes on',
    },
    {
      cron: '*/30 * * * *',
      timezone: 'Europe/London',
      from: '2026-10-25T00:15Z',
      runs: ['2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'],
      why: 'autumn: an interval goes on through both hours',
    },
    {
      cron: '30 2 * * *',
      timezone: 'America/Chicago',
      from: '2026-03-07T12:00Z',
      runs: ['2026-03-08T08:00:00Z', '2026-03-09T07:30:00Z'],
      why: 'spring: 02:30 is skipped, it runs at 03:00',
    },
    {
      cron: '30 1 * * *',
      timezone: 'America/Chicago',
      from: '2026-10-31T12:00Z',
      runs: ['2026-11-01T06:30:00Z', '2026-11-02T07:30:00Z'],
      why: 'autumn: the first 01:30',
    },
    {
      cron: '0 * * * *',
      timezone: 'America/Chicago',
      from: '2026-11-01T05:30Z',
      runs: ['2026-11-01T06:00:00Z', '2026-11-01T07:00:00Z', '2026-11-01T08:00:00Z'],
      why: 'autumn: each hour, 01:00 twice',
    },
    {
      cron: '15 2 * * *',
      timezone: 'Australia/Lord_Howe',
      from: '2026-10-03T12:00Z',
      runs: ['2026-10-03T15:30:00Z', '2026-10-04T15:15:00Z'],
      why: 'spring by half an hour: 02:15 is skipped, it runs at 02:30',
    },
    {
      cron: '45 1 * * *',
      timezone: 'Australia/Lord_Howe',
      from: '2026-04-04T12:00Z',
      runs: ['2026-04-04T14:45:00Z', '2026-04-05T15:15:00Z'],
      why: 'autumn by half an hour: the first 01:45',
    },
    {
      cron: '*/15 * * * *',
      timezone: 'Australia/Lord_Howe',
      from: '2026-04-04T14:40Z',
      runs: ['2026-04-04T14:45:00Z', '2026-04-04T15:00:00Z', '2026-04-04T15:15:00Z', '2026-04-04T15:30:00Z'],
      why: 'autumn by half an hour: an interval goes on',
    },
  ])('$cron in $timezone from $from: $why', ({ cron: expression, timezone, from, runs }) => {
    expect(nextTimes(timesOf(expression, timezone), Date.parse(from), runs.length).map(iso)).toEqual(runs);
  });

  test.each([
    { timezone: 'Europe/London', changes: ['2026-03-29', '2026-10-25'] },
    { timezone: 'America/Chicago', changes: ['2026-03-08', '2026-11-01'] },
    { timezone: 'Australia/Lord_Howe', changes: ['2026-04-05', '2026-10-04'] },
    { timezone: 'UTC', changes: ['2026-12-31'] },
  ])('$timezone: looking back finds what looking ahead found', ({ timezone, changes }) => {
    for (const expression of ['30 1 * * *', '15 2 * * *', '*/20 * * * *', '0 1,2 * * *', '45 1 * * *'])
      for (const change of changes) {
        const times = timesOf(expression, timezone);
        const start = Date.parse(change) - 86_400_000;
        let last = times.after(start) ?? 0;
        while (last < start + 2 * 86_400_000) {
          const next = times.after(last) ?? 0;
          expect([next > last, times.upTo(last), times.upTo(next - 1)]).toEqual([true, last, last]);
          last = next;
        }
      }
  });
});

describe('an instant that is planned', () => {
  const times = timesOf('* * * * *', 'UTC');
  const minute = Date.UTC(2026, 0, 1, 0, 5);

  test.each([
    { at: minute, after: minute + 60_000, upTo: minute, why: 'is not after itself' },
    { at: minute + 1, after: minute + 60_000, upTo: minute, why: 'is over a millisecond later' },
    { at: minute - 1, after: minute, upTo: minute - 60_000, why: 'has not come a millisecond before' },
  ])('$why', ({ at, after, upTo }) => {
    expect({ after: times.after(at), upTo: times.upTo(at) }).toEqual({ after, upTo });
  });
});

describe('a schedule is refused', () => {
  test.each([
    { cron: '', detail: /five fields/ },
    { cron: '* * *', detail: /five fields/ },
    { cron: '* * * * * * 2027', detail: /five fields/ },
    { cron: '2026-12-01T00:00:00', detail: /five fields/ },
    { cron: '@reboot', detail: /five fields/ },
    { cron: '@dayly', detail: /dayly/i },
    { cron: '60 * * * *', detail: /minute: 60/ },
    { cron: '* * * * 8', detail: /dayOfWeek: 8/ },
    { cron: '*/0 * * * *', detail: /stepping: 0/ },
    { cron: '٣ * * * *', detail: /illegal characters/ },
    { cron: '0 0 30 2 *', detail: /never comes/i },
    { cron: `${'0,'.repeat(100)}0 * * * *`, detail: /200 characters/ },
  ])('with $cron', ({ cron: expression, detail }) => {
    expect(cron.read({ cron: expression, timezone: 'UTC' }, NOW)).toEqual({
      ok: false,
      member: 'cron',
      detail: expect.stringMatching(detail),
    });
  });

  test.each(['', 'Nowhere/X', ' UTC', 'Europe/London\n'])('in the time zone %j', (timezone) => {
    expect(cron.read({ cron: '0 0 * * *', timezone }, NOW)).toEqual({
      ok: false,
      member: 'timezone',
      detail: expect.stringMatching(/time zone/),
    });
  });
});

test.each([
  { cron: '*/10 * * * * *', timezone: 'UTC', next: '2026-11-26T12:00:10Z', why: 'six fields begin with seconds' },
  { cron: ' 30  7 * * mon-fri ', timezone: 'Europe/Berlin', next: '2026-11-27T06:30:00Z', why: 'names and blanks' },
  { cron: '@daily', timezone: 'Asia/Tokyo', next: '2026-11-26T15:00:00Z', why: 'a nickname' },
  { cron: '0 9 L * *', timezone: 'UTC', next: '2026-11-30T09:00:00Z', why: 'the last day of the month' },
  { cron: '0 9 * * MON#1', timezone: 'UTC', next: '2026-12-07T09:00:00Z', why: 'the first Monday of the month' },
  { cron: '0 0 29 2 *', timezone: 'UTC', next: '2028-02-29T00:00:00Z', why: 'years away' },
])('$cron is taken: $why', ({ cron: expression, timezone, next }) => {
  expect(nextTimes(timesOf(expression, timezone), NOW, 1).map(iso)).toEqual([next]);
});
