/**
 * Instants as MADSci reads and answers them (M7). Their texts are the data: never through JS Date, which has milliseconds only.
 * Accepted: ISO texts, dates, and seconds or milliseconds since the epoch as a number or as its text.
 */
import { Double, type ExactValue } from './json.ts';
import { spell } from './timestamp-text.ts';

const MS_WATERSHED = 2e10;
/** The seconds at which the years 0 and 10000 begin. */
const YEAR_0 = -62_167_219_200;
const YEAR_1 = -62_135_596_800;
const YEAR_10000 = 253_402_300_800;
const DAY_SECONDS = 86_400;

const DASH = 0x2d;
const COLON = 0x3a;
const MINUS_SIGN = 0x2212;

/** A point in time, with the spelling it is answered in. */
export class Timestamp {
  readonly text: string;
  /** Microseconds since 1970-01-01T00:00:00 on the clock that the text shows; to the nearest double outside 1684 to 2255. */
  readonly localUs: number;
  /** Minutes that clock is ahead of UTC; null when the text does not say. */
  readonly offsetMinutes: number | null;

  constructor(text: string, localUs: number, offsetMinutes: number | null) {
    this.text = text;
    this.localUs = localUs;
    this.offsetMinutes = offsetMinutes;
  }
}

/** Why a value is no timestamp, as pydantic names it. */
export class TimestampFault {
  readonly type: 'datetime_type' | 'datetime_parsing' | 'datetime_from_date_parsing';
  readonly error: string;

  constructor(type: TimestampFault['type'], error: string) {
    this.type = type;
    this.error = error;
  }
}

const YEAR_ZERO = new TimestampFault('datetime_parsing', 'year 0 is out of range');

/** UTC microseconds; a text without an offset is read on the clock that `naiveOffsetMinutes` tells of (detail 4). */
export function utcMicroseconds(timestamp: Timestamp, naiveOffsetMinutes: (localUs: number) => number): number {
  const offset = timestamp.offsetMinutes ?? naiveOffsetMinutes(timestamp.localUs);
  return timestamp.localUs - offset * 60_000_000;
}

/** Reads any JSON value as MADSci reads event_timestamp. */
export function readTimestamp(value: ExactValue): Timestamp | TimestampFault {
  if (typeof value === 'string') return readText(value);
  if (typeof value === 'number') return Number.isInteger(value) ? fromEpoch(value, 0) : fromEpochNumber(value);
  if (typeof value === 'bigint') return new TimestampFault('datetime_parsing', value > 0n ? TOO_LATE : TOO_EARLY);
  if (value instanceof Double) return fromEpochNumber(value.value);
  return new TimestampFault('datetime_type', '');
}

function readText(text: string): Timestamp | TimestampFault {
  return readIso(text) ?? readEpochText(text) ?? readDate(text);
}

// --- ISO texts ---

const digitAt = (text: string, at: number): number => {
  const digit = text.charCodeAt(at) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : Number.NaN;
};
const twoDigits = (text: string, at: number): number => digitAt(text, at) * 10 + digitAt(text, at + 1);
const yearOf = (text: string): number => twoDigits(text, 0) * 100 + twoDigits(text, 2);

/** A date and a time, or null: faults are worded by readDate, as pydantic tries to read a text as a date last. */
function readIso(text: string): Timestamp | TimestampFault | null {
  const days = dateDays(text);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  if (Number.isNaN(days) || !isTimeMark(text.charCodeAt(10)) || !(hour < 24) || text.charCodeAt(13) !== COLON || !(minute < 60))
    return null;
  const hasSeconds = text.charCodeAt(16) === COLON;
  const second = hasSeconds ? twoDigits(text, 17) : 0;
  if (!(second < 60)) return null;
  const timeEnd = hasSeconds ? 19 : 16;
  const fractionEnd = hasSeconds ? endOfFraction(text) : timeEnd;
  const micros = fractionEnd > 19 ? microsOf(text, fractionEnd) : 0;
  const offset = fractionEnd === text.length ? null : readOffset(text, fractionEnd);
  if (offset !== null && Number.isNaN(offset)) return null;
  if (yearOf(text) === 0) return YEAR_ZERO;
  const seconds = days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
  const spelled = isCanonical(text, fractionEnd, micros, offset) ? text : spell(seconds, micros, offset);
  return new Timestamp(spelled, seconds * 1e6 + micros, offset);
}

