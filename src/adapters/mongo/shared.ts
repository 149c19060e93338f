import type { Topic } from '../../ports/signals.ts';
import type { Collections } from './connect.ts';
import type { Presence } from './presence.ts';
import type { Sequence } from './sequence.ts';
import type { Tidier } from './tidier.ts';

/** What the parts of the store have in common. */
export interface Shared {
  all: Collections;
  sequence: Sequence;
  presence: Presence;
  stranded: Stranded;
  /** Ids of events and firings whose planned executions exist. */
  plansDone: Tidier<{ kind: 'event' | 'firing'; id: string }>;
  /** Tells other servers, soon and without waiting for it. */
  signal(topic: Topic): void;
}

/** How long a write that was given up may still reach the database. */
const KEPT_MS = 60_000;

/**
 * Events and firings of which this server does not know whether they were written, as the database did not answer in time. Their caller
 * was told that it failed, so nobody here runs what they planned: recovery puts it into the queue, should they turn up.
 */
export class Stranded {
  readonly #until = new Map<string, number>();

  add(ids: readonly string[]): void {
    for (const id of ids) this.#until.set(id, performance.now() + KEPT_MS);
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#until.delete(id);
  }

  ids(): string[] {
    const now = performance.now();
    for (const [id, until] of this.#until) if (until < now) this.#until.delete(id);
    return [...this.#until.keys()];
  }
}
