import { type ScheduledTask, schedule } from 'node-cron';
import type { Ticker } from '../../ports/ticker.ts';

const SILENCE_MS = 2_500;

/**
 * node-cron walks through every instant that a jump of the clock passed over, which takes seconds for a day of seconds, and says nothing for
 * an hour when the clock is put back by one. So it is never given more than one instant, the next second as a date, and a timer, which
 * knows no clock, gives it the next one when it stays silent.
 */
export const nodeCronTicker: Ticker = {
  start(tick) {
    let task: ScheduledTask | null = null;
    let silence: NodeJS.Timeout | null = null;

    const disarm = (): void => {
      void task?.destroy();
      if (silence !== null) clearTimeout(silence);
    };
    const ring = (): void => {
      arm();
      tick();
    };
    const arm = (): void => {
      disarm();
      task = schedule(expressionOf(new Date(Date.now() + 1_000)), ring, { timezone: 'UTC', suppressMissedWarning: true });
      task.unref();
      silence = setTimeout(ring, SILENCE_MS).unref();
    };

    arm();
    return disarm;
  },
};

function expressionOf(at: Date): string {
  return `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
}
