import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { CompileResult, Language } from '../../ports/sandbox.ts';
import { decodeOutcomes, encodeBatch } from './batch-text.ts';
import { Flights } from './flights.ts';
import { forkRunner } from './fork-runner.ts';
import type { Job, Result } from './job.ts';
import type { SandboxLimits } from './limits.ts';
import type { FromRunner, ToRunner, Verdict } from './protocol.ts';
import { WarmSet } from './warm-set.ts';

const PAGE_BYTES = 4_096;
const MIB = 2 ** 20;
const STDERR_CHARS = 2_000;
/** How much later than the runner the server acts: the runner knows more. */
const LATE_MS = 800;
const LATE_MB = 120;

export interface RunnerHooks {
  limits: SandboxLimits;
  now(): number;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Before the sink hears of them. */
  ended(handlerId: number, results: Result[]): void;
  called(runner: RunnerProcess, job: Job, executionId: string, call: FromRunner & { type: 'call' }): void;
  /** Ready, or has room again, or is gone: time to look for work. */
  changed(runner: RunnerProcess): void;
  /** Whether processes now end because the server wants it. */
  isClosing(): boolean;
}

/**
 * One forked runner as the server sees it.
 *
 *   booting ──ready──▶ ready ──condemned──▶ condemned ──grace over, or nothing open──▶ dead
 *      └──────────────────┴── exit of the process ───────────────────────────────────────▲
 *
 * A condemned runner takes no work.
 */
