import type { CompileResult, Language } from '../../ports/sandbox.ts';
import type { Job } from './job.ts';
import { type RunnerHooks, RunnerProcess } from './runner-process.ts';

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const SUPERVISE_MS = 100;
const STOP_MS = 2_000;
const CLOSING: CompileResult = { ok: false, message: 'the sandbox is closing', line: null, column: null };

interface CompileWait {
  source: { code: string; language: Language };
  resolve(result: CompileResult): void;
}

/**
 * Runner processes and who has them. A process serves one registrant; one more than the pool's size stands by unassigned, so that
 * giving a registrant a fresh process takes no time. Sources are compiled there too, where no one's code has run.
 */
export class Pool {
  readonly #size: number;
  readonly #hooks: RunnerHooks;
  readonly #bound = new Set<RunnerProcess>();
  /** Not yet seen to exit, bound or not. */
  readonly #alive = new Set<RunnerProcess>();
  #spare: RunnerProcess | null = null;
  #waiting: Job[] = [];
  readonly #compiles: CompileWait[] = [];
  #births = 0;
  readonly #ended: Record<string, number> = {};
  #failedBirths = 0;
  #isDue = false;
  #isClosed = false;
  #refork: NodeJS.Timeout | null = null;
  #supervision: NodeJS.Timeout | null = null;
  #quantum: NodeJS.Timeout | null = null;

  constructor(size: number, hooks: Omit<RunnerHooks, 'changed' | 'isClosing'>) {
    this.#size = Math.max(1, size);
    this.#hooks = { ...hooks, changed: (runner) => this.#changed(runner), isClosing: () => this.#isClosed };
    this.#ensureSpare();
  }

