import { Piscina } from 'piscina';
import { EngineError } from '../../core/errors.ts';
import { REPORT_MEMORY, REPORT_PATIENCE, REPORT_TOO_LARGE } from '../../core/utilization/request.ts';
import type { ReadLimits } from './read-events.ts';
import type { ReadName, ReadReply, Reads, ReadTask } from './reader-thread.ts';
import { threadEnvironment } from './thread-environment.ts';

/** How long a thread may overrun its own deadline before it is killed. */
const GRACE_MS = 500;
const MAX_QUEUED = 1_000;
const REPORT_THREADS = 2;
const MAX_QUEUED_REPORTS = 100;

/**
 * Reads run in threads of their own: node:sqlite is synchronous, and a selector may take as long as its deadline.
 * A thread that does not end in time (a regular expression that blows up) is killed and replaced.
 */
export class Readers implements AsyncDisposable {
  /** Look-ups by key and small lists: they must not wait behind somebody's query. */
  readonly #quick: Piscina<ReadTask, ReadReply>;
  readonly #slow: Piscina<ReadTask, ReadReply>;
  /** Reports look at a year of events: queries must not wait behind them. */
  readonly #reports: Piscina<ReadTask, ReadReply>;
  readonly #deadlineMs: number;

  constructor(options: { folder: string; threads: number; deadlineMs: number; limits: ReadLimits }) {
    this.#deadlineMs = options.deadlineMs;
    const pool = (minThreads: number, maxThreads: number, more: Partial<PoolOptions> = {}) =>
      new Piscina<ReadTask, ReadReply>({
        filename: new URL('./reader-thread.ts', import.meta.url).href,
        workerData: { folder: options.folder, limits: options.limits },
        minThreads,
        maxThreads,
        idleTimeout: 30_000,
        maxQueue: MAX_QUEUED,
        env: threadEnvironment(),
        execArgv: [],
        ...more,
      });
    this.#quick = pool(1, 1);
    this.#slow = pool(0, options.threads);
    this.#reports = pool(0, REPORT_THREADS, { maxQueue: MAX_QUEUED_REPORTS, resourceLimits: REPORT_MEMORY });
  }

  call<Name extends ReadName>(name: Name, ...args: Parameters<Reads[Name]>): Promise<ReturnType<Reads[Name]>> {
    return this.#run(this.#quick, { name, args }, undefined) as Promise<ReturnType<Reads[Name]>>;
  }

  /** For reads that a caller can make slow: their last parameter is the deadline, which is added here. */
  callBounded<Name extends ReadName>(name: Name, ...args: WithoutLast<Parameters<Reads[Name]>>): Promise<Answer<Name>> {
    return this.#bounded(this.#slow, this.#deadlineMs, { name, args });
  }

  /** As callBounded, for what looks at a great many events and may take longer. */
  callReport<Name extends ReadName>(name: Name, ...args: WithoutLast<Parameters<Reads[Name]>>): Promise<Answer<Name>> {
    return this.#bounded(this.#reports, REPORT_PATIENCE * this.#deadlineMs, { name, args });
  }

  async #bounded<Name extends ReadName>(pool: Piscina<ReadTask, ReadReply>, ms: number, { name, args }: ReadTask): Promise<Answer<Name>> {
    const task = { name, args: [...args, Date.now() + ms] };
    return (await this.#run(pool, task, AbortSignal.timeout(ms + GRACE_MS))) as Answer<Name>;
  }

  async #run(pool: Piscina<ReadTask, ReadReply>, task: ReadTask, signal: AbortSignal | undefined): Promise<unknown> {
    let reply: ReadReply;
    try {
      reply = await pool.run(task, signal === undefined ? {} : { signal });
    } catch (cause) {
      if (signal?.aborted) throw new EngineError('query_deadline', 'The query took too long and was stopped.', { cause });
      if (isOutOfMemory(cause)) throw new EngineError('result_too_large', REPORT_TOO_LARGE, { cause });
      const full = cause instanceof Error && /queue is at limit/.test(cause.message);
      throw new EngineError(full ? 'overloaded' : 'store_unavailable', full ? 'Too many reads are waiting.' : 'The store did not answer.', {
        cause,
      });
    }
    if (reply.ok) return reply.value;
    const faults = reply.faults.length > 0 || reply.pointer === null ? reply.faults : [{ pointer: reply.pointer, detail: reply.message }];
    throw new EngineError(reply.code, reply.message, { faults });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#quick.destroy(), this.#slow.destroy(), this.#reports.destroy()]);
  }
}

const isOutOfMemory = (cause: unknown): boolean => Error.isError(cause) && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';

type PoolOptions = NonNullable<ConstructorParameters<typeof Piscina>[0]>;
type WithoutLast<Args extends unknown[]> = Args extends [...infer Rest, unknown] ? Rest : never;
type Answer<Name extends ReadName> = Awaited<ReturnType<Reads[Name]>>;
