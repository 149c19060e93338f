import type { Attachment } from './mail-attachment.ts';

/**
 * One execution is one handler run for one subject (an event, or a firing of another hook).
 *
 *            claim / direct lease            outcome succeeded
 *   pending ─────────────────────▶ leased ─────────────────────▶ succeeded
 *      ▲  │                        │ │ │
 *      │  │ cancel                 │ │ └─ failed, budget spent ─▶ dead ──┐
 *      │  ▼                        │ │                                   │ replay
 *      │ canceled ◀── cancel ──────┘ │                                   │
 *      └──── failed, attempts left ──┴───────────────────────────────────┘
 *
 * A lease that its owner lost (server killed) goes back to pending without touching the retry budget.
 */
export const EXECUTION_STATES = ['pending', 'leased', 'succeeded', 'dead', 'canceled'] as const;
export type ExecutionState = (typeof EXECUTION_STATES)[number];

/**
 * Why an attempt failed. `lost` is an attempt whose server died: it never counts against the budget.
 * `rejected` means the engine refused what the handler asked for (a bad emitted event, a depth bound): retrying cannot help.
 */
export const FAILURE_REASONS = [
  'thrown',
  'timeout',
  'memory',
  'output_too_large',
  'crashed_runner',
  'permission',
  'rejected',
  'load_failed',
  'expired',
  'lost',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export type LogLevelName = 'debug' | 'info' | 'warn' | 'error';
/** One `ctx.log` line. `at` is milliseconds since the epoch. */
export interface LogLine {
  level: LogLevelName;
  message: string;
  at: number;
}

/** What went wrong in one attempt; `line` and `column` are 1-based places in the registrant's own source. */
export interface ExecutionError {
  reason: FailureReason;
  message: string;
  line: number | null;
  column: number | null;
}

/** What a handler asked for during its run. Nothing of it happens before the outcome is committed. */
export type Effect =
  | { op: 'emit'; event: string; line: number | null; column: number | null }
  | { op: 'state.set'; key: string; value: string }
  | { op: 'state.delete'; key: string }
  | { op: 'state.increment'; key: string; by: number }
  | { op: 'mail'; to: string; subject: string; text: string; html: string | null; attachments?: readonly Attachment[] }
  /** `event` is JSON text; null: the event that fired, unchanged, whose numbers then keep their spelling. */
  | { op: 'alert'; event: string | null; to: string[] | null; importance: string | null; line: number | null; column: number | null };

interface OutcomeBase {
  /** Milliseconds since the epoch, with fraction, by the runner's clock. */
  startedAt: number;
  finishedAt: number;
  logs: LogLine[];
}
/** `output` is the JSON text of what the handler returned ("null" for undefined). */
export type Outcome =
  | (OutcomeBase & { kind: 'succeeded'; output: string; effects: Effect[] })
  | (OutcomeBase & { kind: 'failed'; error: ExecutionError });
