import type { Outcome } from '../core/execution.ts';

export type Language = 'typescript' | 'javascript';

/** A handler version as the sandbox needs it. `javascript` is what `compile` answered for its source. */
export interface SandboxHandler {
  id: number;
  name: string;
  version: number;
  hook: string;
  javascript: string;
  /** JSON text of the handler's config. */
  config: string;
  timeoutMs: number;
  memoryMb: number;
  /** How many of this handler's executions may be under way at once. */
  concurrency: number;
}

export interface SandboxExecution {
  id: string;
  /** 1-based. */
  attempt: number;
  /** JSON text of the event or payload, given to the handler as its first argument. */
  input: string;
  tags: readonly string[];
  /**
   * 23 Crockford characters: the id of an emitted event that brings none (`_id`, else `event_id`) is this and its place among the
   * execution's emits, counted from 0, in three more characters (000, 001, …), so that a repeated run emits the same ids.
   */
  emitPrefix: string;
}

export interface SandboxBatch {
  /** The key whose registrant wrote the handler: one runner process serves one registrant at a time. */
  registrant: string;
  handler: SandboxHandler;
  /** Started in this order, `handler.concurrency` at a time. */
  executions: readonly SandboxExecution[];
  /** Nothing else may be under way in the runner process: set for executions that were in flight when a runner died. */
  alone: boolean;
}

/**
 * Where a batch's results go. Every execution of the batch is named exactly once, in `outcomes`, `returned` or `suspects`;
 * then `done` is called once.
 */
export interface BatchSink {
  outcomes(results: { id: string; outcome: Outcome }[]): void;
  /** Not at fault and not finished: never started, or their runner was thrown away for what another execution did. */
  returned(ids: string[]): void;
  /** In flight when their runner died and not alone: any of them may have killed it. Submit each again with `alone: true`. */
  suspects(ids: string[]): void;
  done(): void;
}

/**
 * Answers a host call of a handler with JSON text ("null" for what does not exist). A thrown HostCallRefused reaches the handler as an
 * Error with that message; any other error as "internal error". `args` is a JSON object:
 * events.get {id} · events.query {selector, limit?, sort?, projection?} · events.count {selector} · state.get {key}
 * · utilization.sessions, .periods and .users {start_time?, end_time?, analysis_type?, user_timezone?, include_users?}.
 * The selector and options are the handler's own and have not been checked.
 */
export interface HostCalls {
  call(caller: { registrant: string; handlerId: number; executionId: string }, op: HostOp, args: string): Promise<string>;
}
export const HOST_OPS = [
  'events.get',
  'events.query',
  'events.count',
  'state.get',
  'utilization.sessions',
  'utilization.periods',
  'utilization.users',
] as const;
export type HostOp = (typeof HOST_OPS)[number];

export class HostCallRefused extends Error {
  override readonly name = 'HostCallRefused';
  /** Uncaught, `permission` ends the execution as `permission` and `invalid` as `rejected`. */
  readonly reason: 'permission' | 'invalid';
  constructor(reason: 'permission' | 'invalid', message: string) {
    super(message);
    this.reason = reason;
  }
}

export type CompileResult = { ok: true; javascript: string } | { ok: false; message: string; line: number | null; column: number | null };

/** Runs registrants' code where it can hurt nobody. */
export interface Sandbox extends AsyncDisposable {
  /** Strips types, compiles and looks for a default export; runs nothing of it. Never throws for what the source contains. */
  compile(source: { code: string; language: Language }): Promise<CompileResult>;
  /** Takes a batch at once; waits inside for a free runner. Outcomes arrive in the order they happen. */
  submit(batch: SandboxBatch, sink: BatchSink): void;
  /** What these executions changed is now in the store (or was refused): overlays for `state.get` can go. */
  settled(handlerId: number, executionIds: readonly string[]): void;
  /** Ends one execution that is under way (outcome none: the caller has already decided); others of its runner come back by `returned`. */
  abort(executionId: string): void;
  /** Forgets the warm isolates of this handler (replaced, deregistered, or its state overlay is no longer right). */
  evict(handlerId: number): void;
  /** Runner processes since the start: how many were begun, and how many ended, by reason. */
  readonly turnover: { begun: number; ended: Readonly<Record<string, number>> };
  /** For health and tests. */
  readonly runners: readonly { pid: number; registrant: string | null; executions: number; rssBytes: number | null }[];
}
