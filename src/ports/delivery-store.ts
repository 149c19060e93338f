import type { Delivery, DeliveryKind, DeliveryState } from '../core/delivery.ts';
import type { Page, PageRequest } from '../core/page.ts';

/** Longer than any mail may take. */
export const DELIVERY_LEASE_MS = 240_000;

/** Alerts may have a mail server of their own: then each of the two is sent by itself, and neither waits for the other's server. `all` unless said. */
export type DeliveryLane = 'all' | 'alerts' | 'others';

/** The durable outbox. New deliveries arrive with `Queue.settle`, in the commit of their outcome. */
export interface DeliveryStore {
  /**
   * Pending deliveries whose time has come, oldest due first. Where the store is shared they are taken: no other server is given them
   * within `DELIVERY_LEASE_MS`, and a `record` of a server that was too late changes nothing.
   */
  due(now: number, limit: number, lane?: DeliveryLane): Promise<Delivery[]>;
  /** When the next pending delivery is due, or null when none waits. */
  nextDueAt(lane?: DeliveryLane): Promise<number | null>;
  /** Notes how attempts ended, all in one commit. Deliveries that are no longer pending stay as they are. */
  record(results: readonly DeliveryAttempt[]): Promise<void>;
  /** Sets a sent or failed delivery back to pending, due at once: 'requeued', 'pending' when it still waits, 'absent'. */
  resend(id: string, now: number): Promise<'requeued' | 'pending' | 'absent'>;
  /** How many are pending, by kind; what it costs does not grow with those that are not. */
  waiting(): Promise<Partial<Record<DeliveryKind, number>>>;
  get(id: string): Promise<Delivery | null>;
  /** Newest first; without attachments. */
  list(filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>>;
}
export interface DeliveryFilter {
  executionId?: string;
  state?: DeliveryState;
}
/** `attempts` is the count after this one; `nextAt` is set when it stays pending. */
export interface DeliveryAttempt {
  id: string;
  state: DeliveryState;
  attempts: number;
  nextAt: number | null;
  lastError: string | null;
  sentAt: number | null;
}
