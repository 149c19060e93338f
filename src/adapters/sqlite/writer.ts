import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../../core/errors.ts';
import type { Durability } from './open.ts';
import { threadEnvironment } from './thread-environment.ts';
import type { Command, CommandName, CommandReply, WriterCommands } from './writer-thread.ts';

interface Waiting {
  command: Command;
  resolve(value: unknown): void;
  reject(error: Error): void;
}
/** Two messages at the writer: one being committed, one that waits so that the thread is never idle. */
const MESSAGES_UNDER_WAY = 2;
const MAX_WAITING = 100_000;

/** The main thread's side of the writer thread: gathers the commands of a turn and sends them as one message. */
export class Writer implements AsyncDisposable {
  readonly #worker: Worker;
  #waiting: Waiting[] = [];
  #sent: Waiting[][] = [];
  #scheduled = false;
  #broken: Error | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (replies: CommandReply[]) => this.#receive(replies));
    worker.on('error', (error) => this.#break(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => this.#break(new Error('the writer thread has ended')));
  }

  static async start(folder: string, durability: Durability): Promise<Writer> {
    const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), {
      workerData: { folder, durability },
      env: threadEnvironment(),
    });
    await once(worker, 'message');
    return new Writer(worker);
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

  #send(): void {
    if (this.#waiting.length === 0 || this.#sent.length >= MESSAGES_UNDER_WAY) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#sent.push(batch);
    this.#worker.postMessage(batch.map(({ command }) => command));
  }

  #receive(replies: CommandReply[]): void {
    const batch = this.#sent.shift() ?? [];
    this.#send();
    for (const [index, { resolve, reject }] of batch.entries()) {
      const reply = replies[index] as CommandReply;
      if (reply.ok) resolve(reply.value);
      else
        reject(
          new EngineError(
            reply.full ? 'store_full' : 'store_unavailable',
            reply.full ? 'The disk is full.' : 'The store refused the write.',
            { cause: new Error(reply.message) },
          ),
        );
    }
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    const lost = [...this.#sent.flat(), ...this.#waiting];
    this.#sent = [];
    this.#waiting = [];
    for (const { reject } of lost) reject(new EngineError('store_unavailable', 'The store has stopped.', { cause: error }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#broken === null) await this.call('close');
    await this.#worker.terminate();
  }
}
