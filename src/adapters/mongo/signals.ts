import type { ChangeStream, Document } from 'mongodb';
import type { Signals, Topic } from '../../ports/signals.ts';
import type { Collections } from './connect.ts';
import { QUICK } from './connect.ts';
import type { SignalDocument } from './documents.ts';

/** Signals of the same topic within this time are one. */
const GATHER_MS = 25;
const POLL_MS = 1_000;

/**
 * One document for each topic, whose count goes up when something changed. Listeners watch them by a change stream, and look at
 * intervals where there is none or it broke.
 */
export class SignalBoard implements Signals, AsyncDisposable {
  readonly #signals: Collections['signals'];
  readonly #canWatch: boolean;
  readonly #listeners = new Set<(topic: Topic) => void>();
  readonly #raised = new Set<Topic>();
  readonly #seen = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #poll: NodeJS.Timeout | null = null;
  #stream: ChangeStream<SignalDocument> | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor({ signals }: Collections, canWatch: boolean) {
    this.#signals = signals;
    this.#canWatch = canWatch;
  }

  raise(topic: Topic): void {
    if (this.#isClosed) return;
    this.#raised.add(topic);
    this.#timer ??= setTimeout(() => this.#write(), GATHER_MS);
  }

  listen(listener: (topic: Topic) => void): () => void {
    this.#listeners.add(listener);
    if (this.#stream === null && this.#poll === null) void this.#begin();
    return () => this.#listeners.delete(listener);
  }

  /** Best effort: who misses a signal looks by itself later. */
  #write(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const operations = [...this.#raised].map((topic) => ({
      updateOne: { filter: { _id: topic as string }, update: { $inc: { count: 1 } }, upsert: true },
    }));
    this.#raised.clear();
    if (operations.length > 0) this.#writing = this.#signals.bulkWrite(operations, { ordered: false, ...QUICK }).catch(() => {});
  }

  async #begin(): Promise<void> {
    this.#poll = setInterval(() => void this.#look(), POLL_MS).unref();
    await this.#look(true);
    if (this.#canWatch && !this.#isClosed) this.#watch();
  }

  #watch(): void {
    const stream = this.#signals.watch([], { maxAwaitTimeMS: POLL_MS });
    this.#stream = stream;
    stream.on('change', (change: Document) => {
      const topic = change['documentKey']?._id as Topic | undefined;
      if (topic !== undefined) this.#tell(topic);
    });
    // The driver takes a broken stream up again by itself where it can; where it cannot, looking goes on, and a new one is tried.
    stream.on('error', () => {
      void stream.close().catch(() => {});
      if (!this.#isClosed) setTimeout(() => !this.#isClosed && this.#watch(), POLL_MS).unref();
    });
  }

  async #look(isFirst = false): Promise<void> {
    const found = await this.#signals
      .find({})
      .toArray()
      .catch(() => []);
    for (const { _id, count } of found) {
      const before = this.#seen.get(_id) ?? (isFirst ? count : 0);
      this.#seen.set(_id, count);
      if (count !== before && !this.#isClosed) this.#tell(_id as Topic);
    }
  }

  #tell(topic: Topic): void {
    for (const listener of this.#listeners) listener(topic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#write();
    this.#isClosed = true;
    if (this.#poll !== null) clearInterval(this.#poll);
    await this.#writing;
    await this.#stream?.close().catch(() => {});
  }
}
