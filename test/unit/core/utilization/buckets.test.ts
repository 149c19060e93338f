import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { analysisTypeOf, type Bucket, bucketsOf } from '../../../../src/core/utilization/buckets.ts';
import { givenTime, isoText } from '../../../../src/core/utilization/iso-time.ts';

const span = (from: string, to: string) => ({ startUs: givenTime(from), endUs: givenTime(to) });
const starts = (buckets: readonly Bucket[]): string[] => buckets.map(({ startUs }) => isoText(startUs));
const hoursIn = (buckets: readonly Bucket[]): number[] => buckets.map(({ startUs, endUs }) => (endUs - startUs) / 3.6e9);

describe('periods of a time zone', () => {
  test('M48 M49 the days of a change of clocks have 23 and 25 hours', () => {
    const spring = bucketsOf(span('2025-03-08T06:00:00Z', '2025-03-11T05:00:00Z'), 'daily', 'America/Chicago');
    expect(hoursIn(spring)).toEqual([24, 23, 24]);
    expect(spring.map(({ localStart }) => localStart)).toEqual(['2025-03-08T00:00:00', '2025-03-09T00:00:00', '2025-03-10T00:00:00']);
    expect(hoursIn(bucketsOf(span('2025-10-25T22:00:00Z', '2025-10-26T23:00:00Z'), 'daily', 'Europe/Berlin'))).toEqual([25]);
    expect(hoursIn(bucketsOf(span('2025-04-05T13:00:00Z', '2025-04-06T13:30:00Z'), 'daily', 'Australia/Lord_Howe'))).toEqual([24.5]);
  });

  test('M49 hours show the clock that a person there sees: two at half past one in autumn, none at two in spring', () => {
    const shown = (from: string, to: string) =>
      bucketsOf(span(from, to), 'hourly', 'America/Chicago').map(({ display }) => display.slice(11));
    expect(shown('2025-03-09T07:00:00Z', '2025-03-09T09:00:00Z')).toEqual(['01:00', '03:00']);
    expect(shown('2025-11-02T05:30:00Z', '2025-11-02T08:30:00Z')).toEqual(['00:30', '01:30', '01:30']);
  });

  test('M48 weeks begin on Monday and are not cut at their beginning; months have English names', () => {
    const weeks = bucketsOf(span('2025-03-05', '2025-03-12'), 'weekly', 'UTC');
    expect(weeks.map(({ display }) => display)).toEqual(['Week of 2025-03-03', 'Week of 2025-03-10']);
    expect(starts(weeks)).toEqual(['2025-03-03T00:00:00', '2025-03-10T00:00:00']);
    const months = bucketsOf(span('2024-12-31T23:00:00Z', '2025-02-01'), 'monthly', 'Europe/Berlin');
    expect(months.map(({ display, date }) => [display, date])).toEqual([
      ['January 2025', '2025-01'],
      ['February 2025', '2025-02'],
    ]);
  });

  test('M48 days begin and end with the time asked for', () => {
    const days = bucketsOf(span('2025-03-05T10:00:00', '2025-03-06T02:00:00'), 'daily', 'UTC');
    expect(days.map(({ startUs, endUs }) => [isoText(startUs), isoText(endUs)])).toEqual([
      ['2025-03-05T10:00:00', '2025-03-06T00:00:00'],
      ['2025-03-06T00:00:00', '2025-03-06T02:00:00'],
    ]);
  });

  test('M66 what is no type has whole days, of which nothing is said but their name', () => {
    const [day] = bucketsOf(span('2025-03-05T10:00:00', '2025-03-05T12:00:00'), analysisTypeOf('DAILY'), 'UTC');
    expect(day).toMatchObject({ kind: 'day', display: '2025-03-05', date: '', localStart: '', startUs: givenTime('2025-03-05') });
  });

  test.each(['Nowhere/Town', '', '+02:00', 'Europe/Berlin\0', '[u-ca=iso8601]', 'é', 'x'.repeat(500)])(
    'M48 %j is no zone, so UTC',
    (zone) => {
      expect(starts(bucketsOf(span('2025-07-01T12:00:00', '2025-07-02T12:00:00'), 'daily', zone))[1]).toBe('2025-07-02T00:00:00');
    },
  );

  test('M48 names of zones are taken in any case', () => {
    expect(starts(bucketsOf(span('2025-07-01T12:00:00', '2025-07-02T12:00:00'), 'daily', 'asia/kolkata'))[1]).toBe('2025-07-01T18:30:00');
  });

  test('a day that a zone leaves out has no bucket', () => {
    const days = bucketsOf(span('2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z'), 'daily', 'Pacific/Apia');
    expect(days.map(({ display }) => display)).toEqual(['2011-12-29', '2011-12-31']);
  });

  test('more than 20,000 periods are refused', () => {
    expect(() => bucketsOf(span('0001-01-01', '9999-12-31'), 'daily', 'UTC')).toThrow(/20000 periods/);
  });

  test('buckets cover the time asked for without gaps, whatever the zone', () => {
    const zone = fc.constantFrom(
      'America/Chicago',
      'Europe/Berlin',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'America/Sao_Paulo',
      'Africa/Casablanca',
    );
    const type = fc.constantFrom('hourly', 'daily', 'weekly', 'monthly', 'other' as const);
    const minute = fc.integer({ min: 0, max: 30 * 525_600 });
    fc.assert(
      fc.property(minute, fc.integer({ min: 1, max: 90_000 }), zone, type, (from, length, name, kind) => {
        const startUs = givenTime('2000-01-01') + from * 6e7;
        const endUs = startUs + length * 6e7;
        const buckets = bucketsOf({ startUs, endUs }, kind, name);
        expect(buckets[0]?.startUs).toBeLessThanOrEqual(startUs);
        expect(buckets.at(-1)?.endUs).toBe(endUs);
        for (const [i, { startUs: us }] of buckets.entries()) if (i > 0) expect(us).toBe(buckets[i - 1]?.endUs);
      }),
      { numRuns: 200 },
    );
  });
});
