import type { SandboxHandler } from '../../ports/sandbox.ts';

interface Warm {
  handler: SandboxHandler;
  /** Batches that use it now. */
  jobs: number;
  isStale: boolean;
}

/**
 * The isolates that one runner holds, in the order of their last use. It is kept on the server's side, and messages arrive in order, so
 * both always agree on what is loaded.
 */
export class WarmSet {
  readonly #bounds: { warmIsolates: number; warmMemoryMb: number };
  readonly #drop: (key: string) => void;
  readonly #isolates = new Map<string, Warm>();

  constructor(bounds: { warmIsolates: number; warmMemoryMb: number }, drop: (key: string) => void) {
    this.#bounds = bounds;
    this.#drop = drop;
  }

  /** Answers whether the isolate must be loaded first. Drops those idle longest to make room for it; those at work stay. */
  use(key: string, handler: SandboxHandler): boolean {
    const known = this.#isolates.get(key);
    this.#isolates.delete(key);
    if (known === undefined) this.#makeRoom(handler.memoryMb);
    const warm = known ?? { handler, jobs: 0, isStale: false };
    warm.jobs++;
    this.#isolates.set(key, warm);
    return known === undefined;
  }

  done(key: string): void {
    const warm = this.#isolates.get(key);
    if (warm === undefined) return;
    warm.jobs--;
    if (warm.jobs === 0 && warm.isStale) this.#remove(key);
  }

  /** The runner has dropped it by itself. */
  lost(key: string): void {
    this.#isolates.delete(key);
  }

  /** The isolates of this handler are of no use for batches to come. */
  evict(handlerId: number): void {
    for (const [key, warm] of this.#isolates) {
      if (warm.handler.id !== handlerId) continue;
      if (warm.jobs === 0) this.#remove(key);
      else warm.isStale = true;
    }
  }

  /** Megabytes that the isolates may use at most: isolated-vm lets a busy one overshoot its limit. */
  get allowanceMb(): number {
    let total = 0;
    for (const { handler, jobs } of this.#isolates.values()) total += Math.max(handler.memoryMb, 8) * (jobs > 0 ? 3 : 1);
    return total;
  }

  #makeRoom(memoryMb: number): void {
    let total = memoryMb;
    for (const { handler } of this.#isolates.values()) total += handler.memoryMb;
    for (const [key, { handler, jobs }] of this.#isolates) {
      if (this.#isolates.size < this.#bounds.warmIsolates && total <= this.#bounds.warmMemoryMb) return;
      if (jobs > 0) continue;
      total -= handler.memoryMb;
      this.#remove(key);
    }
  }

  #remove(key: string): void {
    this.#isolates.delete(key);
    this.#drop(key);
  }
}
