/** When something is to run: a cron expression, read in a time zone. */
export interface Schedule {
  /** Minute, hour, day of month, month and day of week; with six fields seconds come first. */
  cron: string;
  /** A name such as Europe/London. */
  timezone: string;
}

/** The instants of a schedule, in milliseconds since the epoch. */
export interface PlannedTimes {
  /** The first one later than `at`; null when none comes any more. */
  after(at: number): number | null;
  /** The last one at or before `at`; null when there was none. */
  upTo(at: number): number | null;
}

/** The next `count` instants after `at`, as far as there are so many. */
export function nextTimes(times: PlannedTimes, at: number, count: number): number[] {
  const found: number[] = [];
  for (let next = times.after(at); next !== null && found.length < count; next = times.after(next)) found.push(next);
  return found;
}