/** Between date and time: T, t, a blank or an underscore. */
function isTimeMark(code: number): boolean {
  return code === 0x54 || code === 0x74 || code === 0x20 || code === 0x5f;
}

/** Days since the epoch of the date the text begins with; NaN when there is none. */
function dateDays(text: string): number {
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return Number.NaN;
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= monthLength(yearOf(text), month);
  return isDate ? daysOf(text) : Number.NaN;
}

function monthLength(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since the epoch, counted in years that begin in March, so that the leap day comes last. */
function daysOf(text: string): number {
  const month = twoDigits(text, 5);
  const year = yearOf(text) - (month <= 2 ? 1 : 0);
  const marchMonth = (month + 9) % 12;
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);
  return year * 365 + leapDays + Math.floor((153 * marchMonth + 2) / 5) + twoDigits(text, 8) - 719_469;
}

/** Where the fraction of the second ends: 19 when there is none. A mark without digits is none. */
function endOfFraction(text: string): number {
  const mark = text.charCodeAt(19);
  if (mark !== 0x2e && mark !== 0x2c) return 19;
  let end = 20;
  while (!Number.isNaN(digitAt(text, end))) end++;
  return end === 20 ? 19 : end;
}

/** Digits beyond the microsecond are cut, not rounded. */
function microsOf(text: string, end: number): number {
  let micros = 0;
  for (let i = 20; i < 26; i++) micros = micros * 10 + (i < end ? digitAt(text, i) : 0);
  return micros;
}

/** Minutes ahead of UTC for Z, z, ±HH:MM or ±HHMM up to the end of the text; else NaN. */
function readOffset(text: string, at: number): number {
  const mark = text.charCodeAt(at);
  if (mark === 0x5a || mark === 0x7a) return at + 1 === text.length ? 0 : Number.NaN;
  if (mark !== 0x2b && mark !== DASH && mark !== MINUS_SIGN) return Number.NaN;
  const minutesAt = text.charCodeAt(at + 3) === COLON ? at + 4 : at + 3;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, minutesAt);
  if (!(hours < 24) || !(minutes < 60) || minutesAt + 2 !== text.length) return Number.NaN;
  const size = hours * 60 + minutes;
  return mark === 0x2b || size === 0 ? size : -size;
}

/** Whether the text is already spelled as it is answered: with T and seconds, 6 digits of fraction or none, Z for UTC. */
function isCanonical(text: string, fractionEnd: number, micros: number, offset: number | null): boolean {
  if (text.charCodeAt(10) !== 0x54) return false;
  if (fractionEnd === 26 ? micros === 0 || text.charCodeAt(19) !== 0x2e : fractionEnd !== 19) return false;
  if (offset === null) return true;
  if (offset === 0) return text.charCodeAt(fractionEnd) === 0x5a;
  return text.length === fractionEnd + 6 && text.charCodeAt(fractionEnd) !== MINUS_SIGN;
}

// --- seconds and milliseconds since the epoch ---

const TOO_LATE = 'dates after 9999 are not supported as unix timestamps';
const TOO_EARLY = 'dates before 0000 are not supported as unix timestamps';
/** An exponent is taken only behind a point, as in the original. */
const EPOCH_TEXT = /^[-+]?(?:(\d+)(?:\.\d*(?:[eE][-+]?\d+)?)?|\.\d+(?:[eE][-+]?\d+)?)$/;
/** As many digits as fit into 64 bits whatever they are. */
const SAFE_DIGITS = 18;
const MAX_DIGITS = 400;

