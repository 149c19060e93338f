import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { LEASE_MS, type Queue } from '../ports/queue.ts';

/** This server's hold on what it has leased. */
export interface Hold {
  /** Whether others must keep their hands off; false until the first renewal, and after a lease in which none came through. */
  readonly isKept: boolean;
  stop(): void;
}
export interface HoldOptions {
  queue: Pick<Queue, 'renew'>;
  clock: Clock;
  log: Log;
  /** It was lost: whatever is in memory may be another server's now. */
  onLost(): void;
  /** It is kept for the first time, or again. */
  onKept(): void;
}

const RENEW_MS = LEASE_MS / 3;
const AGAIN_MS = 1_000;

/**
 * Renews the hold every third of a lease, by elapsed time: a clock that is set changes nothing. Handlers run in other processes and cannot
 * hold the timer up. The hold counts as lost a lease after the last renewal that came through was *sent*, which is before others take over.
 */
export function keepHold({ queue, clock, log, onLost, onKept }: HoldOptions): Hold {
  let isKept = false;
  let isStopped = false;
  let cancelExpiry = (): void => {};
  let cancelNext = (): void => {};
  let beats = 0;

  function lose(why: string): void {
    cancelExpiry();
    if (!isKept || isStopped) return;
    isKept = false;
    log('warn', 'the hold on leased executions was lost', { why });
    onLost();
  }

  function keep(expiry: () => void): void {
    cancelExpiry();
    cancelExpiry = expiry;
    if (isKept) return;
    isKept = true;
    onKept();
  }

  function beat(): void {
    const number = ++beats;
    const expiry = clock.after(LEASE_MS, () => lose('no renewal came through for a lease'));
    // An answer that does not come is as good as none: the next beat does not wait for it.
    const next = (ms: number): void => {
      cancelNext();
      if (!isStopped) cancelNext = clock.after(ms, beat);
    };
    next(RENEW_MS);
    queue.renew(clock.now()).then(
      (kept) => {
        if (isStopped || number !== beats) return expiry();
        if (kept) return keep(expiry);
        expiry();
        lose('others may have taken over');
        next(AGAIN_MS);
      },
      (error: unknown) => {
        expiry();
        if (isStopped || number !== beats) return;
        log('warn', 'the hold on leased executions was not renewed', { error });
        next(AGAIN_MS);
      },
    );
  }
  beat();

  return {
    get isKept() {
      return isKept;
    },
    stop() {
      isStopped = true;
      cancelNext();
      cancelExpiry();
    },
  };
}
