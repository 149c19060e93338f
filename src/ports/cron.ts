import type { PlannedTimes, Schedule } from '../core/schedule.ts';

/** `detail` says in words for whoever wrote it what is wrong with the named member. */
export type ScheduleReading = { ok: true; times: PlannedTimes } | { ok: false; member: keyof Schedule; detail: string };

export interface Cron {
  /**
   * Reads a schedule. Where clocks are put back, a single time of day runs once, at its first occurrence, and intervals go on in real time;
   * where they are put forward, a single time of day that is skipped runs at the moment of the change, and intervals have nothing to run in the gap.
   * A schedule that never comes, as 30 February, is refused. `at`: milliseconds since the epoch.
   */
  read(schedule: Schedule, at: number): ScheduleReading;
}
