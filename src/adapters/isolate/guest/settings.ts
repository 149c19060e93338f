import type { ExecutionLimits } from '../limits.ts';

/** What an isolate is told once, before any user code runs. */
export interface GuestSettings {
  handler: { id: number; name: string; version: number };
  hook: string;
  /** JSON text. */
  config: string;
  timeoutMs: number;
  lanes: number;
  limits: ExecutionLimits;
}

/** The ways out of the isolate. They queue on the host and answer nothing. */
export interface Exits {
  /** `count` executions have ended; `outcomes` is the JSON text of an array of `{id, outcome}`. */
  flush(count: number, outcomes: string): void;
  call(ticket: number, callId: number, op: string, args: string): void;
  sleep(callId: number, ms: number): void;
}
