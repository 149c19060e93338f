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
  /** How many writes of an id have not been answered. What is being written is nobody else's to complete: this server is about to run it. */
  readonly #underWay = new Map<string, number>();

  /** Runs a write of these. When it fails or takes too long, it may still come to pass. */
  async during<T>(ids: readonly string[], write: () => Promise<T>): Promise<T> {
    for (const id of ids) this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1);
    try {
      return await write();
    } catch (error) {
      for (const id of ids) this.#until.set(id, performance.now() + KEPT_MS);
      throw error;
    } finally {
      for (const id of ids) this.#ended(id);
    }
  }

  /** They are written by a write that was answered. One that was there before may be of a write that was not. */
  remove(ids: readonly string[]): void {
    for (const id of ids) this.#until.delete(id);
  }

  ids(): string[] {
    const now = performance.now();
    for (const [id, until] of this.#until) if (until < now) this.#until.delete(id);
    return [...this.#until.keys()].filter((id) => !this.#underWay.has(id));
  }

  #ended(id: string): void {
    const left = (this.#underWay.get(id) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(id);
    else this.#underWay.set(id, left);
  }
}
