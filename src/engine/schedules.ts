import { setImmediate } from 'node:timers/promises';
import { EngineError } from '../core/errors.ts';
import type { Handler } from '../core/handler.ts';
import { dueRun, nextTimes, type PlannedRun, type PlannedTimes, parkRun, planRun, SCHEDULE_HOOK, type Schedule } from '../core/schedule.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cron } from '../ports/cron.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';
import type { FireResult, FiringPlan, Queue } from '../ports/queue.ts';
import type { ScheduleStore } from '../ports/schedule-store.ts';
import type { Ticker } from '../ports/ticker.ts';
import type { LiveHandlers } from './handlers.ts';
import { firingOf, type Planner } from './plan.ts';

/** Fires schedule.cron: each scheduled handler for itself, each instant once, whoever crashes meanwhile. */
export interface Schedules {
  /** The next instants of a handler, in milliseconds since the epoch; none for one that is not enabled or has no schedule. */
  nextRuns(handler: Handler, count: number): number[];
  /** Fires for one handler at once, beside its schedule. Throws handler_not_found, or handler_not_runnable. */
  runNow(handlerId: number): Promise<{ id: string; executionIds: string[] }>;
  /** Begins to fire; what was under way when the server before stopped must have been recovered. */
  start(): void;
  /** Fires nothing more. */
  stop(): Promise<void>;
}

export interface SchedulesOptions {
  store: ScheduleStore;
  /** Absent where this server is alone on the store. */
  leadership: Leadership | undefined;
  queue: Pick<Queue, 'fire'>;
  handlers: Pick<LiveHandlers, 'find' | 'get' | 'list' | 'stateOf' | 'onChange'>;
  planner: Pick<Planner, 'planFor'>;
  cron: Cron;
  ticker: Ticker;
  clock: Clock;
  newId(): string;
  onFired(plan: FiringPlan, result: FireResult | null): void;
  log: Log;
}

const LEAD = 'schedules';
const LEAD_MS = 6_000;
const RENEW_MS = LEAD_MS / 3;
/** So many schedules are worked on before others get their turn; each takes a tenth of a millisecond. */
const SLICE = 50;
const LATE_MS = 60_000;
const NEVER: PlannedTimes = { after: () => null, upTo: () => null };

export function schedules(options: SchedulesOptions): Schedules {
  return new Scheduler(options);
}

/**
 * Once a second the server that leads compares its clock with what is planned. An instant that has come is fired first and moved on then: a
 * crash in between fires it again under the same id, which is no firing.
 */
