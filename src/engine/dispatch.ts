import type { Outcome } from '../core/execution.ts';
import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Claim, LeaseRef, NewExecution, Queue } from '../ports/queue.ts';
import type { BatchSink, Sandbox, SandboxExecution } from '../ports/sandbox.ts';
import { Lane, type Ready } from './lane.ts';

/** What the executions of one commit have in common. */
export interface Subject {
  id: string;
  /** JSON text. */
  input: string;
  tags: readonly string[];
  root: string;
  depth: number;
}

/** What the dispatcher asks of the registry. */
export interface DispatchHandlers {
  /** The handler when it may run now, else null (deregistered, disabled, suspended). */
  runnable(id: number): Handler | null;
  versionOf(id: number, version: number): Promise<HandlerVersion | null>;
}

/** How the dispatcher hands on what ended; `done` must be called when the outcome is in the store (or its lease is lost). */
export type SettleOutcomes = (
  ended: { item: Ready; version: HandlerVersion; outcome: Outcome }[],
  done: (settled: SettledExecution[]) => void,
) => void;
export interface SettledExecution {
  item: Ready;
  /** When it goes on, if the store put it back to pending. */
  retryAt: number | null;
  /** Another decision (a cancel) came first: nothing of the outcome was written. */
  leaseLost: boolean;
}

export interface DispatcherOptions {
  queue: Queue;
  sandbox: Sandbox;
  handlers: DispatchHandlers;
  settle: SettleOutcomes;
  /** Crockford text that the ids of emitted events begin with, from execution and replay. */
  emitPrefix(item: Ready): string;
  tagsOf(json: string): readonly string[];
  clock: Clock;
  log: Log;
  /** The most executions of one handler, and of all, that are held in memory, and the characters of their inputs. */
  laneRoom?: number;
  totalRoom?: number;
  totalUnits?: number;
}

const LANE_ROOM = 16_384;
const TOTAL_ROOM = 50_000;
const TOTAL_UNITS = 64 * 1024 * 1024;
const CLAIM_LIMIT = 512;
const BATCHES_PER_LANE = 2;
const MAX_BATCHES = 128;
const CLAIM_RETRY_MS = 500;
const MAX_TIMER_MS = 60_000;

/**
 * Brings leased executions to the sandbox: per handler in arrival order, `concurrency` at a time, fairly between handlers,
 * in bounded memory. What does not fit waits in the store and is claimed when there is room.
 */
