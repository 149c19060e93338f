import { EngineError } from '../../core/errors.ts';

interface Waiting<Item, Result> {
  items: readonly Item[];
  resolve(results: Result[]): void;
  reject(error: unknown): void;
}
export interface BatchBounds<Item> {
  /** How many items one batch may have, unless a single call brings more. */
  items: number;
  /** How much one batch may weigh. */
  weight: number;
  weigh(item: Item): number;
}

/** Two batches at the database: one being committed, one on its way, so that it is never idle. */
const BATCHES_UNDER_WAY = 2;
const MAX_WAITING = 100_000;

/** Gathers the calls of a turn, and of the time that earlier batches take, into one batch. Each call gets the results of its own items. */
export class Batcher<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Result[]>;
  readonly #bounds: BatchBounds<Item>;
  #waiting: Waiting<Item, Result>[] = [];
  #waitingItems = 0;
  #underWay = 0;
  #scheduled = false;

  constructor(bounds: BatchBounds<Item>, run: (items: Item[]) => Promise<Result[]>) {
    this.#run = run;
    this.#bounds = bounds;
  }

  call(items: readonly Item[]): Promise<Result[]> {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      if (this.#waitingItems >= MAX_WAITING) return reject(new EngineError('overloaded', 'Too many writes are waiting.'));
      this.#waiting.push({ items, resolve, reject });
      this.#waitingItems += items.length;
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#start();
      });
    });
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#underWay < BATCHES_UNDER_WAY) void this.#send(this.#take());
  }

  #take(): Waiting<Item, Result>[] {
    const batch: Waiting<Item, Result>[] = [];
    let [count, weight] = [0, 0];
    for (const call of this.#waiting) {
      const heavier = call.items.reduce((sum, item) => sum + this.#bounds.weigh(item), weight);
      if (batch.length > 0 && (count + call.items.length > this.#bounds.items || heavier > this.#bounds.weight)) break;
      batch.push(call);
      count += call.items.length;
      weight = heavier;
    }
    this.#waiting = this.#waiting.slice(batch.length);
    this.#waitingItems -= count;
    return batch;
  }

  async #send(batch: Waiting<Item, Result>[]): Promise<void> {
    this.#underWay++;
    try {
      const results = await this.#run(batch.flatMap(({ items }) => items));
      let from = 0;
      for (const { items, resolve } of batch) {
        resolve(results.slice(from, from + items.length));
        from += items.length;
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#underWay--;
      this.#start();
    }
  }
}
