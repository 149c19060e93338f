/** Hours, days, weeks and months of a time zone, right across changes of clocks (M48, M49). */
import { DAY_US, HOUR_US, TimeFault } from './iso-time.ts';
import type { Span } from './windows.ts';

export interface Bucket extends Span {
  kind: 'day' | 'week' | 'month' | 'period';
  /** How it is shown: 2025-03-04, Week of 2025-03-03, March 2025, 2025-03-04 05:00. */
  display: string;
  /** The day or month, and the local time it begins at; empty where MADSci says nothing of them. */
  date: string;
  localStart: string;
}

export type AnalysisType = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'other';
const NAMES: ReadonlySet<string> = new Set<AnalysisType>(['hourly', 'daily', 'weekly', 'monthly']);
export const analysisTypeOf = (text: string): AnalysisType => (NAMES.has(text) ? (text as AnalysisType) : 'other');

/** More than two years of hours. */
const MAX_BUCKETS = 20_000;

/** The buckets that the span touches. Days and months begin and end with it; weeks, and the days of other types, end with it. */
export function bucketsOf(span: Span, type: AnalysisType, zoneName: string): Bucket[] {
  const length = type === 'hourly' ? HOUR_US : type === 'weekly' ? 7 * DAY_US : DAY_US;
  if ((span.endUs - span.startUs) / length > MAX_BUCKETS)
    throw new TimeFault(`more than ${MAX_BUCKETS} periods: ask for a shorter time, or for longer periods`);
  const zone = knownZone(zoneName);
  if (type === 'hourly') return hours(span, zone);
  const buckets = calendarBuckets(span, type, zone);
  const isClipped = type === 'daily' || type === 'monthly';
  if (isClipped) for (const bucket of buckets) bucket.startUs = Math.max(bucket.startUs, span.startUs);
  return buckets;
}

/** An offset such as +02:00 is no name of a zone, although Temporal takes it. */
function knownZone(name: string): string {
  try {
    return /^[a-z][\w+/-]*$/i.test(name) ? momentIn(0, name).timeZoneId : 'UTC';
  } catch {
    return 'UTC';
  }
}

const momentIn = (us: number, zone: string): Temporal.ZonedDateTime => new Temporal.ZonedDateTime(BigInt(Math.floor(us)) * 1000n, zone);

/** Hours on the dot of the start, each with the clock it shows there. */
function hours({ startUs, endUs }: Span, zone: string): Bucket[] {
  const buckets: Bucket[] = [];
  for (let us = startUs; us < endUs; us += HOUR_US) {
    const local = momentIn(us, zone).toPlainDateTime();
    const display = `${local.toPlainDate()} ${local.toPlainTime().toString({ smallestUnit: 'minute' })}`;
    buckets.push({ startUs: us, endUs: Math.min(us + HOUR_US, endUs), kind: 'period', display, date: '', localStart: '' });
  }
  return buckets;
}

function calendarBuckets({ startUs, endUs }: Span, type: AnalysisType, zone: string): Bucket[] {
  const buckets: Bucket[] = [];
  let date = firstDate(momentIn(startUs, zone).toPlainDate(), type);
  let start = date.toZonedDateTime(zone);
  while (microseconds(start) < endUs) {
    const nextDate = date.add(type === 'monthly' ? { months: 1 } : type === 'weekly' ? { weeks: 1 } : { days: 1 });
    const next = nextDate.toZonedDateTime(zone);
    const [us, nextUs] = [microseconds(start), microseconds(next)];
    // A zone may leave out a whole day.
    if (nextUs > us) buckets.push({ startUs: us, endUs: Math.min(nextUs, endUs), ...labels(date, start, type) });
    [date, start] = [nextDate, next];
  }
  return buckets;
}

const microseconds = (moment: Temporal.ZonedDateTime): number => Number(moment.epochNanoseconds / 1000n);

function firstDate(date: Temporal.PlainDate, type: AnalysisType): Temporal.PlainDate {
  if (type === 'monthly') return date.with({ day: 1 });
  return type === 'weekly' ? date.subtract({ days: date.dayOfWeek - 1 }) : date;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

function labels(date: Temporal.PlainDate, start: Temporal.ZonedDateTime, type: AnalysisType): Omit<Bucket, keyof Span> {
  const day = date.toString();
  const localStart = start.toPlainDateTime().toString({ smallestUnit: 'second' });
  if (type === 'daily') return { kind: 'day', display: day, date: day, localStart };
  if (type === 'weekly') return { kind: 'week', display: `Week of ${day}`, date: '', localStart: '' };
  if (type === 'monthly') return { kind: 'month', display: `${MONTHS[date.month - 1]} ${date.year}`, date: day.slice(0, -3), localStart };
  return { kind: 'day', display: day, date: '', localStart: '' };
}
