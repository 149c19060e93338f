import { setImmediate } from 'node:timers/promises';
import type { Effect, FailureReason, Outcome } from '../../src/core/execution.ts';
import type { BatchSink, CompileResult, Sandbox, SandboxBatch, SandboxExecution } from '../../src/ports/sandbox.ts';

/** How the sandbox ends one execution; `hold` leaves it under way until the test ends it. */
export type Reply = Outcome | 'returned' | 'suspect' | 'hold';
export type Script = (execution: SandboxExecution, batch: SandboxBatch) => Reply;

export const ok = (over: Partial<Extract<Outcome, { kind: 'succeeded' }>> = {}): Outcome => ({
  kind: 'succeeded',
  startedAt: 1,
  finishedAt: 2,
  logs: [],
  output: 'null',
  effects: [],
  ...over,
});
export const doing = (...effects: Effect[]): Outcome => ok({ effects });
export const emit = (event: object): Effect => ({ op: 'emit', event: JSON.stringify(event), line: 3, column: 5 });
export const fail = (reason: FailureReason = 'thrown', message = 'broken'): Outcome => ({
  kind: 'failed',
  startedAt: 1,
  finishedAt: 2,
  logs: [],
  error: { reason, message, line: 1, column: 2 },
});

/** A batch that the sandbox has. Every execution must be named once; after the last one `done` is called. */
export class Flight {
  readonly batch: SandboxBatch;
  readonly #sink: BatchSink;
  readonly #open: Set<string>;

  constructor(batch: SandboxBatch, sink: BatchSink) {
    this.batch = batch;
    this.#sink = sink;
    this.#open = new Set(batch.executions.map(({ id }) => id));
  }
  get ids(): string[] {
    return this.batch.executions.map(({ id }) => id);
  }
  get open(): string[] {
    return [...this.#open];
  }
  /** Ends these, or all that are still open. */
  end(outcome: Outcome | ((id: string) => Outcome) = ok(), ids: readonly string[] = this.open): void {
    const results = this.#take(ids).map((id) => ({ id, outcome: typeof outcome === 'function' ? outcome(id) : outcome }));
    if (results.length > 0) this.#sink.outcomes(results);
    this.#finish();
  }
  giveBack(ids: readonly string[] = this.open): void {
    const own = this.#take(ids);
    if (own.length > 0) this.#sink.returned(own);
    this.#finish();
  }
  suspect(ids: readonly string[] = this.open): void {
    const own = this.#take(ids);
    if (own.length > 0) this.#sink.suspects(own);
    this.#finish();
  }
  /** Takes one out without a word, as an abort does. */
  forget(id: string): void {
    if (this.#take([id]).length > 0) this.#finish();
  }
  #take(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#open.delete(id));
  }
  #isDone = false;
  #finish(): void {
    if (this.#open.size > 0 || this.#isDone) return;
    this.#isDone = true;
    this.#sink.done();
  }
}

/** Runs nothing: each execution ends as the script says, or as the test says by way of its flight. */
export class ScriptedSandbox implements Sandbox {
  script: Script;
  readonly flights: Flight[] = [];
  readonly aborted: string[] = [];
  readonly evicted: number[] = [];
  readonly told: string[] = [];
  /** Ids in the order in which they were started. */
  readonly started: string[] = [];
  mostAtOnce = 0;
  #seen = 0;
  #watchers: (() => void)[] = [];

  constructor(script: Script = () => 'hold') {
    this.script = script;
  }
  get underWay(): string[] {
    return this.flights.flatMap((flight) => flight.open);
  }
  compile(): Promise<CompileResult> {
    return Promise.resolve({ ok: true, javascript: 'export default () => 1' });
  }
  submit(batch: SandboxBatch, sink: BatchSink): void {
    const flight = new Flight(batch, sink);
    this.flights.push(flight);
    this.started.push(...flight.ids);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay.length);
    for (const watch of this.#watchers.splice(0)) watch();
    void this.#play(flight);
  }
  /** The next batch that was not asked for yet; waits for it. */
  async next(): Promise<Flight> {
    while (this.#seen >= this.flights.length) await new Promise<void>((resolve) => this.#watchers.push(resolve));
    return this.flights[this.#seen++] as Flight;
  }
  settled(_handlerId: number, executionIds: readonly string[]): void {
    this.told.push(...executionIds);
  }
  abort(executionId: string): void {
    this.aborted.push(executionId);
    for (const flight of this.flights) flight.forget(executionId);
  }
  evict(handlerId: number): void {
    this.evicted.push(handlerId);
  }
  readonly turnover = { begun: 0, ended: {} };
  get runners() {
    return [];
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const flight of this.flights) flight.giveBack();
  }

  async #play(flight: Flight): Promise<void> {
    await setImmediate();
    for (const execution of flight.batch.executions) {
      const reply = this.script(execution, flight.batch);
      if (reply === 'returned') flight.giveBack([execution.id]);
      else if (reply === 'suspect') flight.suspect([execution.id]);
      else if (reply !== 'hold') flight.end(reply, [execution.id]);
    }
  }
}
