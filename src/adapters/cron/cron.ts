import { Cron as Croner } from 'croner';
import type { PlannedTimes, Schedule } from '../../core/schedule.ts';
import { isTimezone } from '../../core/timezone.ts';
import type { Cron, ScheduleReading } from '../../ports/cron.ts';

const MAX_CHARS = 200;
const FIELDS = 'Takes five fields: minute, hour, day of month, month and day of week, or six with seconds first, as "30 7 * * MON-FRI"';

/** Cron expressions as croner reads them, without its extensions that are no schedule: dates, years, @reboot. */
export const cron: Cron = {
  read(schedule, at) {
    if (!isTimezone(schedule.timezone))
      return { ok: false, member: 'timezone', detail: 'Is no time zone; takes a name such as UTC, Europe/London or America/Chicago' };
    const fault = shapeFault(schedule.cron);
    if (fault !== null) return { ok: false, member: 'cron', detail: fault };
    return readChecked(schedule, at);
  },
};

function readChecked(schedule: Schedule, at: number): ScheduleReading {
  try {
    const times = timesOf(schedule);
    if (times.after(at) === null) return { ok: false, member: 'cron', detail: 'Never comes: no day is like that' };
    return { ok: true, times };
  } catch (error) {
    return { ok: false, member: 'cron', detail: plain(error) };
  }
}

/** croner also takes dates and a seventh field for the year. A nickname such as @daily is one word. */
function shapeFault(expression: string): string | null {
  if (expression.length > MAX_CHARS) return `Takes at most ${MAX_CHARS} characters`;
  const words = expression.trim().split(/\s+/);
  const hasShape = words.length === 1 ? /^@(?!reboot)[a-z]+$/i.test(expression) : words.length === 5 || words.length === 6;
  return hasShape ? null : FIELDS;
}

/** "CronPattern: Invalid value for minute: 60" becomes "Invalid value for minute: 60". */
function plain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^Cron\w*: /, '').replace(/\.$/, '');
}

/** A pattern takes 80 kB in croner and 30 µs to read: with thousands of schedules it is better read anew than kept. */
function timesOf({ cron: expression, timezone }: Schedule): PlannedTimes {
  const open = (): Croner => new Croner(expression, { timezone, paused: true, mode: '5-or-6-parts' });
  return {
    after: (at) => open().nextRun(new Date(at))?.getTime() ?? null,
    // One that is planned for this very millisecond counts.
    upTo: (at) =>
      open()
        .previousRuns(1, new Date(at + 1))[0]
        ?.getTime() ?? null,
  };
}
