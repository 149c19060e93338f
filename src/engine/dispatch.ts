import type { HandlerVersion } from '../core/handler.ts';
import type { Leased, LeaseRef, NewExecution } from '../ports/queue.ts';
import type { BatchSink } from '../ports/sandbox.ts';
import { Backlog } from './backlog.ts';
import { batchOf, type Run } from './batch.ts';
import type { DispatcherOptions, SettledExecution } from './dispatch-options.ts';
import { type GiveUp, giveUp } from './give-up.ts';
import { Lane } from './lane.ts';
import { Leave } from './leave.ts';
import { type Ready, readyOf, type Subject } from './ready.ts';
import { DEFAULT_ROOM, Room } from './room.ts';
import { VersionCache } from './version-cache.ts';

const BATCHES_PER_LANE = 2;
const MAX_BATCHES = 128;
const STORE_RETRY_MS = 500;
const MAX_TIMER_MS = 60_000;

/**
 * Brings leased executions to the sandbox: per handler in arrival order, `concurrency` at a time, fairly between handlers,
 * in bounded memory. What does not fit waits in the store and is claimed when there is room.
 */
export class Dispatcher {
  readonly #o: DispatcherOptions;
  readonly #lanes = new Map<number, Lane>();
  readonly #versions: VersionCache;
  readonly #room: Room;
  readonly #backlog: Backlog;
  readonly #leave: Leave;
  readonly #giveUp: GiveUp;
  #runnable: Lane[] = [];
  #batches = 0;
  #stopping = false;
  #idle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#o = options;
    this.#room = new Room({ ...DEFAULT_ROOM, ...options.room });
    this.#versions = new VersionCache((id, version) => options.handlers.versionOf(id, version));
    this.#leave = new Leave(options.share, (id) => options.handlers.runnable(id)?.current.orderingKey != null);
    this.#giveUp = giveUp({ ...options, isOver: () => this.#stopping, done: (id, at) => this.wake(id, at) });
    this.#backlog = new Backlog({
      queue: options.queue,
      clock: options.clock,
      log: options.log,
      room: this.#room,
      keepsOrder: (id) => this.#leave.keepsOrder(id),
      mayClaim: (lane) => this.#mayClaim(lane),
      claimed: (lane, leased, now) => this.#claimed(lane, leased, now),
    });
  }

  /** Begins with what the store still holds from before. */
  async recover(): Promise<number> {
    const { lost, pending } = await this.#o.queue.recover(this.#o.clock.now());
    for (const { handlerId, firstRunAt } of pending) this.wake(handlerId, firstRunAt);
    return lost;
  }

  /** Decides, before the commit, whether an execution is leased by this server at once. Every call must be followed by `admit` or `abandon`. */
  reserve(handlerId: number): boolean {
    if (this.#stopping || !this.#leave.mayLeaseAtOnce(handlerId)) {
      this.#lane(handlerId).reserve(0, 0);
      return false;
    }
    const room = this.#room.left > 0 ? this.#room.bounds.perLane : 0;
    const reserved = this.#lane(handlerId).reserve(room, this.#o.clock.now());
    if (reserved) this.#room.reserve();
    return reserved;
  }

  /** The commit that wrote these executions is done: those that were leased run now. */
  admit(subject: Subject, executions: readonly NewExecution[], refs: readonly LeaseRef[]): void {
    for (const [index, execution] of executions.entries()) {
      const lane = this.#confirm(execution);
      if (execution.state === 'pending') this.#backlog.note(lane, execution.runAt);
      else this.#take(lane, readyOf(subject, execution, refs[index] as LeaseRef));
      this.#queueUp(lane);
    }
    this.#pumpSoon();
  }

  /** The commit did not happen, or the event was known already. */
  abandon(executions: readonly NewExecution[]): void {
    for (const execution of executions) this.#tidy(this.#confirm(execution));
  }

  /** Something of this handler is pending in the store (a replay, or what another server left there). */
  wake(handlerId: number, at: number): void {
    this.#backlog.note(this.#lane(handlerId), at);
  }

  /** The handler was replaced, enabled, disabled, suspended or deregistered. */
  handlerChanged(handlerId: number): void {
    const lane = this.#lanes.get(handlerId);
    if (lane === undefined) return;
    if (this.#o.handlers.runnable(handlerId) === null) void this.#pause(lane);
    else this.#resume(lane);
  }

  /** The handler was deregistered, and the store has canceled what it had left: what runs is broken off. */
  async handlerRemoved(handlerId: number): Promise<void> {
    const lane = this.#lanes.get(handlerId);
    if (lane === undefined) return;
    lane.paused = true;
    await this.#forget(lane);
    lane.cancelTimer?.();
    lane.cancelTimer = null;
    lane.backlogAt = null;
    this.#tidy(lane);
    this.#pumpSoon();
  }

  /** Ids of the executions that are with runners. */
  get running(): string[] {
    return [...this.#lanes.values()].flatMap((lane) => [...lane.inFlight.keys()]);
  }

  /** Stops an execution that this server holds, wherever it is. */
  abort(executionId: string): void {
    for (const lane of this.#lanes.values()) {
      const dropped = lane.drop(executionId);
      const item = dropped ?? lane.finish(executionId);
      if (item !== null) this.#room.letGo(item);
      if (item !== null && dropped === null) this.#o.sandbox.abort(executionId);
      lane.giveUp(executionId);
      this.#freed(lane);
      if (item !== null) return;
    }
  }

  /** What was in the way of taking and starting work, of this handler or of all, is gone. */
  goOn(handlerId: number | null = null): void {
    for (const lane of this.#lanes.values()) if (handlerId === null || lane.handlerId === handlerId) this.#freed(lane);
  }

  /** The clock was put back by so much: nothing waits longer for that. Throws what the store throws. */
  async clockPutBack(byMs: number): Promise<void> {
    await this.#o.queue.bringForward(this.#o.clock.now(), byMs);
    for (const lane of this.#lanes.values()) {
      lane.bringForward(byMs);
      if (lane.backlogAt !== null) this.#backlog.note(lane, this.#o.clock.now());
      this.#wakeDelayed(lane);
    }
  }

  /**
   * The leases of this handler, or of all, may be another server's now: what runs is broken off, what waits is dropped, and both go back to
   * the store if it still has them as this server's. Outcomes on their way there are left to it.
   */
  forget(handlerId: number | null = null): void {
    for (const lane of this.#lanes.values()) if (handlerId === null || lane.handlerId === handlerId) void this.#forget(lane);
  }

  /** Whether anything of this handler is here or waits for this server. */
  isBusy(handlerId: number): boolean {
    return this.#lanes.get(handlerId)?.isIdle === false;
  }

  /** Resolves when nothing is held or under way in this server; for tests and the bench. */
  async idle(): Promise<void> {
    while (!this.#isIdle()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** How much is in memory, for health and tests. */
  get load(): { held: number; batches: number; lanes: number } {
    return { held: this.#room.held, batches: this.#batches, lanes: this.#lanes.size };
  }

  /** Starts nothing new and gives back what has not started; what is under way has `graceMs` to end, and is given back then. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#lanes.values()].map((lane) => this.#giveBack(lane)));
    let cancel = (): void => {};
    const grace = new Promise<void>((resolve) => {
      cancel = this.#o.clock.after(graceMs, resolve);
    });
    await Promise.race([this.idle(), grace]);
    cancel();
  }

  #lane(handlerId: number): Lane {
    let lane = this.#lanes.get(handlerId);
    if (lane === undefined) {
      lane = new Lane(handlerId);
      lane.paused = this.#o.handlers.runnable(handlerId) === null;
      this.#lanes.set(handlerId, lane);
    }
    return lane;
  }

  #mayClaim(lane: Lane): boolean {
    return !this.#stopping && !lane.paused && this.#leave.mayClaim(lane.handlerId);
  }

  async #forget(lane: Lane): Promise<void> {
    const { waiting, running } = lane.forget();
    const items = [...waiting, ...running];
    for (const item of items) this.#room.letGo(item);
    for (const { lease } of running) this.#o.sandbox.abort(lease.executionId);
    this.#o.sandbox.evict(lane.handlerId);
    this.#freed(lane);
    if (items.length > 0) await this.#giveUp(lane.handlerId, items);
  }

  #confirm(execution: NewExecution): Lane {
    const lane = this.#lane(execution.handlerId);
    lane.confirm(execution.state === 'leased');
    if (execution.state === 'leased') this.#room.unreserve();
    return lane;
  }

  #take(lane: Lane, item: Ready): void {
    this.#room.hold(item);
    lane.push(item);
  }

  #queueUp(lane: Lane): void {
    if (lane.queued || lane.paused || !lane.hasReady || lane.batches >= BATCHES_PER_LANE) return;
    lane.queued = true;
    this.#runnable.push(lane);
  }

  #pumpScheduled = false;
  /** Once per turn, so that what one commit brought goes out in one batch. */
  #pumpSoon(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#stopping && this.#leave.mayStart() && this.#batches < MAX_BATCHES) {
      const lane = this.#runnable.shift();
      if (lane === undefined) break;
      lane.queued = false;
      this.#start(lane);
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #start(lane: Lane): void {
    const handler = this.#o.handlers.runnable(lane.handlerId);
    if (handler === null) return void this.#pause(lane);
    const number = lane.nextVersion;
    if (number === null) return;
    const version = this.#versions.get(handler, number);
    if (version === undefined) return void this.#load(lane, number);
    const { items, alone } = lane.take(handler.current.concurrency);
    const first = items[0];
    if (first === undefined) return;
    if (first.handlerVersion !== number) {
      lane.putBack(items);
      return void this.#load(lane, first.handlerVersion);
    }
    this.#submit(lane, { handler, version, items, alone });
    this.#queueUp(lane);
  }

  #submit(lane: Lane, run: Run): void {
    lane.batches++;
    this.#batches++;
    this.#o.sandbox.submit(batchOf(run, this.#o), this.#sink(lane, run.version));
  }

  #sink(lane: Lane, version: HandlerVersion): BatchSink {
    const known = (ids: string[]): Ready[] => ids.map((id) => lane.inFlight.get(id)).filter((item) => item !== undefined);
    return {
      outcomes: (results) => {
        const ended = [];
        for (const { id, outcome } of results) {
          const item = lane.inFlight.get(id);
          if (item === undefined) continue;
          lane.learn(outcome.finishedAt - outcome.startedAt);
          lane.settle(id);
          ended.push({ item, version, outcome });
        }
        if (ended.length > 0) this.#o.settle(ended, (settled) => this.#settled(lane, settled));
      },
      returned: (ids) => this.#back(lane, known(ids)),
      suspects: (ids) => {
        lane.suspect(known(ids));
        this.#queueUp(lane);
        this.#pumpSoon();
      },
      done: () => {
        lane.batches--;
        this.#batches--;
        this.#queueUp(lane);
        this.#backlog.refill(lane);
        this.#tidy(lane);
        this.#pumpSoon();
      },
    };
  }

  /** Came back unrun: to the front of its lane, or to the store when it may not run now. */
  #back(lane: Lane, items: Ready[]): void {
    lane.putBack(items);
    if (this.#stopping || lane.paused) void this.#giveBack(lane);
    else this.#queueUp(lane);
  }

  #settled(lane: Lane, settled: SettledExecution[]): void {
    for (const { item, retryAt, leaseLost } of settled) {
      if (lane.finish(item.lease.executionId, item.lease.attempt) !== null) this.#room.letGo(item);
      if (retryAt !== null) this.#retryLater(lane, item, retryAt);
      if (leaseLost) this.#o.sandbox.evict(lane.handlerId);
    }
    this.#o.sandbox.settled(
      lane.handlerId,
      settled.map(({ item }) => item.lease.executionId),
    );
    this.#freed(lane);
  }

  /** Something of this lane ended: there is room again, and perhaps a key that others waited for. */
  #freed(lane: Lane): void {
    this.#queueUp(lane);
    this.#backlog.refill(lane);
    this.#backlog.roomFreed();
    this.#tidy(lane);
    this.#pumpSoon();
  }

  /** A retry that must go before others of its key is taken back at once, and waits for its time in memory. */
  #retryLater(lane: Lane, item: Ready, at: number): void {
    lane.awaitRetry(item);
    this.#backlog.note(lane, item.orderingKey === null ? at : this.#o.clock.now());
  }

  #claimed(lane: Lane, leased: readonly Leased[], now: number): void {
    for (const one of leased) {
      const item: Ready = { ...one, suspect: false };
      const before = lane.finish(item.lease.executionId); // its last attempt is written, though nobody was told yet
      if (before !== null) this.#room.letGo(before);
      this.#room.hold(item);
      // Only a retry has a time to wait for. A new one may seem to be of later: its server's clock is ahead, or it came after the claim began.
      if (item.failures === 0 || item.runAt <= now) lane.push(item);
      else {
        lane.delay(item);
        this.#wakeDelayedAt(lane, item.runAt);
      }
    }
    if (this.#stopping || lane.paused) void this.#giveBack(lane);
    this.#queueUp(lane);
    this.#tidy(lane);
    this.#pumpSoon();
  }

  #wakeDelayedAt(lane: Lane, at: number): void {
    this.#o.clock.after(Math.min(Math.max(0, at - this.#o.clock.now()), MAX_TIMER_MS), () => this.#wakeDelayed(lane));
  }

  #wakeDelayed(lane: Lane): void {
    const next = lane.wakeDelayed(this.#o.clock.now());
    if (next !== null) this.#wakeDelayedAt(lane, next);
    this.#queueUp(lane);
    this.#pumpSoon();
  }

  async #pause(lane: Lane): Promise<void> {
    lane.paused = true;
    lane.cancelTimer?.();
    lane.cancelTimer = null;
    await this.#giveBack(lane);
  }

  #resume(lane: Lane): void {
    if (!lane.paused) return;
    lane.paused = false;
    this.#queueUp(lane);
    this.#backlog.refill(lane);
    this.#pumpSoon();
  }

  async #giveBack(lane: Lane): Promise<void> {
    const items = lane.drain();
    if (items.length === 0) return;
    for (const item of items) this.#room.letGo(item);
    lane.backlogAt = Math.min(lane.backlogAt ?? Number.POSITIVE_INFINITY, ...items.map((item) => item.runAt));
    this.#backlog.roomFreed();
    await this.#giveUp(lane.handlerId, items);
  }

  async #load(lane: Lane, number: number): Promise<void> {
    const version = await this.#versions.load(lane.handlerId, number);
    if (version === null) {
      this.#o.log('error', 'a handler version could not be read', { handlerId: lane.handlerId, version: number });
      this.#o.clock.after(STORE_RETRY_MS, () => this.#freed(lane));
      return;
    }
    this.#queueUp(lane);
    this.#pumpSoon();
  }

  #tidy(lane: Lane): void {
    if (lane.isIdle && lane.batches === 0 && !lane.queued) this.#lanes.delete(lane.handlerId);
  }

  #isIdle(): boolean {
    if (!this.#room.isEmpty || this.#batches > 0 || this.#runnable.length > 0) return false;
    const now = this.#o.clock.now();
    return ![...this.#lanes.values()].some((lane) => lane.claiming || (!this.#stopping && !lane.paused && this.#leave.isDue(lane, now)));
  }
}
