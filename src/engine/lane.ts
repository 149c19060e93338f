import type { Ready } from './ready.ts';

const LEARNING_BATCH = 32;
const BATCH_TARGET_MS = 500;
const SMOOTHING = 0.2;
export const MAX_BATCH = 256;
const MAX_BATCH_UNITS = 1_048_576;

/**
 * What waits and runs of one handler, in arrival order. Memory is bounded by `room`: beyond it executions stay in the store
 * as a backlog, and go on being written there until it is used up, so that none overtakes another.
 */
export class Lane {
  readonly handlerId: number;
  readonly inFlight = new Map<string, Ready>();
  /** Ordering keys that are under way or wait for a retry: the next of the same key waits. */
  readonly #heldKeys = new Map<string, string>();
  /** Executions that hold their key from the store: retries that were not claimed again yet, by id. */
  readonly #awaited = new Map<string, Ready>();
  /** Those in flight whose outcome is on its way to the store. */
  readonly #settling = new Set<string>();
  #ready: Ready[] = [];
  #suspects: Ready[] = [];
  /** Leased, but not to be run before their time: retries of handlers that keep order per key. */
  #delayed: Ready[] = [];
  #reserved = 0;
  #unconfirmed = 0;
  #averageMs: number | null = null;
  batches = 0;
  /** When something in the store may be claimed; null: nothing is there. */
  backlogAt: number | null = null;
  claiming = false;
  queued = false;
  paused = false;
  cancelTimer: (() => void) | null = null;

  constructor(handlerId: number) {
    this.handlerId = handlerId;
  }

  get held(): number {
    return this.#ready.length + this.#suspects.length + this.#delayed.length + this.inFlight.size;
  }
  get #waiting(): Ready[] {
    return [...this.#suspects, ...this.#ready, ...this.#delayed];
  }
  get isIdle(): boolean {
    return this.held === 0 && this.#reserved === 0 && this.#unconfirmed === 0 && this.backlogAt === null && !this.claiming;
  }

  /** Takes a place for an execution that is about to be committed; false: it must be committed as pending. */
  reserve(room: number, now: number): boolean {
    const overtakes = this.claiming || this.#unconfirmed > 0 || (this.backlogAt !== null && this.backlogAt <= now);
    if (this.paused || overtakes || this.held + this.#reserved >= room) {
      this.#unconfirmed++;
      return false;
    }
    this.#reserved++;
    return true;
  }

  /** Gives back what `reserve` counted, whatever became of the commit. */
  confirm(wasReserved: boolean): void {
    if (wasReserved) this.#reserved--;
    else this.#unconfirmed--;
  }

  push(item: Ready): void {
    this.#arrived(item);
    this.#ready.push(item);
  }

  delay(item: Ready): void {
    this.#arrived(item);
    this.#delayed.push(item);
    this.#hold(item);
  }

