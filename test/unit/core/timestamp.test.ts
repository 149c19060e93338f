import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ExactValue, parseExact } from '../../../src/core/json.ts';
import { readTimestamp, Timestamp, TimestampFault, utcMicroseconds } from '../../../src/core/timestamp.ts';

const textOf = (value: ExactValue): string | null => {
  const read = readTimestamp(value);
  return read instanceof Timestamp ? read.text : null;
};

describe('M7 accepts', () => {
  test.each([
    ['2025-03-04T05:06:07', '2025-03-04T05:06:07', 'naive stays naive'],
    ['2025-03-04_05:06', '2025-03-04T05:06:00', 'underscore, no seconds'],
    ['2025-03-04t05:06:07z', '2025-03-04T05:06:07Z', 'lower case'],
    ['2025-03-04 05:06:07-00:00', '2025-03-04T05:06:07Z', 'no offset is UTC'],
    ['2025-03-04T05:06:07+0230', '2025-03-04T05:06:07+02:30', 'offset without a colon'],
    ['2025-03-04T05:06:07\u221202:00', '2025-03-04T05:06:07-02:00', 'the minus sign of typographers'],
    ['2025-03-04T05:06:07-00:30', '2025-03-04T05:06:07-00:30', 'less than an hour behind'],
    ['2025-03-04', '2025-03-04T00:00:00', 'a date'],
    ['2025-03-04T05:06:07.100', '2025-03-04T05:06:07.100000', 'filled up to microseconds'],
    ['2025-03-04T05:06:07,5', '2025-03-04T05:06:07.500000', 'decimal comma'],
    ['2025-03-04T05:06:07.1234569', '2025-03-04T05:06:07.123456', 'cut, not rounded'],
    ['2025-03-04T05:06:07.000000', '2025-03-04T05:06:07', 'a fraction of zero is dropped'],
    ['2025-03-04T05:06:07,123456', '2025-03-04T05:06:07.123456', 'only the mark changes'],
    ['2000-02-29T00:00:00', '2000-02-29T00:00:00', 'leap year by 400'],
    ['20250304', '1970-08-23T09:05:04Z', 'digits are seconds'],
    ['1741064767.1234567', '2025-03-04T05:06:07.123457Z', 'numeric texts round'],
    ['-1.25', '1969-12-31T23:59:58.750000Z', 'before the epoch'],
    ['20000000001', '1970-08-20T11:33:20.001000Z', 'above 2e10 are milliseconds'],
    ['.5E5', '1970-01-01T13:53:20Z', 'an exponent behind a point'],
    ['18446744073709551617', '1970-01-01T00:00:01Z', 'whole numbers wrap around 64 bits'],
    ['-184467440737095516161', '1969-12-31T23:59:59Z', 'also twice'],
    ['253402300799999.9999999', '1978-01-11T21:31:40.800000Z', 'twice divided, as in the original'],
  ])('%s → %s: %s', (value, text) => {
    expect(textOf(value)).toBe(text);
  });

  test.each([
    ['1741064767', '2025-03-04T05:06:07Z', 'seconds'],
    ['1741064767123.4', '2025-03-04T05:06:07.123400Z', 'milliseconds'],
    ['1741064767.1234567', '2025-03-04T05:06:07.123457Z', 'rounded'],
    ['1741064767.9999999', '2025-03-04T05:06:08Z', 'rounded up to the next second'],
    ['-0.25', '1969-12-31T23:59:59.250000Z', 'the original counts a negative fraction forward'],
    ['1e9', '2001-09-09T01:46:40Z', 'a whole double'],
    ['20000000000.5', '2603-10-11T11:33:20.000500Z', 'the fraction is of a millisecond already'],
    ['-62135596800000', '0001-01-01T00:00:00Z', 'the first instant'],
    ['253402300799999', '9999-12-31T23:59:59.999000Z', 'the last millisecond'],
  ])('number %s → %s: %s', (value, text) => {
    expect(textOf(parseExact(value))).toBe(text);
  });
});

