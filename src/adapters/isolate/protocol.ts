import type { ExecutionError, FailureReason, LogLine } from '../../core/execution.ts';
import type { CompileResult, Language, SandboxHandler } from '../../ports/sandbox.ts';
import type { ExecutionLimits } from './limits.ts';

/** One execution as both processes name it: the n-th of a batch. */
export interface Ref {
  batch: number;
  index: number;
}

export interface RunnerSettings {
  limits: ExecutionLimits;
  loadMs: number;
}

/** Server to runner. A runner sees these in the order they were sent. `key` names one handler version with all its settings. */
export type ToRunner =
  | { type: 'settings'; settings: RunnerSettings }
  | { type: 'load'; key: string; handler: SandboxHandler }
  | { type: 'drop'; key: string }
  | { type: 'run'; key: string; batch: number; count: number; header: string; inputs: string }
  | { type: 'answer'; key: string; callId: number; kind: string; text: string }
  | { type: 'compile'; id: number; code: string; language: Language };

/** `logs` are the first lines it wrote, as far as they could be saved. */
export interface Culprit extends Ref {
  logs: LogLine[];
}

/** Why a runner has to go, and who is to blame. Executions in neither list are not at fault. */
export interface Verdict {
  reason: FailureReason;
  message: string;
  culprits: Culprit[];
  suspects: Ref[];
  /** All executions of these batches came to nothing with the culprit's isolate: the grace is not for them. */
  lost: number[];
}

/** Runner to server. */
export type FromRunner =
  | { type: 'ready'; rssBytes: number }
  /** JSON text of `{id, outcome}[]`, as the guest wrote it. */
  | { type: 'outcomes'; text: string }
  | { type: 'call'; key: string; callId: number; at: Ref; op: string; args: string }
  /** While busy, at least every BEAT_MS: what is under way. */
  | { type: 'beat'; running: Ref[]; rssBytes: number }
  | { type: 'idle'; rssBytes: number }
  | { type: 'load_failed'; key: string; error: ExecutionError }
  | { type: 'condemned'; verdict: Verdict }
  | { type: 'compiled'; id: number; result: CompileResult };

export const BEAT_MS = 100;
