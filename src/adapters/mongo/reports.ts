import { getCompileCacheDir } from 'node:module';
import { Piscina } from 'piscina';
import { EngineError } from '../../core/errors.ts';
import { REPORT_MEMORY, REPORT_TOO_LARGE } from '../../core/utilization/request.ts';
import type { ReportStore } from '../../ports/report-store.ts';
import type { ReportPlace, ReportReply, ReportTask } from './report-thread.ts';

/** How long the thread may overrun its own deadline before it is killed. */
const GRACE_MS = 500;
const MAX_QUEUED = 100;
const IDLE_MS = 30_000;

/** Reports run in a thread with connections of its own, so that reading and counting events never holds up the server. */
export class ReportPool implements ReportStore, AsyncDisposable {
  readonly #pool: Piscina<ReportTask, ReportReply>;
  readonly #deadlineMs: number;

  constructor(place: ReportPlace) {
    this.#deadlineMs = place.deadlineMs;
    const cache = getCompileCacheDir();
    this.#pool = new Piscina<ReportTask, ReportReply>({
      filename: new URL('./report-thread.ts', import.meta.url).href,
      workerData: place,
      minThreads: 0,
      maxThreads: 2,
      idleTimeout: IDLE_MS,
      maxQueue: MAX_QUEUED,
      env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
      execArgv: [],
      resourceLimits: REPORT_MEMORY,
    });
  }

  utilization: ReportStore['utilization'] = async (request, format, now) => {
    const signal = AbortSignal.timeout(this.#deadlineMs + GRACE_MS);
    let reply: ReportReply;
    try {
      reply = await this.#pool.run({ request, format, now, deadline: Date.now() + this.#deadlineMs }, { signal });
    } catch (cause) {
      if (signal.aborted) throw new EngineError('query_deadline', 'The report took too long and was stopped.', { cause });
      const isOutOfMemory = Error.isError(cause) && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
      if (isOutOfMemory) throw new EngineError('result_too_large', REPORT_TOO_LARGE, { cause });
      const full = cause instanceof Error && /queue is at limit/.test(cause.message);
      throw new EngineError(
        full ? 'overloaded' : 'store_unavailable',
        full ? 'Too many reports are waiting.' : 'The store did not answer.',
        {
          cause,
        },
      );
    }
    if (reply.ok) return reply.outcome;
    throw new EngineError(reply.code, reply.message);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}
