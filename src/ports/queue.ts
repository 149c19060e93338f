import type { NewDelivery } from '../core/delivery.ts';
import type { Effect, ExecutionError, ExecutionState, LogLine } from '../core/execution.ts';
import type { Page, PageRequest } from '../core/page.ts';
import type { AppendResult, Cause, Submission } from './event-store.ts';

/** Work as it is planned when an event is matched. Times are milliseconds since the epoch. */
export interface NewExecution {
  /** Deterministic from subject and handler: planning the same twice is one execution. */
  id: string;
  handlerId: number;
  handlerVersion: number;
  hook: string;
  /** `leased` when this server takes it at once (attempt 1), which saves a claim; else `pending`. */
  state: 'leased' | 'pending';
  createdAt: number;
  runAt: number;
  /** Value at the handler's ordering_key, or null. */
  orderingKey: string | null;
}

/** A firing of a hook that is not an event: its payload is kept once for all its executions. */
export interface NewFiring {
  id: string;
  hook: string;
  /** JSON text. */
  payload: string;
  tags: readonly string[];
  createdAt: number;
  /** What led to it, when a handler did; null for a trigger from outside. */
  cause: Cause | null;
}

/** The adapter's own reference to a lease (a row number, a fencing token); opaque to others. */
export type LeaseRef = number | string;
/** The right to settle one attempt. It is lost when the execution was canceled or taken over. */
export interface Lease {
  executionId: string;
  attempt: number;
  ref: LeaseRef;
}
export interface Leased {
  lease: Lease;
  handlerId: number;
  handlerVersion: number;
  hook: string;
  /** Id of the event or firing that it runs for. */
  subjectId: string;
  /** JSON text of the event or payload. */
  input: string;
  /** Null for an event: its tags follow from it. */
  tags: readonly string[] | null;
  orderingKey: string | null;
  createdAt: number;
  runAt: number;
  /** How often it was put back by hand: part of the ids of what it emits. */
  replays: number;
  /** Failed attempts so far that count against the retry budget. */
  failures: number;
  /** Root event and depth of the subject, for events emitted by this execution. */
  root: string;
  depth: number;
}

/** One past attempt, as kept with the execution. */
export interface Attempt {
  attempt: number;
  startedAt: number | null;
  finishedAt: number;
  outcome: 'succeeded' | ExecutionError;
}

interface SettlementBase {
  lease: Lease;
  startedAt: number | null;
  finishedAt: number;
  logs: readonly LogLine[];
  /** Written in the same commit as the outcome, or not at all. */
  deliveries: readonly NewDelivery[];
}
export type StateEffect = Extract<Effect, { op: 'state.set' | 'state.delete' | 'state.increment' }>;
export type Settlement =
  | (SettlementBase & { kind: 'succeeded'; output: string; events: readonly Submission[]; state: readonly StateEffect[] })
  | (SettlementBase & { kind: 'retry'; error: ExecutionError; runAt: number })
  | (SettlementBase & { kind: 'dead'; error: ExecutionError; firings: readonly FiringPlan[] })
  /** Back to pending at once, as if it had not been claimed: no attempt is spent. */
  | { kind: 'released'; lease: Lease };
export interface FiringPlan {
  firing: NewFiring;
  executions: readonly NewExecution[];
}
/** `events` and `firings` answer for the settlement's own, in order. After `lease_lost` nothing of the settlement was written. */
export type SettleResult = { kind: 'settled'; events: readonly AppendResult[]; firings: readonly FireResult[] } | { kind: 'lease_lost' };
export type FireResult = { kind: 'stored'; refs: readonly LeaseRef[] } | { kind: 'existing' };

export interface ExecutionRecord {
  id: string;
  handlerId: number;
  handlerVersion: number;
  hook: string;
  eventId: string;
  state: ExecutionState;
  attempt: number;
  createdAt: number;
  runAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  /** JSON texts. */
  input: string | null;
  output: string | null;
  logs: readonly LogLine[];
  error: ExecutionError | null;
  /** Every attempt that ended, the latest last. */
  attempts: readonly Attempt[];
}
export interface ExecutionFilter {
  handlerId?: number;
  eventId?: string;
  state?: ExecutionState;
  hook?: string;
  /** Bounds of createdAt, `since` included, `until` not. */
  since?: number;
  until?: number;
}

/** `nextRunAt`: when the next one that is still pending may be claimed (in the past: now), null when none is left. */
export interface Claim {
  leased: Leased[];
  nextRunAt: number | null;
}

/** How long a server that says nothing keeps its leases (G4). */
export const LEASE_MS = 15_000;

export interface Queue {
  /**
   * Whether other servers may work on the same store. Then the server renews its leases (`renew`), and looks at intervals for what others
   * left behind (`recover`); where it is alone, nobody else can take or leave anything.
   */
  readonly shared: boolean;
  /** Extends this server's hold on everything it has leased by `LEASE_MS`; to be called every third of that. Resolves false when the hold was lost meanwhile: others may have taken over. */
  renew(now: number): Promise<boolean>;
  /** Stores a firing and its executions in one commit; `existing` when the id is taken. */
  fire(plan: FiringPlan): Promise<FireResult>;
  /** Ids of the executions of one subject (event or firing), by arrival. */
  executionsOf(subjectId: string): Promise<string[]>;
  /** Takes pending executions of one handler by arrival; with `dueOnly` it passes over those whose time has not come. */
  claim(request: { handlerId: number; limit: number; now: number; dueOnly: boolean }): Promise<Claim>;
  /** Outcomes and their effects, each settlement whole or not at all, many in one commit. */
  settle(settlements: readonly Settlement[]): Promise<SettleResult[]>;
  /**
   * Gives back what dead servers held (each attempt is noted as lost), completes what their commits left half done, puts into
   * the queue what this one stored although its caller was told that it failed, cancels what waits for removed handlers, and names the handlers
   * that have something pending. Called at start, and at intervals where the store is shared.
   */
  recover(now: number): Promise<{ lost: number; pending: { handlerId: number; firstRunAt: number }[] }>;
  /**
   * The clock was put back by `byMs`: what waits for its time, executions and mails, waits so much less, and what never ran not at all.
   * Without it a retry that was due in a second would be due in an hour and a second.
   */
  bringForward(now: number, byMs: number): Promise<void>;
  /** `canceled` also for a leased one: its lease is lost. */
  cancel(id: string, now: number): Promise<'canceled' | 'ended' | 'absent'>;
  /** Which of these were canceled: by another server, when this one has them. */
  canceled(ids: readonly string[]): Promise<string[]>;
  /** An ended execution becomes pending again with a fresh budget, on the handler's current version. */
  replay(id: string, now: number, handlerVersion: number): Promise<'replayed' | 'not_ended' | 'absent'>;
  get(id: string): Promise<ExecutionRecord | null>;
  /** Newest first; without input, output and logs. */
  list(filter: ExecutionFilter, page: PageRequest): Promise<Page<ExecutionRecord>>;
  /** How many have not ended; what it costs does not grow with those that have. */
  open(): Promise<{ pending: number; leased: number }>;
  /** How many executions are in each state, for health and tests. */
  counts(): Promise<Record<ExecutionState, number>>;
  /** A handler's durable value (JSON text), or null. */
  state(handlerId: number, key: string): Promise<string | null>;
}
