/** Times of utilization reports: microseconds since the epoch, naive texts being UTC (M44), spelled as Python spells naive datetimes. */
import { pythonRepr } from '../python-text.ts';
import { readTimestamp, Timestamp } from '../timestamp.ts';
import { spell } from '../timestamp-text.ts';

const DAY_SECONDS = 86_400;
export const SECOND_US = 1e6;
export const HOUR_US = 3600 * SECOND_US;
export const DAY_US = DAY_SECONDS * SECOND_US;
export const YEAR_1_US = -62_135_596_800 * SECOND_US;
export const YEAR_10000_US = 253_402_300_800 * SECOND_US;

/** A text that is no time, in Python's words. */
export class TimeFault extends Error {
  override readonly name = 'TimeFault';
}

/** Python's isoformat() of a naive datetime. */
export function isoText(us: number): string {
  const seconds = Math.floor(us / SECOND_US);
  return spell(seconds, us - seconds * SECOND_US, null);
}

/** An instant and how many seconds its text may lie from UTC: 0 for naive ones and for UTC. */
export interface Instant {
  us: number;
  offsetSeconds: number;
}

/** The instant of a stored event_timestamp, or null when it is none. Stored ones nearly all have the form that is read fast. */
export function instantOf(text: string): Instant | null {
  const read = text[10] === 'T' ? readTimestamp(text) : null;
  if (read instanceof Timestamp) {
    const offsetSeconds = (read.offsetMinutes ?? 0) * 60;
    return { us: read.localUs - offsetSeconds * SECOND_US, offsetSeconds };
  }
  try {
    return readIso(text.replace('Z', '+00:00'), text);
  } catch (error) {
    if (error instanceof TimeFault) return null;
    throw error;
  }
}

/** A time that a client gave, as MADSci reads it: Python's fromisoformat, with Z as +00:00. Throws TimeFault. */
export function givenTime(text: string): number {
  const cleaned = text.replaceAll('Z', '+00:00');
  const { us } = readIso(cleaned, cleaned);
  if (us < YEAR_1_US || us >= YEAR_10000_US) throw new TimeFault('date value out of range');
  return us;
}

/** What Python's datetime.fromisoformat takes (3.11): calendar and week dates, any mark before the time, basic forms, cut fractions. */
function readIso(text: string, shown: string): Instant {
  const bytes = byteText(text);
  const mark = separatorAt(bytes);
  const date = bytes.length < 7 ? null : readDate(bytes.slice(0, mark));
  const time = bytes.length <= mark ? MIDNIGHT : readTime(bytes.slice(mark + charBytes(bytes.charCodeAt(mark))));
  if (date === null || time === null) throw new TimeFault(`Invalid isoformat string: ${pythonRepr(shown)}`);
  checkOffset(time.offsetSeconds);
  const days = daysOf(date);
  checkClock(time);
  const { hour, minute, second, micros, offsetSeconds } = time;
  const local = (days * DAY_SECONDS + hour * 3600 + minute * 60 + second) * SECOND_US + micros;
  return { us: local - offsetSeconds * SECOND_US, offsetSeconds };
}

/** The text with one character for each byte of UTF-8, as places in it are counted. */
function byteText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant
  return /^[\x00-\x7f]*$/.test(text) ? text : String.fromCharCode(...new TextEncoder().encode(text.slice(0, 100)));
}

function charBytes(first: number): number {
  if (first < 0x80) return 1;
  return (first & 0xf0) === 0xe0 ? 3 : (first & 0xf0) === 0xf0 ? 4 : 2;
}

const isDigit = (text: string, at: number): boolean => /^\d$/.test(text[at] ?? '');

/** Where the date ends: the mark may be any character, so it is the form of the date that tells. */
function separatorAt(text: string): number {
  if (text.length === 7) return 7;
  if (text[4] === '-') {
    if (text[5] !== 'W') return 10;
    if (text[8] !== '-' || text.length <= 8) return 8;
    return text.length > 10 && isDigit(text, 10) ? 8 : 10;
  }
  if (text[4] !== 'W') return 8;
  let end = 7;
  while (isDigit(text, end)) end++;
  if (end < 9) return end;
  return end % 2 === 0 ? 7 : 8;
}

interface CalendarDate {
  year: number;
  month: number;
  day: number;
}

function readDate(text: string): CalendarDate | null {
  const week = /^(\d{4})(?:-W(\d\d)(?:-(\d))?|W(\d\d)(\d)?)$/.exec(text);
  if (week !== null) return weekDate(Number(week[1]), Number(week[2] ?? week[4]), Number(week[3] ?? week[5] ?? 1));
  const date = /^(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d))$/.exec(text);
  return date === null ? null : { year: Number(date[1]), month: Number(date[2] ?? date[4]), day: Number(date[3] ?? date[5]) };
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const utcDays = (year: number, month: number, day: number): number => {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / (DAY_SECONDS * 1000));
};