export class RunnerProcess {
  state: 'booting' | 'ready' | 'condemned' | 'dead' = 'booting';
  registrant: string | null = null;
  boundAt = 0;
  /** Takes no more work, because another registrant waits for its place. */
  isDraining = false;
  isCompiling = false;
  rssBytes: number | null = null;
  /** Why it ends, in a word; `died`: nobody wanted it. */
  endReason = 'died';
  /** Resolves when the process has ended. */
  readonly gone: Promise<void>;
  readonly #hooks: RunnerHooks;
  readonly #child: ChildProcess = forkRunner();
  readonly #flights: Flights;
  readonly #warm: WarmSet;
  #heardAt = performance.now();
  #bootRss = 0;
  #stderr = '';
  #compiled: ((result: CompileResult) => void) | null = null;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(hooks: RunnerHooks) {
    this.#hooks = hooks;
    this.#warm = new WarmSet(hooks.limits, (key) => this.#send({ type: 'drop', key }));
    this.#flights = new Flights(hooks.now, (job) => this.#warm.done(job.key));
    this.gone = this.#listen();
    this.#send({ type: 'settings', settings: { limits: hooks.limits, loadMs: hooks.limits.loadMs } });
  }

  #listen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      if (this.state !== 'dead') this.#ended();
      resolve();
    };
    this.#child.on('message', (message: FromRunner) => this.#receive(message));
    // A message that could not be sent, or a process that could not be started. Only the second has no exit to come.
    this.#child.on('error', () => (this.#child.pid === undefined ? end() : this.kill()));
    this.#child.once('exit', end);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS);
    });
    return promise;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exitText(): string {
    return `${this.#child.signalCode ?? this.#child.exitCode ?? 'not started'}`;
  }

  /** Executions it has and has not reported. */
  get open(): number {
    return this.#flights.open;
  }

  get isBusy(): boolean {
    return !this.#flights.isEmpty;
  }

  runsHandler(handlerId: number): boolean {
    return this.#flights.hasHandler(handlerId);
  }

  /** Whether `job` may be sent now, all rules about other runners apart. */
  hasRoomFor(job: Job): boolean {
    if (this.state !== 'ready' || this.isCompiling || this.isDraining) return false;
    if (!this.isBusy) return true;
    return !job.batch.alone && !this.#flights.hasLoner && this.open < this.#hooks.limits.executionsPerRunner;
  }

  assign(job: Job): void {
    if (!this.isBusy) this.#heardAt = performance.now();
    this.#stopIdling();
    const { handler } = job.batch;
    const executions = job.take();
    const batch = this.#flights.add(job);
    if (this.#warm.use(job.key, handler)) this.#send({ type: 'load', key: job.key, handler });
    this.#send({ type: 'run', key: job.key, batch, count: executions.length, ...encodeBatch(executions) });
  }

  /** The isolates of this handler are of no use for batches to come. */
  evict(handlerId: number): void {
    this.#warm.evict(handlerId);
  }

  answer(key: string, callId: number, kind: string, text: string): void {
    this.#send({ type: 'answer', key, callId, kind, text });
  }

  compile(id: number, source: { code: string; language: Language }): Promise<CompileResult> {
    const { promise, resolve } = Promise.withResolvers<CompileResult>();
    const deadline = setTimeout(() => this.kill('compile'), this.#hooks.limits.compileMs);
    this.isCompiling = true;
    this.#compiled = (result) => {
      clearTimeout(deadline);
      this.isCompiling = false;
      this.#compiled = null;
      resolve(result);
    };
    this.#send({ type: 'compile', id, ...source });
    return promise;
  }

  /** Ends `executionId` without an outcome, and with it this process. Answers whether it was here. */
  abort(executionId: string): boolean {
    if (this.#flights.jobOf(executionId) === null) return false;
    this.#flights.forget(executionId);
    this.#retire('aborted');
    return true;
  }

  kill(reason: string | null = null): void {
    if (reason !== null && this.endReason === 'died') this.endReason = reason;
    this.#child.kill('SIGKILL');
  }

  /** The server's own look, should the runner's main thread be in no state to report. */
  supervise(now: number): void {
    if (this.state === 'dead' || !(this.isBusy || this.state === 'booting')) return;
    const { silenceMs, bootMs } = this.#hooks.limits;
    if (now - this.#heardAt > (this.state === 'booting' ? bootMs : silenceMs)) return void this.kill('silent');
    const late = this.#flights.findLate(now, LATE_MS);
    if (late !== null) this.#expire(late);
    this.rssBytes = residentBytes(this.pid) ?? this.rssBytes;
    const allowed = this.#bootRss + (LATE_MB + this.#warm.allowanceMb) * MIB;
    if (this.state === 'ready' && (this.rssBytes ?? 0) > allowed) this.kill('memory');
  }

  #expire({ ref, job }: NonNullable<ReturnType<Flights['findLate']>>): void {
    const message = `ran longer than ${job.batch.handler.timeoutMs} ms`;
    this.#condemn({ reason: 'timeout', message, culprits: [{ ...ref, logs: [] }], suspects: [], lost: [ref.batch] });
    this.kill();
  }

  #send(message: ToRunner): void {
    if (this.#child.connected) this.#child.send(message, (error) => error && this.kill());
  }

  #receive(message: FromRunner): void {
    this.#heardAt = performance.now();
    switch (message.type) {
      case 'ready':
        this.#booted(message.rssBytes);
        break;
      case 'outcomes':
        this.#outcomes(message.text);
        break;
      case 'call':
        this.#called(message);
        break;
      case 'beat':
        this.rssBytes = message.rssBytes;
        this.#flights.beat(message.running, this.#heardAt);
        break;
      case 'idle':
        this.#idle(message.rssBytes);
        break;
      case 'load_failed':
        this.#warm.lost(message.key);
        this.#flights.loadFailed(message.key, message.error);
        this.#settleDown();
        break;
      case 'condemned':
        this.#condemn(message.verdict);
        break;
      case 'compiled':
        this.#compiled?.(message.result);
        this.#hooks.changed(this);
        break;
      default:
        message satisfies never;
    }
  }

  #booted(rssBytes: number): void {
    if (this.state === 'booting') this.state = 'ready';
    this.rssBytes = rssBytes;
    this.#bootRss = rssBytes;
    this.#hooks.changed(this);
  }

  #outcomes(text: string): void {
    const results = decodeOutcomes(text);
    if (results === null) {
      this.#hooks.log('error', 'a runner sent something that is not a list of outcomes', { pid: this.pid });
      return void this.kill();
    }
    this.#flights.outcomes(results, (job, own) => this.#hooks.ended(job.batch.handler.id, own));
    this.#settleDown();
  }

  #called(call: FromRunner & { type: 'call' }): void {
    const found = this.#flights.find(call.at);
    if (found !== null) this.#hooks.called(this, found.job, found.id, call);
  }

  /** A process that has grown is not kept, one without work not for long. */
  #idle(rssBytes: number): void {
    this.rssBytes = rssBytes;
    if (this.isBusy || this.registrant === null) return;
    const { idleRssMb, idleMs } = this.#hooks.limits;
    if (rssBytes > idleRssMb * MIB) return void this.#retire('grown');
    this.#stopIdling();
    this.#idleTimer = setTimeout(() => this.#retire('idle'), idleMs).unref();
  }

  #stopIdling(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
  }

  /** The runner (or `supervise`) found that this process has to go. */
  #condemn(verdict: Verdict): void {
    const { pid, registrant } = this;
    if (this.state === 'ready') this.#hooks.log('warn', 'a runner is thrown away', { pid, reason: verdict.reason, registrant });
    this.#flights.judge(verdict);
    this.#retire(verdict.reason);
  }

  /** No more work for this process. The innocent have a moment to finish; then it ends. */
  #retire(reason: string): void {
    if (this.state === 'dead') return;
    if (this.endReason === 'died') this.endReason = reason;
    if (this.state !== 'condemned') setTimeout(() => this.kill(), this.#hooks.limits.graceMs).unref();
    this.state = 'condemned';
    this.#settleDown();
  }

  #settleDown(): void {
    if (this.state === 'condemned' && !this.isBusy) this.kill();
    this.#hooks.changed(this);
  }

  /** The process is gone, expected or not. */
  #ended(): void {
    const wasExpected = this.state === 'condemned' || this.#hooks.isClosing();
    const { pid, exitText: exit, registrant } = this;
    this.state = 'dead';
    this.#stopIdling();
    this.#compiled?.({ ok: false, message: 'the source takes too much time or memory to compile', line: null, column: null });
    if (this.isBusy && !wasExpected) {
      this.#hooks.log('warn', 'a runner died', { pid, exit, registrant, stderr: this.#stderr });
      this.#flights.blame(exit);
    }
    this.#flights.giveBackAll();
    this.#hooks.changed(this);
  }
}

/** Resident memory of a process on Linux, read without its help; null elsewhere. */
function residentBytes(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return null;
  }
}
