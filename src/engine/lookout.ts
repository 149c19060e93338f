import type { Clock } from '../ports/clock.ts';

export interface LookoutOptions {
  /** Never more than this apart, but for the time that a look takes. */
  everyMs: number;
  clock: Clock;
  /** Numbers from 0 up to 1, so that servers do not all look at the same moment. */
  random(): number;
  look(): Promise<unknown>;
  report(error: unknown): void;
}
/** Looks at something that others change. */
export interface Lookout {
  /** Something may have changed: looks soon. */
  hint(): void;
  stop(): void;
}

const GAP_MS = 200;
/** Looking takes a tenth of the time at most, as far as `everyMs` allows it. */
const REST = 9;

/** At intervals, and soon after a hint; one look at a time, and at most one per `GAP_MS`. A look that fails is followed by the next one. */
export function lookout({ everyMs, clock, random, look, report }: LookoutOptions): Lookout {
  let isLooking = false;
  let isStopped = false;
  let wasHinted = false;
  let mayLook = true;
  let cancelTimer = (): void => {};

  function plan(ms: number, run: () => void): void {
    cancelTimer();
    if (!isStopped) cancelTimer = clock.after(ms, run);
  }

  async function turn(): Promise<void> {
    isLooking = true;
    wasHinted = false;
    const startedAt = clock.now();
    await look().catch(report);
    isLooking = false;
    mayLook = false;
    const took = Math.max(0, clock.now() - startedAt);
    const rest = Math.min(everyMs, Math.max(GAP_MS, REST * took));
    plan(rest, () => {
      mayLook = true;
      if (wasHinted) return void turn();
      plan(Math.max(0, everyMs * (0.75 + 0.25 * random()) - rest), () => void turn());
    });
  }

  plan(everyMs * random(), () => void turn());
  return {
    hint() {
      if (wasHinted || isStopped) return;
      wasHinted = true;
      if (mayLook && !isLooking) plan((GAP_MS / 4) * random(), () => void turn());
    },
    stop() {
      isStopped = true;
      cancelTimer();
    },
  };
}