describe('M7 refuses', () => {
  test.each([
    ['"2025-03-04T05"', 'datetime_from_date_parsing', 'unexpected extra characters at the end of the input'],
    ['"2025-03-04T05:06:07+24:00"', 'datetime_from_date_parsing', 'unexpected extra characters at the end of the input'],
    ['"2025-03-04T05:06:07.Z"', 'datetime_from_date_parsing', 'unexpected extra characters at the end of the input'],
    ['"2025-02-29T00:00:00"', 'datetime_from_date_parsing', 'day value is outside expected range'],
    ['"2025-04-31"', 'datetime_from_date_parsing', 'day value is outside expected range'],
    ['"2025-13-01"', 'datetime_from_date_parsing', 'month value is outside expected range of 1-12'],
    ['"2025-1x-01"', 'datetime_from_date_parsing', 'invalid character in month'],
    ['"2025-01-0x"', 'datetime_from_date_parsing', 'invalid character in day'],
    ['"2025-01/01"', 'datetime_from_date_parsing', 'invalid date separator, expected `-`'],
    ['"10000-01-01"', 'datetime_from_date_parsing', 'invalid date separator, expected `-`'],
    ['"March 4, 2025"', 'datetime_from_date_parsing', 'invalid character in year'],
    ['"é🧪€1"', 'datetime_from_date_parsing', 'invalid character in year'],
    ['"now"', 'datetime_from_date_parsing', 'input is too short'],
    ['"1e9"', 'datetime_from_date_parsing', 'input is too short'],
    ['"0000-01-01"', 'datetime_parsing', 'year 0 is out of range'],
    ['"0000-01-01T00:00:00"', 'datetime_parsing', 'year 0 is out of range'],
    ['"-62135596800001"', 'datetime_parsing', 'year 0 is out of range'],
    ['"1741064767123456"', 'datetime_from_date_parsing', 'dates after 9999 are not supported as unix timestamps'],
    ['"1741064767123456789.5"', 'datetime_from_date_parsing', 'invalid date separator, expected `-`'],
    ['"99999999999999999999"', 'datetime_from_date_parsing', 'invalid date separator, expected `-`'],
    [`"${'1'.repeat(500)}"`, 'datetime_from_date_parsing', 'invalid date separator, expected `-`'],
    ['"1.e999999999"', 'datetime_from_date_parsing', 'invalid character in year'],
    ['1741064767123456', 'datetime_parsing', 'dates after 9999 are not supported as unix timestamps'],
    ['-1741064767123456', 'datetime_parsing', 'dates before 0000 are not supported as unix timestamps'],
    ['99999999999999999999', 'datetime_parsing', 'dates after 9999 are not supported as unix timestamps'],
    ['-99999999999999999999', 'datetime_parsing', 'dates before 0000 are not supported as unix timestamps'],
    ['true', 'datetime_type', ''],
    ['null', 'datetime_type', ''],
    ['{}', 'datetime_type', ''],
  ] as const)('%s: %s %s', (value, type, error) => {
    expect(readTimestamp(parseExact(value))).toEqual(new TimestampFault(type, error));
  });
});

describe('detail 4: the instant', () => {
  const usOf = (value: string, naiveOffset = 0): number => {
    const read = readTimestamp(value);
    return read instanceof Timestamp ? utcMicroseconds(read, () => naiveOffset) : Number.NaN;
  };

  test('an offset is taken off; a naive text is read on the clock given', () => {
    const utc = usOf('2025-03-04T05:06:07.123456Z');
    expect(utc).toBe(1_741_064_767_123_456);
    expect(usOf('2025-03-04T07:06:07.123456+02:00')).toBe(utc);
    expect(usOf('2025-03-03T23:06:07.123456', -360)).toBe(utc);
  });

  const dates = fc.date({ min: new Date('1700-01-01'), max: new Date('2250-01-01'), noInvalidDate: true });

  test('agrees with Date on every date, and epoch milliseconds are spelled as the ISO text is', () => {
    fc.assert(
      fc.property(dates, fc.integer({ min: -1439, max: 1439 }), (date, offset) => {
        const iso = date.toISOString();
        expect(usOf(iso)).toBe(date.getTime() * 1000);
        expect(usOf(iso.slice(0, -1), offset)).toBe(date.getTime() * 1000 - offset * 60_000_000);
        if (Math.abs(date.getTime()) > 2e10) expect(textOf(date.getTime())).toBe(textOf(iso));
      }),
    );
  });

  test('an answered text reads as itself', () => {
    fc.assert(
      fc.property(dates, fc.nat(999_999), fc.constantFrom('', 'Z', 'z', '+0530', '-08:00', '+00:00'), (date, micros, zone) => {
        const once = textOf(`${date.toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}${zone}`) ?? '';
        expect(once).not.toBe('');
        expect(textOf(once)).toBe(once);
      }),
    );
  });
});