export class Dispatcher {
  readonly #o: Required<DispatcherOptions>;
  readonly #lanes = new Map<number, Lane>();
  readonly #versions = new Map<string, HandlerVersion>();
  #runnable: Lane[] = [];
  #held = 0;
  #heldUnits = 0;
  #reserved = 0;
  #batches = 0;
  #stopping = false;
  #idle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#o = { laneRoom: LANE_ROOM, totalRoom: TOTAL_ROOM, totalUnits: TOTAL_UNITS, ...options };
  }

  /** Begins with what the store still holds from before. */
  async recover(): Promise<number> {
    const { lost, pending } = await this.#o.queue.recover(this.#o.clock.now());
    for (const { handlerId, firstRunAt } of pending) this.#setBacklog(this.#lane(handlerId), firstRunAt);
    return lost;
  }

  /** Decides, before the commit, whether an execution is leased by this server at once. Every call must be followed by `admit` or `abandon`. */
  reserve(handlerId: number): boolean {
    if (this.#stopping) {
      this.#lane(handlerId).reserve(0, 0);
      return false;
    }
    const hasRoom = this.#held + this.#reserved < this.#o.totalRoom && this.#heldUnits < this.#o.totalUnits;
    const room = hasRoom ? this.#o.laneRoom : 0;
    const reserved = this.#lane(handlerId).reserve(room, this.#o.clock.now());
    if (reserved) this.#reserved++;
    return reserved;
  }

  /** The commit that wrote these executions is done: those that were leased run now. */
  admit(subject: Subject, executions: readonly NewExecution[], refs: readonly LeaseRef[]): void {
    for (const [index, execution] of executions.entries()) {
      const lane = this.#confirm(execution);
      if (execution.state === 'pending') this.#setBacklog(lane, execution.runAt);
      else this.#take(lane, readyOf(subject, execution, refs[index] as LeaseRef));
      this.#queueUp(lane);
    }
    this.#pumpSoon();
  }

  /** The commit did not happen, or the event was known already. */
  abandon(executions: readonly NewExecution[]): void {
    for (const execution of executions) this.#tidy(this.#confirm(execution));
  }

  /** Something of this handler became pending in the store (a replay). */
  wake(handlerId: number, at: number): void {
    this.#setBacklog(this.#lane(handlerId), at);
  }

  /** The handler was replaced, enabled, disabled, suspended or deregistered. */
  handlerChanged(handlerId: number): void {
    const lane = this.#lanes.get(handlerId);
    if (lane === undefined) return;
    if (this.#o.handlers.runnable(handlerId) === null) void this.#pause(lane);
    else this.#resume(lane);
  }

  /** Stops an execution that this server holds, wherever it is. */
  abort(executionId: string): void {
    for (const lane of this.#lanes.values()) {
      const dropped = lane.drop(executionId);
      const item = dropped ?? lane.finish(executionId);
      if (item === null) continue;
      this.#letGo(item);
      if (dropped === null) this.#o.sandbox.abort(executionId);
      return;
    }
  }

  /** Resolves when nothing is held or under way in this server; for tests and the bench. */
  async idle(): Promise<void> {
    while (!this.#isIdle()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** How much is in memory, for health and tests. */
  get load(): { held: number; batches: number; lanes: number } {
    return { held: this.#held, batches: this.#batches, lanes: this.#lanes.size };
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

  #confirm(execution: NewExecution): Lane {
    const lane = this.#lane(execution.handlerId);
    lane.confirm(execution.state === 'leased');
    if (execution.state === 'leased') this.#reserved--;
    return lane;
  }

  #take(lane: Lane, item: Ready): void {
    this.#hold(item);
    lane.push(item);
  }

  #hold(item: Ready): void {
    this.#held++;
    this.#heldUnits += item.input.length;
  }

  #letGo(item: Ready): void {
    this.#held--;
    this.#heldUnits -= item.input.length;
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
    while (!this.#stopping && this.#batches < MAX_BATCHES) {
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
    const version = this.#version(handler, number);
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

  #submit(lane: Lane, run: { handler: Handler; version: HandlerVersion; items: Ready[]; alone: boolean }): void {
    const { handler, version, items, alone } = run;
    lane.batches++;
    this.#batches++;
    this.#o.sandbox.submit(
      {
        registrant: version.keyId,
        handler: {
          id: handler.id,
          name: handler.name,
          version: version.version,
          hook: handler.hook,
          javascript: version.javascript,
          config: version.config,
          timeoutMs: version.timeoutMs,
          memoryMb: version.memoryMb,
          concurrency: version.concurrency,
        },
        executions: items.map((item) => this.#execution(item)),
        alone,
      },
      this.#sink(lane, version),
    );
  }

  #execution(item: Ready): SandboxExecution {
    return {
      id: item.lease.executionId,
      attempt: item.lease.attempt,
      input: item.input,
      tags: item.tags ?? this.#o.tagsOf(item.input),
      emitPrefix: this.#o.emitPrefix(item),
    };
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
        this.#refill(lane);
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
      if (lane.finish(item.lease.executionId) !== null) this.#letGo(item);
      if (retryAt !== null) this.#retryLater(lane, item, retryAt);
      if (leaseLost) this.#o.sandbox.evict(lane.handlerId);
    }
    this.#o.sandbox.settled(
      lane.handlerId,
      settled.map(({ item }) => item.lease.executionId),
    );
    this.#queueUp(lane);
    this.#refill(lane);
    this.#tidy(lane);
    this.#pumpSoon();
  }

  /** A retry that must go before others of its key is taken back at once, and waits for its time in memory. */
  #retryLater(lane: Lane, item: Ready, at: number): void {
    lane.hold(item);
    this.#setBacklog(lane, item.orderingKey === null ? at : this.#o.clock.now());
  }

  #setBacklog(lane: Lane, at: number): void {
    lane.backlogAt = lane.backlogAt === null ? at : Math.min(lane.backlogAt, at);
    this.#refill(lane);
  }

  /** Claims from the store when there is room, or sets a timer for when something is due. */
  #refill(lane: Lane): void {
    lane.cancelTimer?.();
    lane.cancelTimer = null;
    if (lane.backlogAt === null || lane.claiming || lane.paused || this.#stopping) return;
    const wait = lane.backlogAt - this.#o.clock.now();
    if (wait > 0) {
      lane.cancelTimer = this.#o.clock.after(Math.min(wait, MAX_TIMER_MS), () => this.#refill(lane));
      return;
    }
    const room = Math.min(this.#o.laneRoom - lane.held, this.#o.totalRoom - this.#held, CLAIM_LIMIT);
    if (room > 0 && this.#heldUnits < this.#o.totalUnits && lane.held < this.#o.laneRoom / 2) void this.#claim(lane, room);
  }

  async #claim(lane: Lane, limit: number): Promise<void> {
    const handler = this.#o.handlers.runnable(lane.handlerId);
    if (handler === null) return void this.#pause(lane);
    lane.claiming = true;
    lane.backlogAt = null;
    const dueOnly = handler.current.orderingKey === null;
    const now = this.#o.clock.now();
    let claim: Claim;
    try {
      claim = await this.#o.queue.claim({ handlerId: lane.handlerId, limit, now, dueOnly });
    } catch (error) {
      this.#o.log('warn', 'claiming failed', { handlerId: lane.handlerId, error });
      claim = { leased: [], nextRunAt: now + CLAIM_RETRY_MS };
    }
    lane.claiming = false;
    this.#claimed(lane, claim, now);
  }

  #claimed(lane: Lane, { leased, nextRunAt }: Claim, now: number): void {
    for (const one of leased) {
      const item: Ready = { ...one, suspect: false };
      this.#hold(item);
      if (item.runAt > now) {
        lane.delay(item);
        this.#wakeDelayedAt(lane, item.runAt);
      } else lane.push(item);
    }
    if (this.#stopping || lane.paused) void this.#giveBack(lane);
    if (nextRunAt !== null) this.#setBacklog(lane, nextRunAt);
    this.#queueUp(lane);
    this.#tidy(lane);
    this.#pumpSoon();
  }

  #wakeDelayedAt(lane: Lane, at: number): void {
    this.#o.clock.after(Math.min(Math.max(0, at - this.#o.clock.now()), MAX_TIMER_MS), () => {
      const next = lane.wakeDelayed(this.#o.clock.now());
      if (next !== null) this.#wakeDelayedAt(lane, next);
      this.#queueUp(lane);
      this.#pumpSoon();
    });
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
    this.#refill(lane);
    this.#pumpSoon();
  }

  async #giveBack(lane: Lane): Promise<void> {
    const items = lane.drain();
    if (items.length === 0) return;
    for (const item of items) this.#letGo(item);
    lane.backlogAt = Math.min(lane.backlogAt ?? Number.POSITIVE_INFINITY, ...items.map((item) => item.runAt));
    // Without a release they would be found again at the next start, as lost: nothing is gone when this fails.
    await this.#o.queue
      .settle(items.map(({ lease }) => ({ kind: 'released', lease })))
      .catch((error: unknown) => this.#o.log('warn', 'giving back executions failed', { handlerId: lane.handlerId, error }));
  }

  #version(handler: Handler, number: number): HandlerVersion | undefined {
    return handler.current.version === number ? handler.current : this.#versions.get(`${handler.id}:${number}`);
  }

  async #load(lane: Lane, number: number): Promise<void> {
    const version = await this.#o.handlers.versionOf(lane.handlerId, number).catch(() => null);
    if (version === null) return void this.#o.log('error', 'a handler version is missing', { handlerId: lane.handlerId, version: number });
    if (this.#versions.size > 1_000) this.#versions.clear();
    this.#versions.set(`${lane.handlerId}:${number}`, version);
    this.#queueUp(lane);
    this.#pumpSoon();
  }

  #tidy(lane: Lane): void {
    if (lane.isIdle && lane.batches === 0 && !lane.queued) this.#lanes.delete(lane.handlerId);
  }

  #isIdle(): boolean {
    if (this.#held > 0 || this.#reserved > 0 || this.#batches > 0 || this.#runnable.length > 0) return false;
    const now = this.#o.clock.now();
    return ![...this.#lanes.values()].some(
      (lane) => lane.claiming || (!this.#stopping && !lane.paused && lane.backlogAt !== null && lane.backlogAt <= now),
    );
  }
}

function readyOf(subject: Subject, execution: NewExecution, ref: LeaseRef): Ready {
  return {
    lease: { executionId: execution.id, attempt: 1, ref },
    handlerId: execution.handlerId,
    handlerVersion: execution.handlerVersion,
    hook: execution.hook,
    subjectId: subject.id,
    input: subject.input,
    tags: subject.tags,
    orderingKey: execution.orderingKey,
    createdAt: execution.createdAt,
    runAt: execution.runAt,
    replays: 0,
    failures: 0,
    root: subject.root,
    depth: subject.depth,
    suspect: false,
  };
}
