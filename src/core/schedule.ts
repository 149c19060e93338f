/** When something is to run: a cron expression, read in a time zone. */
export interface Schedule {
  /** Minute, hour, day of month, month and day of week; with six fields seconds come first. */
  cron: string;
  /** A name such as Europe/London. */
  timezone: string;
}

/** The hook whose handlers each have a schedule of their own. */
export const SCHEDULE_HOOK = 'schedule.cron';

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
  for (let last = at; found.length < count; ) {
    const next = times.after(last);
    if (next === null) break;
    found.push(next);
    last = next;
  }
  return found;
}

/** Where the schedule of one handler stands: kept for as long as there is the handler, so that a stop loses no run. */
export interface PlannedRun {
  handlerId: number;
  /** What this was planned for: a handler whose schedule is another one by now is planned anew. */
  stamp: string;
  /** The instant that fires next; null: none comes any more. */
  nextAt: number | null;
  /** The instant that fired last; null: none has yet. */
  previousAt: number | null;
}

/**
 * What is planned for a handler whose schedule has this stamp; `since` is when the handler last changed. Under another schedule, and after it
 * was switched off, nothing of the time before is made up for. A run that lies further ahead than the next instant after `now` was planned by
 * a clock that has been put back, and comes nearer.
 */
export function planRun(
  known: PlannedRun | null,
  handler: { id: number; stamp: string; since: number },
  times: PlannedTimes,
  now: number,
): PlannedRun {
  const previousAt = known?.previousAt ?? null;
  const next = times.after(now);
  if (known?.stamp === handler.stamp) return { ...known, nextAt: earlier(known.nextAt, next) };
  const nextAt = handler.since < now ? times.after(handler.since) : next;
  return { handlerId: handler.id, stamp: handler.stamp, nextAt, previousAt };
}

/** What is planned for a handler that is switched off: nothing, so that it is planned anew when it is switched on. */
export function parkRun(known: PlannedRun): PlannedRun {
  return { ...known, stamp: '', nextAt: null };
}

/**
 * The instant that is to fire now, and what is planned after it; null while it is not time. Of several that were missed only the last fires:
 * nobody wants a week's reports of one kind at once because a server was down, or its clock jumped.
 */
export function dueRun(run: PlannedRun, times: PlannedTimes, now: number): { at: number; after: PlannedRun } | null {
  if (run.nextAt === null || run.nextAt > now) return null;
  const at = Math.max(run.nextAt, times.upTo(now) ?? run.nextAt);
  return { at, after: { ...run, nextAt: times.after(now), previousAt: at } };
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
