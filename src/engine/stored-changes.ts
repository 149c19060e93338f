import type { Handler } from '../core/handler.ts';
import type { HandlerStore } from '../ports/handler-store.ts';
import type { HandlerChange } from './handlers.ts';

export interface StoredChange {
  /** As the store has it; a removed one as it was known. */
  handler: Handler;
  change: HandlerChange;
}

/** Finds what other servers changed among the stored handlers. */
export class StoredChanges {
  readonly #store: HandlerStore;
  readonly #known: ReadonlyMap<number, Handler>;
  /** Ids that changed here since the look under way began: what it reads of them may be older than what is known. */
  readonly #newer = new Set<number>();
  #stamp: string | null = null;
  #looking: Promise<StoredChange[]> | null = null;

  constructor(store: HandlerStore, known: ReadonlyMap<number, Handler>) {
    this.#store = store;
    this.#known = known;
  }

  /** This server itself changed what is known of this handler. */
  note(id: number): void {
    if (this.#looking !== null) this.#newer.add(id);
  }

  /** What differs now; reading begins after the call. One look at a time. */
  async look(): Promise<StoredChange[]> {
    while (this.#looking !== null) await this.#looking.catch(() => {});
    this.#newer.clear();
    const looking = this.#compare();
    this.#looking = looking;
    try {
      return await looking;
    } finally {
      this.#looking = null;
    }
  }

  async #compare(): Promise<StoredChange[]> {
    const stamp = (await this.#store.stamp?.()) ?? null;
    if (stamp !== null && stamp === this.#stamp) return [];
    const stored = await this.#store.all();
    // What was passed over is looked at again next time.
    this.#stamp = this.#newer.size === 0 ? stamp : null;
    const there = new Set(stored.map(({ id }) => id));
    const removed = [...this.#known.values()].filter(({ id }) => !there.has(id));
    return [
      ...stored.flatMap((handler) => this.#differing(handler)),
      ...removed.filter(({ id }) => !this.#newer.has(id)).map((handler) => ({ handler, change: 'removed' as const })),
    ];
  }

  #differing(handler: Handler): StoredChange[] {
    const known = this.#known.get(handler.id);
    if (this.#newer.has(handler.id)) return [];
    if (known === undefined || known.current.version !== handler.current.version) return [{ handler, change: 'put' }];
    return known.enabled === handler.enabled ? [] : [{ handler, change: 'state' }];
  }
}