/** The day of a week of ISO 8601; week 1 has the year's first Thursday. */
function weekDate(year: number, week: number, weekday: number): CalendarDate | null {
  if (year < 1 || week < 1 || weekday < 1 || weekday > 7 || week > weeksOf(year)) return null;
  const date = new Date((firstMonday(year) + (week - 1) * 7 + weekday - 1) * DAY_SECONDS * 1000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}
/** 1970-01-01 was a Thursday, and 4 January is always in week 1. */
const weekdayOf = (days: number): number => (((days + 3) % 7) + 7) % 7;
function firstMonday(year: number): number {
  const fourth = utcDays(year, 1, 4);
  return fourth - weekdayOf(fourth);
}
function weeksOf(year: number): number {
  const first = weekdayOf(utcDays(year, 1, 1));
  return first === 3 || (first === 2 && isLeap(year)) ? 53 : 52;
}

function daysOf({ year, month, day }: CalendarDate): number {
  if (year < 1) throw new TimeFault(`year ${year} is out of range`);
  if (month < 1 || month > 12) throw new TimeFault('month must be in 1..12');
  const length = month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  if (day < 1 || day > length) throw new TimeFault('day is out of range for month');
  return utcDays(year, month, day);
}

interface ClockTime {
  hour: number;
  minute: number;
  second: number;
  micros: number;
  offsetSeconds: number;
}
const MIDNIGHT: ClockTime = { hour: 0, minute: 0, second: 0, micros: 0, offsetSeconds: 0 };

/** `+`, `-` and `Z` begin the offset. */
function readTime(text: string): ClockTime | null {
  const [, clock = '', offset] = /^([\s\S]*?)([-+Z][\s\S]*)?$/.exec(text) ?? [];
  const time = readClock(clock, offset !== undefined);
  if (time === null || offset === undefined) return time;
  if (offset[0] === 'Z') return offset === 'Z' ? time : null;
  const zone = readClock(offset.slice(1), false);
  if (zone === null) return null;
  const whole = zone.hour * 3600 + zone.minute * 60 + zone.second;
  const size = whole === 0 ? 0 : whole + zone.micros / SECOND_US;
  return { ...time, offsetSeconds: offset[0] === '-' ? -size : size };
}

/** HH, HH:MM, HH:MM:SS or without colons, each with a fraction of the second. Before an offset something may be left over, as in Python. */
function readClock(text: string, isBeforeOffset: boolean): ClockTime | null {
  const values = [0, 0, 0];
  let at = 0;
  let hasColons = true;
  for (let part = 0; part < 3; part++) {
    if (!isDigit(text, at) || !isDigit(text, at + 1)) return null;
    values[part] = Number(text.slice(at, at + 2));
    at += 2;
    const mark = text[at++];
    if (part === 0) hasColons = mark === ':';
    if (at >= text.length) return mark === undefined || isBeforeOffset ? clockTime(values, 0) : null;
    if (mark === '.' || mark === ',') break;
    if (!hasColons) at--;
    else if (mark !== ':') return null;
  }
  const [, digits = '', rest = ''] = /^(\d*)([\s\S]*)$/.exec(text.slice(at)) ?? [];
  // Six digits are read, or all that there is; what follows them without being a digit is left over.
  if (digits.length < Math.min(6, text.length - at) || (rest !== '' && !isBeforeOffset)) return null;
  return clockTime(values, Number(digits.slice(0, 6).padEnd(6, '0')));
}

function clockTime([hour = 0, minute = 0, second = 0]: number[], micros: number): ClockTime {
  return { hour, minute, second, micros, offsetSeconds: 0 };
}

function checkClock({ hour, minute, second }: ClockTime): void {
  if (hour > 23) throw new TimeFault('hour must be in 0..23');
  if (minute > 59) throw new TimeFault('minute must be in 0..59');
  if (second > 59) throw new TimeFault('second must be in 0..59');
}

function checkOffset(seconds: number): void {
  if (Math.abs(seconds) < DAY_SECONDS) return;
  throw new TimeFault(
    `offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not ${timedeltaRepr(seconds)}.`,
  );
}

/** Python counts forward from the day below, so only the days are negative. */
function timedeltaRepr(size: number): string {
  const days = Math.floor(size / DAY_SECONDS);
  const micros = Math.round((size - days * DAY_SECONDS) * SECOND_US);
  const parts = { days, seconds: Math.floor(micros / SECOND_US), microseconds: micros % SECOND_US };
  const shown = Object.entries(parts).flatMap(([name, count]) => (count === 0 ? [] : [`${name}=${count}`]));
  return `datetime.timedelta(${shown.join(', ')})`;
}
