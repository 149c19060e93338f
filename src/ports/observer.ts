import type { DeliveryKind, DeliveryState } from '../core/delivery.ts';
import type { FailureReason } from '../core/execution.ts';
import type { Leased } from './queue.ts';

/** One attempt whose outcome the store has taken, or has refused because the lease was lost. */
export interface EndedAttempt {
  item: Leased;
  result: 'succeeded' | 'retried' | 'dead' | 'lease_lost';
  /** Why it failed; null when it did not. */
  reason: FailureReason | null;
  /** Milliseconds since the epoch, with fraction. */
  startedAt: number;
  finishedAt: number;
  /** Events that it emitted and that are stored now. */
  emitted: number;
}

/** Is told what the engine does, as it happens, for figures and traces. Called on the hot path: it counts, and never throws. */
export interface Observer {
  attemptEnded(attempt: EndedAttempt): void;
  /** `pending`: it will be tried again. */
  mailEnded(kind: DeliveryKind, state: DeliveryState): void;
}
