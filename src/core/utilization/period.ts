import { DAY_US, givenTime, instantOf, isoText } from './iso-time.ts';
import type { UtilizationRequest } from './request.ts';
import type { ActivitySource } from './source.ts';
import type { Span } from './windows.ts';

const MINUTE_US = 60_000_000;

/** Reads a time that may be missing. */
function optionalTime(text: string | null): number | null {
  return text === null || text === '' ? null : givenTime(text);
}

/** M44: both given, they are used; one given, a day from or up to it; none given, from the first to the last event, or the last day when there are none. */
export async function analysisPeriod(request: UtilizationRequest, source: ActivitySource, nowUs: number): Promise<Span> {
  const [startUs, endUs] = [optionalTime(request.startTime), optionalTime(request.endTime)];
  if (startUs !== null && endUs !== null) return { startUs, endUs };
  if (startUs !== null) return { startUs, endUs: startUs + DAY_US };
  if (endUs !== null) return { startUs: endUs - DAY_US, endUs };
  const ends = await source.ends();
  const [first, last] = ends === null ? [null, null] : [instantOf(ends.first), instantOf(ends.last)];
  if (first === null || last === null) return { startUs: nowUs - DAY_US, endUs: nowUs };
  return { startUs: first.us - MINUTE_US, endUs: last.us + MINUTE_US };
}

/** The two times that a report of periods needs. */
export function requiredPeriod(request: UtilizationRequest): Span | { error: string; details: string } {
  const [startUs, endUs] = [optionalTime(request.startTime), optionalTime(request.endTime)];
  if (startUs === null || endUs === null)
    return { error: 'start_time and end_time are required', details: 'Both parameters must be provided as ISO strings' };
  if (startUs < endUs) return { startUs, endUs };
  const shown = (us: number): string => isoText(us).replace('T', ' ');
  return {
    error: 'Invalid analysis time period: start time must be before end time',
    details: `Start time ${shown(startUs)} >= end time ${shown(endUs)}`,
  };
}
