import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

export interface ClockWatchOptions {
  clock: Clock;
  log: Log;
  /**
   * The clock was put back by so much. Called again at the next look, for what was on its way to the store in between; and when it throws,
   * with what has been added meanwhile.
   */
  onPutBack(byMs: number): Promise<void>;
}

const LOOK_MS = 5_000;
/** Clocks that are kept right by small corrections go back by less. */
const TOLERANCE_MS = 250;

/** The watch, and the clock to go by: each look at it is noted, so that none is missed that is ahead only between two looks of the watch. */
export interface ClockWatch {
  clock: Clock;
  stop(): void;
}

/** Looks at intervals whether the clock was put back, by comparing it with the time that has passed. One that was put ahead makes nobody wait. */
export function watchClock({ clock, log, onPutBack }: ClockWatchOptions): ClockWatch {
  let ahead = clock.now() - clock.elapsed();
  let owedMs = 0;
  let againMs = 0;
  let isStopped = false;
  let cancel = (): void => {};

  async function look(): Promise<void> {
    const seen = clock.now() - clock.elapsed();
    const byMs = ahead - seen;
    ahead = seen;
    if (byMs > TOLERANCE_MS) {
      log('warn', 'the clock was put back', { by_ms: Math.round(byMs) });
      owedMs += byMs;
    }
    if (owedMs + againMs > 0) {
      try {
        await onPutBack(Math.ceil(owedMs + againMs));
        againMs = owedMs;
        owedMs = 0;
      } catch (error) {
        log('warn', 'what waits could not be brought forward; it is tried again', { error });
      }
    }
    if (!isStopped) cancel = clock.after(LOOK_MS, () => void look());
  }

  cancel = clock.after(LOOK_MS, () => void look());
  return {
    clock: {
      now() {
        const at = clock.now();
        ahead = Math.max(ahead, at - clock.elapsed());
        return at;
      },
      elapsed: () => clock.elapsed(),
      after: (ms, run) => clock.after(ms, run),
    },
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
