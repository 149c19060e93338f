import type { ExecutionError, FailureReason, Outcome } from '../../core/execution.ts';
import type { BatchSink, SandboxBatch, SandboxExecution } from '../../ports/sandbox.ts';

export interface Result {
  id: string;
  outcome: Outcome;
}

/** A submitted batch on its way: sees to it that each execution is named once and that `done` is called once, after the last. */
export class Job {
  readonly batch: SandboxBatch;
  /** Names the handler version with all its settings; the same text means the same warm isolate. */
  readonly key: string;
  readonly #sink: BatchSink;
  readonly #open: Map<string, SandboxExecution>;
  /** What was sent to the runner, in the order that its refs count. */
  #sent: readonly SandboxExecution[] = [];
  #isDone = false;

  constructor(batch: SandboxBatch, key: string, sink: BatchSink) {
    this.batch = batch;
    this.key = key;
    this.#sink = sink;
    this.#open = new Map(batch.executions.map((execution) => [execution.id, execution]));
  }

  get size(): number {
    return this.#open.size;
  }

  get openIds(): string[] {
    return [...this.#open.keys()];
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** What is still to be run, once. */
  take(): readonly SandboxExecution[] {
    this.#sent = [...this.#open.values()];
    return this.#sent;
  }

  idAt(index: number): string | null {
    const id = this.#sent[index]?.id;
    return id !== undefined && this.#open.has(id) ? id : null;
  }

  outcomes(results: Result[]): void {
    const own = results.filter(({ id }) => this.#open.delete(id));
    if (own.length > 0) this.#sink.outcomes(own);
    this.#finish();
  }

  fail(ids: string[], error: ExecutionError, times: { startedAt: number; finishedAt: number }): void {
    this.outcomes(ids.map((id) => ({ id, outcome: { kind: 'failed', error, logs: [], ...times } })));
  }

  giveBack(ids: string[]): void {
    const own = ids.filter((id) => this.#open.delete(id));
    if (own.length > 0) this.#sink.returned(own);
    this.#finish();
  }

  suspect(ids: string[]): void {
    const own = ids.filter((id) => this.#open.delete(id));
    if (own.length > 0) this.#sink.suspects(own);
    this.#finish();
  }

  /** Its caller wants no outcome for it. */
  forget(id: string): void {
    this.#open.delete(id);
    this.#finish();
  }

  #finish(): void {
    if (this.#open.size > 0 || this.#isDone) return;
    this.#isDone = true;
    this.#sink.done();
  }
}

export function errorOf(reason: FailureReason, message: string): ExecutionError {
  return { reason, message, line: null, column: null };
}
