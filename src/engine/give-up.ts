import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Queue } from '../ports/queue.ts';
import type { Ready } from './ready.ts';

/** Gives leases of one handler back to the store. Never throws. */
export type GiveUp = (handlerId: number, items: readonly Ready[]) => Promise<void>;

const STORE_RETRY_MS = 500;

/** Without this they would be found again at the next start, as lost: so it tries again, but a stop does not wait for a store that fails. */
export function giveUp(o: {
  queue: Pick<Queue, 'settle'>;
  clock: Clock;
  log: Log;
  isOver(): boolean;
  /** They are pending in the store, from `at` on. */
  done(handlerId: number, at: number): void;
}): GiveUp {
  return async function give(handlerId, items) {
    try {
      await o.queue.settle(items.map(({ lease }) => ({ kind: 'released', lease })));
      o.done(handlerId, Math.min(...items.map((item) => item.runAt)));
    } catch (error) {
      o.log('warn', 'giving back executions failed', { handlerId, error });
      if (!o.isOver()) o.clock.after(STORE_RETRY_MS, () => void give(handlerId, items));
    }
  };
}
