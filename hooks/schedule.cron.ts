import { z } from 'zod';
import { defineHook } from '../src/core/hook.ts';
import { SCHEDULE_HOOK } from '../src/core/schedule.ts';

const ScheduledRun = z
  .looseObject({
    scheduled_at: z.iso.datetime().meta({ description: 'The instant of the schedule that this run is for, in UTC.' }),
    previous_at: z.iso.datetime().nullable().meta({ description: 'The one that ran before; null for the first.' }),
    timezone: z.string(),
    cron: z.string(),
  })
  .meta({ title: 'ScheduledRun', description: 'An instant of the schedule of this handler.' });

export const scheduleCron = defineHook({
  name: SCHEDULE_HOOK,
  fires: 'at each instant of the schedule that the handler was registered with, and for that handler alone',
  kind: 'engine',
  payload: ScheduledRun,
  typings: `interface ScheduledRun {
  /** The instant of the schedule that this run is for: ISO 8601, UTC. It may be past when a server was down. */
  scheduled_at: string;
  /** The one that ran before; null for the first. */
  previous_at: string | null;
  /** As the handler was registered. */
  timezone: string;
  cron: string;
}
type Payload = ScheduledRun;
`,
  sample: `{
    "scheduled_at": "2026-03-02T06:30:00.000Z",
    "previous_at": "2026-03-01T06:30:00.000Z",
    "timezone": "Europe/Berlin",
    "cron": "30 7 * * *"
  }`,
});
