import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pythonFloat } from '../../../../src/core/json.ts';
import { givenTime, instantOf, isoText, TimeFault } from '../../../../src/core/utilization/iso-time.ts';
import { fixedText, mean, round } from '../../../../src/core/utilization/python-number.ts';

const offsetFault = (shown: string): string =>
  `offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not ${shown}.`;

describe('times as Python 3.11 reads them', () => {
  test.each([
    ['2025-03-03', '2025-03-03T00:00:00'],
    ['2025-03-03T10', '2025-03-03T10:00:00'],
    ['2025-03-03x10:20', '2025-03-03T10:20:00'],
    ['20250303T102030.5Z', '2025-03-03T10:20:30.500000'],
    ['2025-03-03T10:20:30,1234567', '2025-03-03T10:20:30.123456'],
    ['2025-03-03T00:30:00+02:00', '2025-03-02T22:30:00'],
    ['2025-W10-1', '2025-03-03T00:00:00'],
    ['2025W101T0600', '2025-03-03T06:00:00'],
    ['2025-W10-10:00', '2025-03-03T10:00:00'],
    ['2020-W53-7', '2021-01-03T00:00:00'],
    ['2025-03-03é10:00', '2025-03-03T10:00:00'],
    ['2025-03-03T1000.5', '2025-03-03T10:00:00.500000'],
  ])('M19 %s', (text, read) => {
    expect(isoText(givenTime(text))).toBe(read);
  });

  test.each([
    ['yesterday', "Invalid isoformat string: 'yesterday'"],
    ['2025-03', "Invalid isoformat string: '2025-03'"],
    ['2025-03-03T', "Invalid isoformat string: '2025-03-03T'"],
    ['2025-03-03T00:00:00 00:00', "Invalid isoformat string: '2025-03-03T00:00:00 00:00'"],
    ['2025-03-03T00:00:00-24:00', offsetFault('datetime.timedelta(days=-1)')],
    ['2025-03-03T00:00:00-25:30:10.5', offsetFault('datetime.timedelta(days=-2, seconds=80989, microseconds=500000)')],
    ['2025-W54-1', "Invalid isoformat string: '2025-W54-1'"],
    ['2025-13-01', 'month must be in 1..12'],
    ['2025-02-29', 'day is out of range for month'],
    ['2025-02-28T24:00', 'hour must be in 0..23'],
    ['0001-01-01T00:00:00+05:00', 'date value out of range'],
    ['Z', "Invalid isoformat string: '+00:00'"],
  ])('M19 what is wrong with %s', (text, words) => {
    expect(() => givenTime(text)).toThrow(new TimeFault(words));
  });

  test('M44 a stored time without an offset is UTC', () => {
    expect(instantOf('2025-03-03T08:00:00')).toEqual(instantOf('2025-03-03T08:00:00Z'));
    expect(instantOf('2025-03-03T10:00:00+02:00')).toEqual({ ...instantOf('2025-03-03T08:00:00Z'), offsetSeconds: 7200 });
    expect(instantOf('soon')).toBeNull();
  });
});

describe('numbers as Python rounds them (detail 16)', () => {
  test.each([
    [2.675, 2, '2.67'],
    [0.125, 2, '0.12'],
    [0.375, 2, '0.38'],
    [2.5, 0, '2.0'],
    [-0.125, 2, '-0.12'],
    [-0.001, 2, '-0.0'],
    [0.045, 2, '0.04'],
    [1e22, 2, '1e+22'],
  ])('round(%d, %d) is %s', (value, digits, shown) => {
    expect(pythonFloat(round(value, digits))).toBe(shown);
  });

  test('f-strings have all their digits', () => {
    expect([fixedText(0.25, 1), fixedText(0.35, 1), fixedText(-0.04, 1), fixedText(100, 1)]).toEqual(['0.2', '0.3', '-0.0', '100.0']);
  });

  test('the mean is exact: rounded once, at the end', () => {
    expect(mean([0.1, 0.2, 0.3])).toBe(0.2);
    expect(mean([1e308, 1e308])).toBe(1e308);
    expect(mean([1e16, 1, -1e16])).toBe(1 / 3);
    expect(mean([])).toBe(0);
  });

  test('the mean of equal numbers is the number, and lies between the least and the greatest of any', () => {
    const percent = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(fc.property(percent, fc.integer({ min: 1, max: 50 }), (value, count) => mean(Array(count).fill(value)) === (value || 0)));
    fc.assert(
      fc.property(fc.array(percent, { minLength: 1, maxLength: 30 }), (values) => {
        const found = mean(values);
        return found >= Math.min(...values) && found <= Math.max(...values);
      }),
    );
  });
});