/** A number in a text. Null when it is none, or when its fault is one that a date, tried next, words differently. */
function readEpochText(text: string): Timestamp | TimestampFault | null {
  const match = EPOCH_TEXT.exec(text);
  if (match === null) return null;
  const size = wholePart(match[1] ?? '0');
  if (size === null) return null;
  if (text.includes('.')) {
    const value = Number(text);
    const read = Number.isFinite(value) ? fromEpochText(value) : null;
    return read instanceof TimestampFault && read !== YEAR_ZERO ? null : read;
  }
  const read = fromEpoch(text.startsWith('-') ? -size : size, 0);
  return read instanceof TimestampFault && read !== YEAR_ZERO ? new TimestampFault('datetime_from_date_parsing', read.error) : read;
}

/** The original counts in 64 bits that wrap around, and stops only where they turn negative: 2^64 in a text is 0. */
function wholePart(digits: string): number | null {
  if (digits.length <= SAFE_DIGITS) return Number(digits);
  if (digits.length > MAX_DIGITS) return null;
  let value = 0n;
  for (const digit of digits) {
    value = BigInt.asIntN(64, value * 10n + BigInt(digit));
    if (value < 0n) return null;
  }
  return Number(value);
}

/** In a text, unlike a number, the milliseconds of a fraction become seconds before the whole part is looked at. */
function fromEpochText(value: number): Timestamp | TimestampFault {
  const seconds = Math.abs(value) > MS_WATERSHED ? value / 1000 : value;
  const whole = Math.floor(seconds);
  return fromEpoch(whole, Math.round((seconds - whole) * 1e6));
}

/** The fraction of a negative number counts forward from the next lower whole one, as in the original. */
function fromEpochNumber(value: number): Timestamp | TimestampFault {
  const scale = Math.abs(value) > MS_WATERSHED ? 1e3 : 1e6;
  return fromEpoch(Math.floor(value), Math.round(Math.abs(value % 1) * scale));
}

/** An absolute value above 2e10 means milliseconds. */
function fromEpoch(value: number, extraMicros: number): Timestamp | TimestampFault {
  const isMs = Math.abs(value) > MS_WATERSHED;
  const whole = isMs ? Math.floor(value / 1000) : value;
  const micros = (isMs ? (value - whole * 1000) * 1000 : 0) + extraMicros;
  const seconds = whole + Math.floor(micros / 1e6);
  if (seconds >= YEAR_10000) return new TimestampFault('datetime_parsing', TOO_LATE);
  if (seconds < YEAR_0) return new TimestampFault('datetime_parsing', TOO_EARLY);
  if (seconds < YEAR_1) return YEAR_ZERO;
  return new Timestamp(spell(seconds, micros % 1e6, 0), seconds * 1e6 + (micros % 1e6), 0);
}

// --- dates alone, and what is wrong with a text ---

/** A date alone, at midnight. */
function readDate(text: string): Timestamp | TimestampFault {
  const error = dateFault(text);
  if (error !== null) return new TimestampFault('datetime_from_date_parsing', error);
  return yearOf(text) === 0 ? YEAR_ZERO : new Timestamp(`${text}T00:00:00`, daysOf(text) * DAY_SECONDS * 1e6, null);
}

/** What keeps a text from being a date alone, in pydantic's words and order; null when it is one. */
function dateFault(text: string): string | null {
  if (utf8Length(text) < 10) return 'input is too short';
  if (Number.isNaN(yearOf(text))) return 'invalid character in year';
  if (text.charCodeAt(4) !== DASH) return 'invalid date separator, expected `-`';
  const month = twoDigits(text, 5);
  if (Number.isNaN(month)) return 'invalid character in month';
  if (text.charCodeAt(7) !== DASH) return 'invalid date separator, expected `-`';
  const day = twoDigits(text, 8);
  if (Number.isNaN(day)) return 'invalid character in day';
  if (month < 1 || month > 12) return 'month value is outside expected range of 1-12';
  if (day < 1 || day > monthLength(yearOf(text), month)) return 'day value is outside expected range';
  return text.length > 10 ? 'unexpected extra characters at the end of the input' : null;
}

function utf8Length(text: string): number {
  let length = 0;
  for (const char of text.slice(0, 10)) length += char < '\u0080' ? 1 : char < '\u0800' ? 2 : char.length === 1 ? 3 : 4;
  return length;
}