class Scheduler implements Schedules {
  readonly #o: SchedulesOptions;
  /** What is planned, by handler; null while another server leads. */
  #runs: Map<number, PlannedRun> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #lead = { askedAt: Number.NEGATIVE_INFINITY, isOurs: false };
  #stopTicking: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: SchedulesOptions) {
    this.#o = options;
  }

  nextRuns(handler: Handler, count: number): number[] {
    const { schedule } = handler.current;
    if (schedule === undefined || this.#o.handlers.stateOf(handler) !== 'enabled') return [];
    const now = this.#o.clock.now();
    return nextTimes(this.#times(schedule, now), now, count);
  }

  async runNow(handlerId: number): Promise<{ id: string; executionIds: string[] }> {
    const { handlers, clock, newId } = this.#o;
    const handler = handlers.get(handlerId);
    if (handler.current.schedule === undefined || handlers.stateOf(handler) !== 'enabled')
      throw new EngineError('handler_not_runnable', `Handler ${handlerId} is not an enabled handler on ${SCHEDULE_HOOK}`);
    const { firing, executions } = await this.#fire(handler, handler.current.schedule, {
      id: newId(),
      at: clock.now(),
      previousAt: null,
    });
    return { id: firing.id, executionIds: executions.map(({ id }) => id) };
  }

  start(): void {
    this.#o.handlers.onChange(() => this.#begin());
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTicking?.();
    await this.#looking;
  }

  /** A server without schedules need not wake up every second. */
  #begin(): void {
    const { handlers, ticker } = this.#o;
    if (this.#isStopped || this.#stopTicking !== null || handlers.list(SCHEDULE_HOOK).length === 0) return;
    this.#stopTicking = ticker.start(() => {
      this.#looking ??= this.#look()
        .catch((error: unknown) => this.#giveUp(error))
        .finally(() => {
          this.#looking = null;
        });
    });
  }

  /** The store did not answer: what is due stays due, and whether this server still leads is asked anew. */
  #giveUp(error: unknown): void {
    this.#lead = { askedAt: Number.NEGATIVE_INFINITY, isOurs: false };
    this.#runs = null;
    this.#o.log('warn', 'schedules could not be looked at; they are tried again', { error });
  }

  async #look(): Promise<void> {
    const { store, handlers, clock } = this.#o;
    if (!(await this.#leads())) {
      this.#runs = null;
      return;
    }
    // What another server left may have been planned by another clock.
    const isNew = this.#runs === null;
    this.#runs ??= new Map((await store.all()).map((run) => [run.handlerId, run]));
    const now = clock.now();
    const isReview = isNew || now < this.#lookedAt;
    this.#lookedAt = now;
    const open = handlers.list(SCHEDULE_HOOK).filter((handler) => isReview || this.#needsWork(handler, now));
    const failures: unknown[] = [];
    for (let from = 0; from < open.length && !this.#isStopped; from += SLICE) {
      if (from > 0) await setImmediate();
      failures.push(...(await this.#work(open.slice(from, from + SLICE), this.#runs, now)));
    }
    if (failures.length > 0) throw failures[0];
  }

  #needsWork(handler: Handler, now: number): boolean {
    const run = this.#runs?.get(handler.id);
    if (!handler.enabled) return run !== undefined && run.stamp !== '';
    return run?.stamp !== stampOf(handler) || (run.nextAt !== null && run.nextAt <= now);
  }

  /** What fails for one handler holds up no other. */
  async #work(open: readonly Handler[], runs: Map<number, PlannedRun>, now: number): Promise<unknown[]> {
    const results = await Promise.allSettled(open.map((handler) => this.#advance(handler, runs.get(handler.id) ?? null, now)));
    const moved = results.flatMap((result) => (result.status === 'fulfilled' && result.value !== null ? [result.value] : []));
    if (moved.length > 0) await this.#o.store.put(moved);
    for (const run of moved) runs.set(run.handlerId, run);
    return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  }

  /** Plans what is not planned, fires what is due, and answers what has to be written down; null: nothing changed. */
  async #advance(handler: Handler, known: PlannedRun | null, now: number): Promise<PlannedRun | null> {
    const { schedule } = handler.current;
    if (schedule === undefined) return null;
    if (!handler.enabled) return known === null || known.stamp === '' ? null : parkRun(known);
    const times = this.#times(schedule, now);
    const run = planRun(known, { id: handler.id, stamp: stampOf(handler), since: handler.updatedAt }, times, now);
    const due = dueRun(run, times, now);
    if (due === null) return isSame(run, known) ? null : run;
    const live = this.#o.handlers.find(handler.id);
    if (live !== handler || this.#isStopped) return null; // it changed while others had their turn: the next look sees how
    if (this.#o.handlers.stateOf(handler) !== 'enabled') return { ...due.after, previousAt: run.previousAt };
    if (now - due.at > LATE_MS)
      this.#o.log('info', 'a scheduled run that was missed is made up for', { handler: handler.name, at: iso(due.at) });
    await this.#fire(handler, schedule, { id: firingId(handler.id, due.at), at: due.at, previousAt: run.previousAt });
    return due.after;
  }

  async #fire(handler: Handler, schedule: Schedule, run: { id: string; at: number; previousAt: number | null }): Promise<FiringPlan> {
    const { planner, queue, clock, onFired } = this.#o;
    const createdAt = clock.now();
    const payload = payloadOf(schedule, run);
    const { tags } = handler.current;
    const firing = { id: run.id, hook: SCHEDULE_HOOK, payload, tags, createdAt, cause: null };
    const execution = planner.planFor(handler, firingOf({ subjectId: run.id, createdAt, json: payload, tags: () => tags }));
    const plan = { firing, executions: [execution] };
    try {
      onFired(plan, await queue.fire(plan));
    } catch (error) {
      onFired(plan, null);
      throw error;
    }
    return plan;
  }

  async #leads(): Promise<boolean> {
    const { leadership, clock } = this.#o;
    if (leadership === undefined) return true;
    const now = clock.now();
    // The clock may have been put back.
    if (Math.abs(now - this.#lead.askedAt) < RENEW_MS) return this.#lead.isOurs;
    this.#lead = { askedAt: now, isOurs: await leadership.lead(LEAD, now, LEAD_MS) };
    return this.#lead.isOurs;
  }

  #times(schedule: Schedule, now: number): PlannedTimes {
    const reading = this.#o.cron.read(schedule, now);
    return reading.ok ? reading.times : NEVER;
  }
}

/** Other changes of a handler leave its plan alone: a run that was missed is made up for also when an upgrade came in between. */
function stampOf({ current: { schedule } }: Handler): string {
  return schedule === undefined ? '' : `${schedule.cron} ${schedule.timezone}`;
}

function firingId(handlerId: number, at: number): string {
  return `cron-${handlerId}-${iso(at).replaceAll(/[-:]|\.000/g, '')}`;
}

function payloadOf({ cron, timezone }: Schedule, { at, previousAt }: { at: number; previousAt: number | null }): string {
  // One that lies ahead was fired while the clock was wrong.
  const previous = previousAt === null || previousAt >= at ? null : iso(previousAt);
  return JSON.stringify({ scheduled_at: iso(at), previous_at: previous, timezone, cron });
}

function isSame(a: PlannedRun, b: PlannedRun | null): boolean {
  return b !== null && a.stamp === b.stamp && a.nextAt === b.nextAt && a.previousAt === b.previousAt;
}

const iso = (at: number): string => new Date(at).toISOString();