  get runners(): readonly RunnerProcess[] {
    return [...this.#alive];
  }

  get turnover(): { begun: number; ended: Readonly<Record<string, number>> } {
    return { begun: this.#births, ended: this.#ended };
  }

  submit(job: Job): void {
    if (this.#isClosed) {
      job.giveBack(job.openIds);
      return;
    }
    this.#waiting.push(job);
    this.#plan();
  }

  compile(source: CompileWait['source']): Promise<CompileResult> {
    if (this.#isClosed) return Promise.resolve(CLOSING);
    const { promise, resolve } = Promise.withResolvers<CompileResult>();
    this.#compiles.push({ source, resolve });
    this.#plan();
    return promise;
  }

  /** Whether `executionId` was waiting or under way. */
  abort(executionId: string): void {
    const waiting = this.#waiting.find((job) => job.has(executionId));
    waiting?.forget(executionId);
    if (waiting?.size === 0) this.#waiting = this.#waiting.filter((job) => job !== waiting);
    if (waiting === undefined) this.runners.some((runner) => runner.abort(executionId));
  }

  evict(handlerId: number): void {
    for (const runner of this.#bound) runner.evict(handlerId);
  }

  /** Work is placed once per turn of the event loop, however many things changed in it. */
  #plan(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (!this.#isClosed) this.#dispatch();
    });
  }

  #changed(runner: RunnerProcess): void {
    if (runner.state === 'ready' && runner === this.#spare) this.#failedBirths = 0;
    if (runner.state === 'dead') this.#buried(runner);
    if (runner.state === 'condemned') this.#bound.delete(runner);
    this.#plan();
  }

  #buried(runner: RunnerProcess): void {
    this.#alive.delete(runner);
    this.#bound.delete(runner);
    this.#ended[runner.endReason] = (this.#ended[runner.endReason] ?? 0) + 1;
    if (runner !== this.#spare) return;
    this.#spare = null;
    if (this.#isClosed) return;
    this.#failedBirths++;
    const delay = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failedBirths - 1), MAX_BACKOFF_MS);
    this.#hooks.log('warn', 'the spare runner died', { pid: runner.pid, exit: runner.exitText, retryMs: delay });
    this.#refork = setTimeout(() => {
      this.#refork = null;
      this.#plan();
    }, delay);
  }

  #ensureSpare(): void {
    if (this.#spare !== null || this.#refork !== null || this.#isClosed) return;
    this.#births++;
    this.#spare = new RunnerProcess(this.#hooks);
    this.#alive.add(this.#spare);
  }

  #dispatch(): void {
    this.#ensureSpare();
    this.#compileNext();
    this.#placeWaiting();
    this.#ensureSpare();
    this.#supervise();
  }

  #compileNext(): void {
    const spare = this.#spare;
    if (spare?.state !== 'ready' || spare.isCompiling) return;
    const next = this.#compiles.shift();
    if (next !== undefined) void spare.compile(this.#births, next.source).then(next.resolve);
  }

  /** In order of arrival; what cannot start yet keeps later work of its handler, and the runner it waits for, back. */
  #placeWaiting(): void {
    const held = new Set<RunnerProcess>();
    const blocked = new Set<number>();
    const starving = new Set<string>();
    this.#waiting = this.#waiting.filter((job) => {
      const { handler, registrant } = job.batch;
      const runner = blocked.has(handler.id) ? null : this.#placeOf(job, held);
      if (runner !== null) {
        runner.assign(job);
        return false;
      }
      blocked.add(handler.id);
      if (job.batch.alone) this.#hold(registrant, held);
      if (![...this.#bound].some((own) => own.registrant === registrant)) starving.add(registrant);
      return true;
    });
    for (const registrant of starving) this.#relieve(registrant);
  }

  /** A handler stays with one runner while it runs, or its concurrency would count per process. */
  #placeOf(job: Job, held: Set<RunnerProcess>): RunnerProcess | null {
    const fits = (runner: RunnerProcess) => !held.has(runner) && runner.hasRoomFor(job);
    const home = this.runners.find((runner) => runner.runsHandler(job.batch.handler.id));
    if (home !== undefined) return this.#bound.has(home) && fits(home) ? home : null;
    const own = [...this.#bound].filter((runner) => runner.registrant === job.batch.registrant && fits(runner));
    const idle = own.find((runner) => !runner.isBusy);
    if (idle !== undefined) return idle;
    return this.#bindSpare(job) ?? own.toSorted((a, b) => a.open - b.open)[0] ?? null;
  }

  #bindSpare(job: Job): RunnerProcess | null {
    const spare = this.#spare;
    if (spare === null || !spare.hasRoomFor(job) || !this.#makePlace(job.batch.registrant)) return null;
    spare.registrant = job.batch.registrant;
    spare.boundAt = performance.now();
    this.#bound.add(spare);
    this.#spare = null;
    return spare;
  }

  /** Whether one more process may be bound; ends an idle one of somebody else if that is what it takes. */
  #makePlace(registrant: string): boolean {
    if (this.#bound.size < this.#size) return true;
    const idle = [...this.#bound].find((runner) => !runner.isBusy && runner.registrant !== registrant);
    if (idle === undefined) return false;
    this.#bound.delete(idle);
    idle.kill('displaced');
    return true;
  }

  /** Keeps one runner of this registrant from new work, so that it gets empty for a batch that must run alone. */
  #hold(registrant: string, held: Set<RunnerProcess>): void {
    const own = [...this.#bound].filter((runner) => runner.registrant === registrant && !held.has(runner));
    const least = own.toSorted((a, b) => a.open - b.open)[0];
    if (least !== undefined) held.add(least);
  }

  /** Nobody's runner is idle and this registrant has none: the longest served one takes no more once its time is up. */
  #relieve(registrant: string): void {
    if (this.#bound.size < this.#size || [...this.#bound].some((runner) => runner.isDraining)) return;
    const [oldest] = [...this.#bound].filter((runner) => runner.registrant !== registrant).toSorted((a, b) => a.boundAt - b.boundAt);
    if (oldest === undefined) return;
    const leftMs = oldest.boundAt + this.#hooks.limits.quantumMs - performance.now();
    if (leftMs <= 0) oldest.isDraining = true;
    else this.#quantum ??= setTimeout(() => this.#quantumOver(), leftMs);
  }

  #quantumOver(): void {
    this.#quantum = null;
    this.#plan();
  }

  /** Only while something is under way, so an idle server has no timer of ours. */
  #supervise(): void {
    if (this.#supervision !== null || !this.runners.some((runner) => runner.isBusy || runner.state === 'booting')) return;
    let lookedAt = performance.now();
    this.#supervision = setInterval(() => {
      const now = performance.now();
      // If this process was held up, what the runners said meanwhile is still unread: judge them the next time.
      const wasHeldUp = now - lookedAt > 2 * SUPERVISE_MS;
      lookedAt = now;
      if (wasHeldUp) return;
      for (const runner of this.runners) runner.supervise(now);
      if (this.runners.some((runner) => runner.isBusy || runner.state === 'booting') || this.#supervision === null) return;
      clearInterval(this.#supervision);
      this.#supervision = null;
    }, SUPERVISE_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of [this.#refork, this.#quantum]) if (timer !== null) clearTimeout(timer);
    if (this.#supervision !== null) clearInterval(this.#supervision);
    for (const job of this.#waiting.splice(0)) job.giveBack(job.openIds);
    for (const { resolve } of this.#compiles.splice(0)) resolve(CLOSING);
    const leaving = this.runners;
    for (const runner of leaving) runner.kill('stopped');
    const { promise: tooLate, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, STOP_MS);
    await Promise.race([Promise.all(leaving.map((runner) => runner.gone)), tooLate]);
    clearTimeout(deadline);
  }
}
