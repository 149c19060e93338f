import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../../core/errors.ts';
import { SchemaMismatch } from '../../core/schema-version.ts';
import { threadEnvironment } from './thread-environment.ts';
import type { Command, CommandName, CommandReply, WriterCommands, WriterData, WriterReply, WriterStart } from './writer-thread.ts';

interface Waiting {
  command: Command;
  resolve(value: unknown): void;
  reject(error: Error): void;
}
/** A commit that took longer than this waited for the disk. */
const SLOW_COMMIT_MS = 1;
const LONGEST_GATHER_MS = 5;
const MAX_WAITING = 100_000;

/** The main thread's side of the writer thread: gathers the commands of a turn and sends them as one message. */
export class Writer implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #onBroken: (error: Error) => void;
  #closing = false;
  #waiting: Waiting[] = [];
  #sent: Waiting[][] = [];
  #isDiskSlow = false;
  #scheduled = false;
  /** Where commits wait for the disk: until when more commands are gathered for the next one, and how many are enough. */
  #gatherUntil = 0;
  #enough = 0;
  #gathering: NodeJS.Timeout | null = null;
  #broken: Error | null = null;

  private constructor(worker: Worker, onBroken: (error: Error) => void) {
    this.#worker = worker;
    this.#onBroken = onBroken;
    worker.on('message', (reply: WriterReply) => this.#receive(reply));
    worker.on('error', (error) => this.#break(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => this.#break(new Error('the writer thread has ended')));
  }

  /** `onBroken`: the thread ended unasked, and nothing can be written any more. */
  static async start(workerData: WriterData, onBroken: (error: Error) => void = () => {}): Promise<Writer> {
    const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData, env: threadEnvironment() });
    const [{ mismatch }] = (await once(worker, 'message')) as [WriterStart];
    if (mismatch === null) return new Writer(worker, onBroken);
    await worker.terminate();
    throw new SchemaMismatch(mismatch, workerData.release);
  }

  /** Resolves after the commit that holds this command. */
  call<Name extends CommandName>(name: Name, ...args: Parameters<WriterCommands[Name]>): Promise<ReturnType<WriterCommands[Name]>> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) return reject(new EngineError('store_unavailable', 'The store has stopped.', { cause: this.#broken }));
      if (this.#waiting.length >= MAX_WAITING) return reject(new EngineError('overloaded', 'Too many writes are waiting.'));
      this.#waiting.push({ command: [name, args], resolve: resolve as (value: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#send();
      });
    });
  }

  /**
   * What comes while messages are under way goes with the next one: the thread has one at work and one in its hands, so that it is never
   * idle. Where commits wait for the disk, one message at a time makes for larger commits, and gathering for larger ones still: clients
   * that were answered together ask again together, so it pays to wait for them, for half as long as the last commit took.
   */
  #send(): void {
    if (this.#waiting.length === 0 || this.#sent.length >= (this.#isDiskSlow ? 1 : 2) || this.#isGathering()) return;
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#sent.push(batch);
    this.#worker.postMessage(batch.map(({ command }) => command));
  }

  #isGathering(): boolean {
    if (this.#waiting.length >= this.#enough) return false;
    const left = this.#gatherUntil - performance.now();
    if (left <= 0) return false;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      this.#gatherUntil = 0;
      this.#send();
    }, left);
    return true;
  }

  #receive({ replies, commitMs }: WriterReply): void {
    const batch = this.#sent.shift() ?? [];
    this.#isDiskSlow = commitMs > SLOW_COMMIT_MS;
    this.#enough = batch.length;
    this.#gatherUntil = this.#isDiskSlow ? performance.now() + Math.min(commitMs / 2, LONGEST_GATHER_MS) : 0;
    this.#send();
    for (const [index, waiting] of batch.entries()) answer(waiting, replies[index] as CommandReply);
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    if (!this.#closing) this.#onBroken(error);
    const lost = [...this.#sent.flat(), ...this.#waiting];
    this.#sent = [];
    this.#waiting = [];
    for (const { reject } of lost) reject(new EngineError('store_unavailable', 'The store has stopped.', { cause: error }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    if (this.#broken === null) await this.call('close');
    await this.#worker.terminate();
  }
}

function answer({ resolve, reject }: Waiting, reply: CommandReply): void {
  if (reply.ok) {
    resolve(reply.value);
    return;
  }
  const cause = new Error(reply.message);
  const [code, text] = reply.full
    ? (['store_full', 'The disk is full.'] as const)
    : (['store_unavailable', 'The store refused the write.'] as const);
  reject(new EngineError(code, text, { cause }));
}
