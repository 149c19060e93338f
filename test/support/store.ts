import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../src/adapters/sqlite/store.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** A real SQLite store in a temporary folder, which goes when the last store on it is disposed. */
export interface TestStore extends SqliteStore {
  [Symbol.asyncDispose](): Promise<void>;
  folder: string;
  /** As after a stop and a start of the server: the same data, nothing in memory. This store is closed. */
  reopen(): Promise<TestStore>;
  /** Takes everything out behind the store's back, which is quicker than to open another one. */
  clear(): Promise<void>;
}

export async function openTestStore(options: Partial<SqliteStoreOptions> = {}): Promise<TestStore> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'hookwright-store-'));
  const store = await openSqliteStore({ durability: 'normal', readers: 1, release: 'test', now: Date.now, ...options, folder });
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (!isClosed) await store[Symbol.asyncDispose]();
    isClosed = true;
  };
  return {
    ...store,
    folder,
    async reopen() {
      await close();
      return openTestStore({ ...options, folder });
    },
    async clear() {
      using db = new DatabaseSync(join(folder, DATABASE_FILE), { timeout: 5_000 });
      const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
      db.exec(`PRAGMA synchronous = OFF; BEGIN IMMEDIATE; ${tables.map(({ name }) => `DELETE FROM ${name};`).join(' ')} COMMIT;`);
    },
    async [Symbol.asyncDispose]() {
      const wasClosed = isClosed;
      await close();
      if (!wasClosed) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Time that passes only when it is told to. */
export class HandClock implements Clock {
  readonly timers = new Set<{ at: number; run: () => void }>();
  #now: number;
  #jumped = 0;

  constructor(start = Date.UTC(2026, 2, 1)) {
    this.#now = start;
  }
  now = (): number => this.#now;
  elapsed = (): number => this.#now - this.#jumped;
  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }
  /** As when the machine's clock is set: no timer knows of it. */
  jump(ms: number): void {
    this.#now += ms;
    this.#jumped += ms;
    const timers = [...this.timers];
    this.timers.clear();
    for (const timer of timers) this.timers.add(Object.assign(timer, { at: timer.at + ms }));
  }
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
  /** When the next timer rings, or null when none is set. */
  get nextAt(): number | null {
    return this.#next(Number.POSITIVE_INFINITY)?.at ?? null;
  }
  #next(end: number): { at: number; run: () => void } | null {
    let first: { at: number; run: () => void } | null = null;
    for (const timer of this.timers) if (timer.at <= end && (first === null || timer.at < first.at)) first = timer;
    return first;
  }
}
