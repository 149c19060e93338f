/** Schedules of handlers as they are sent and answered. */
import { z } from 'zod';
import type { Schedule } from '../../core/schedule.ts';
import { InstantText, instantText } from './listing.ts';
import { printable } from './printable.ts';
import { strict } from './strict.ts';

/** How many of the next runs an answer shows. */
export const SHOWN_RUNS = 5;

export const ScheduleInput = strict({
  cron: printable(200).meta({
    description: 'Minute, hour, day of month, month, day of week; with six fields seconds come first.',
    example: '30 7 * * MON-FRI',
  }),
  timezone: printable(100).default('UTC').meta({ description: 'Whose clock it is; right when clocks change.', example: 'Europe/Berlin' }),
})
  .nullable()
  .meta({ description: 'When it runs: for handlers on schedule.cron, and only for them.' });

export const ScheduleView = z
  .object({ cron: z.string(), timezone: z.string() })
  .nullable()
  .meta({ description: 'Null for handlers on other hooks.' });

export const NextRunAt = InstantText.nullable().meta({
  description: 'When its schedule fires next; null without one, or while it is not enabled.',
});
export const NextRuns = z.array(InstantText).meta({ description: `The next ${SHOWN_RUNS} instants of its schedule.` });

export function presentSchedule(schedule: Schedule | undefined): object | null {
  return schedule === undefined ? null : { cron: schedule.cron, timezone: schedule.timezone };
}

export function presentRuns(runs: readonly number[]): string[] {
  return runs.map(instantText);
}