  /** Its ordering key stays held although it went back to the store: nothing of the same key overtakes it. */
  awaitRetry(item: Ready): void {
    const { executionId } = item.lease;
    const isBack = this.inFlight.has(executionId) || this.#waiting.some(({ lease }) => lease.executionId === executionId);
    if (item.orderingKey === null || isBack) return;
    this.#hold(item);
    this.#awaited.set(executionId, item);
  }
  /** Ids of the retries that hold a key from the store. While there are any, the lane may be unable to go on without them. */
  get awaited(): readonly string[] {
    return [...this.#awaited.keys()];
  }
  /** It will not come back: canceled, or its event is gone. */
  giveUp(id: string): void {
    const item = this.#awaited.get(id);
    this.#awaited.delete(id);
    if (item !== undefined) this.#releaseKey(item);
  }

  /** What was delayed is due so much earlier. */
  bringForward(byMs: number): void {
    this.#delayed = this.#delayed.map((item) => ({ ...item, runAt: item.runAt - byMs }));
  }

  /** Moves what was delayed and is due to the front; answers when the next one is. */
  wakeDelayed(now: number): number | null {
    const due = this.#delayed.filter((item) => item.runAt <= now);
    if (due.length > 0) {
      this.#delayed = this.#delayed.filter((item) => item.runAt > now);
      this.#ready = [...due, ...this.#ready];
    }
    return this.#delayed.length === 0 ? null : Math.min(...this.#delayed.map((item) => item.runAt));
  }

  /** Back from the sandbox without having been run to an end; a suspect stays one, and keeps its key. */
  putBack(items: readonly Ready[]): void {
    const suspects = items.filter((item) => item.suspect);
    const others = items.filter((item) => !item.suspect);
    for (const item of suspects) this.inFlight.delete(item.lease.executionId);
    for (const item of others) this.#release(item);
    this.#suspects = [...suspects, ...this.#suspects];
    this.#ready = [...others, ...this.#ready];
  }
  suspect(items: readonly Ready[]): void {
    for (const item of items) this.inFlight.delete(item.lease.executionId); // they keep their keys
    this.#suspects.push(...items.map((item) => ({ ...item, suspect: true })));
  }

  /** Ends what is in flight; null when it is not, or is a later attempt than this one. */
  finish(id: string, attempt: number | null = null): Ready | null {
    const item = this.inFlight.get(id);
    if (item === undefined || (attempt !== null && item.lease.attempt !== attempt)) return null;
    this.#release(item);
    return item;
  }

  /** Takes one execution out before it starts; null when it is in flight or not here. */
  drop(id: string): Ready | null {
    for (const list of [this.#ready, this.#suspects, this.#delayed]) {
      const index = list.findIndex((item) => item.lease.executionId === id);
      const item = list[index];
      if (item === undefined) continue;
      list.splice(index, 1);
      this.#release(item);
      return item;
    }
    return null;
  }

  /** Empties the lane of everything that has not started. */
  drain(): Ready[] {
    const all = this.#waiting;
    for (const item of all) this.#release(item);
    this.#ready = [];
    this.#suspects = [];
    this.#delayed = [];
    return all;
  }

  /** Its outcome is known and goes to the store. */
  settle(id: string): void {
    this.#settling.add(id);
  }

  /**
   * The leases are not this server's any more: empties the lane and answers what was in it. Outcomes on their way to the store stay: whether
   * they count is decided there.
   */
  forget(): { waiting: Ready[]; running: Ready[] } {
    const waiting = this.drain();
    const running = [...this.inFlight.values()].filter(({ lease }) => !this.#settling.has(lease.executionId));
    for (const item of running) this.#release(item);
    for (const id of this.awaited) this.giveUp(id);
    return { waiting, running };
  }

  get hasReady(): boolean {
    return this.#suspects.length > 0 || this.#ready.length > 0;
  }

  /** The next executions to run together: of one version, by arrival, one per ordering key, sized to about half a second. */
  take(concurrency: number): { items: Ready[]; alone: boolean } {
    const suspect = this.#suspects.shift();
    if (suspect !== undefined) return { items: this.#start([suspect]), alone: true };
    const limit = this.#batchLimit(concurrency);
    const items: Ready[] = [];
    const left: Ready[] = [];
    let units = 0;
    for (const item of this.#ready) {
      const first = items[0];
      const fits =
        items.length < limit &&
        (first === undefined || (first.handlerVersion === item.handlerVersion && units + item.input.length <= MAX_BATCH_UNITS)) &&
        this.#mayRun(item);
      if (!fits) {
        left.push(item);
        if (item.orderingKey === null) break;
        continue;
      }
      units += item.input.length;
      items.push(item);
      this.#hold(item);
    }
    this.#ready = [...left, ...this.#ready.slice(items.length + left.length)];
    return { items: this.#start(items), alone: false };
  }

  /** Which version the next batch is of. */
  get nextVersion(): number | null {
    return (this.#suspects[0] ?? this.#ready[0])?.handlerVersion ?? null;
  }

  learn(durationMs: number): void {
    this.#averageMs = this.#averageMs === null ? durationMs : this.#averageMs + SMOOTHING * (durationMs - this.#averageMs);
  }

  #batchLimit(concurrency: number): number {
    if (this.#averageMs === null) return Math.max(LEARNING_BATCH, concurrency);
    const fitting = Math.floor((BATCH_TARGET_MS / Math.max(this.#averageMs, 0.001)) * concurrency);
    return Math.max(concurrency, Math.min(MAX_BATCH, fitting));
  }

  #mayRun(item: Ready): boolean {
    if (item.orderingKey === null) return true;
    const holder = this.#heldKeys.get(item.orderingKey);
    return holder === undefined || holder === item.lease.executionId;
  }

  #start(items: Ready[]): Ready[] {
    for (const item of items) this.inFlight.set(item.lease.executionId, item);
    return items;
  }

  #arrived({ lease }: Ready): void {
    this.#awaited.delete(lease.executionId);
  }

  /** A key stays with the one that has it, whoever else asks. */
  #hold({ orderingKey, lease }: Ready): void {
    if (orderingKey !== null && !this.#heldKeys.has(orderingKey)) this.#heldKeys.set(orderingKey, lease.executionId);
  }

  #release(item: Ready): void {
    this.inFlight.delete(item.lease.executionId);
    this.#settling.delete(item.lease.executionId);
    this.#releaseKey(item);
  }

  #releaseKey({ orderingKey, lease }: Ready): void {
    if (orderingKey !== null && this.#heldKeys.get(orderingKey) === lease.executionId) this.#heldKeys.delete(orderingKey);
  }
}
