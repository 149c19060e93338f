import { EngineError } from '../../core/errors.ts';
import {
  type BatchSink,
  HOST_OPS,
  HostCallRefused,
  type HostCalls,
  type HostOp,
  type Sandbox,
  type SandboxBatch,
} from '../../ports/sandbox.ts';
import { HandlerKeys } from './handler-keys.ts';
import { Job } from './job.ts';
import { DEFAULT_LIMITS, type SandboxLimits } from './limits.ts';
import { Pool } from './pool.ts';
import type { FromRunner } from './protocol.ts';
import type { RunnerProcess } from './runner-process.ts';
import { StateOverlay } from './state-overlay.ts';

const MAX_SOURCE_CHARS = 2 ** 20;

export interface IsolateSandboxOptions {
  /** How many processes may serve registrants; one more stands by. */
  runners: number;
  host: HostCalls;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Milliseconds since the epoch. */
  now?: () => number;
  limits?: Partial<SandboxLimits>;
}

type Call = FromRunner & { type: 'call' };

/** A sandbox of V8 isolates in forked processes: a handler that breaks its process costs that process. */
export function isolateSandbox(options: IsolateSandboxOptions): Sandbox {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const overlay = new StateOverlay();
  const keys = new HandlerKeys();
  const pool = new Pool(options.runners, {
    limits,
    log: options.log,
    now: options.now ?? Date.now,
    ended: (handlerId, results) => overlay.record(handlerId, results),
    called: (runner, job, executionId, call) => void answer(runner, job, executionId, call),
  });

  async function answer(runner: RunnerProcess, job: Job, executionId: string, call: Call): Promise<void> {
    try {
      const text = await ask(job.batch, executionId, call);
      if (text.length <= limits.answerBytes && Buffer.byteLength(text) <= limits.answerBytes)
        return runner.answer(call.key, call.callId, 'ok', text);
      runner.answer(call.key, call.callId, 'too_large', `the answer has more than ${limits.answerBytes} bytes; ask for less`);
    } catch (error) {
      const isRefusal = error instanceof HostCallRefused;
      if (!isRefusal) options.log('error', 'a host call failed', { op: call.op, executionId, error });
      runner.answer(call.key, call.callId, isRefusal ? error.reason : 'internal', isRefusal ? error.message : 'internal error');
    }
  }

  async function ask({ registrant, handler }: SandboxBatch, executionId: string, { op, args }: Call): Promise<string> {
    if (!isHostOp(op)) throw new HostCallRefused('invalid', 'no such call');
    const caller = { registrant, handlerId: handler.id, executionId };
    const store = () => options.host.call(caller, op, args);
    return op === 'state.get' ? overlay.read(handler.id, stateKey(args), store) : store();
  }

  return {
    compile(source) {
      if (source.code.length <= MAX_SOURCE_CHARS) return inTime(pool.compile(source), limits.bootMs + limits.compileMs);
      return Promise.resolve({ ok: false, message: `a source may have ${MAX_SOURCE_CHARS} characters`, line: null, column: null });
    },
    submit(batch: SandboxBatch, sink: BatchSink) {
      if (batch.executions.length === 0) return sink.done();
      pool.submit(new Job(batch, keys.keyOf(batch.handler), sink));
    },
    settled: (handlerId, executionIds) => overlay.settled(handlerId, executionIds),
    abort: (executionId) => pool.abort(executionId),
    evict(handlerId) {
      keys.forget(handlerId);
      overlay.forget(handlerId);
      pool.evict(handlerId);
    },
    get turnover() {
      return pool.turnover;
    },
    get runners() {
      return pool.runners.map(({ pid, registrant, open, rssBytes }) => ({ pid, registrant, executions: open, rssBytes }));
    },
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

/** A compilation waits for a runner; where none can be started it must not wait for ever. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new EngineError('runners_unavailable', `No runner was ready within ${ms} ms.`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isHostOp(op: string): op is HostOp {
  return (HOST_OPS as readonly string[]).includes(op);
}

function stateKey(args: string): string {
  const { key } = JSON.parse(args) as { key?: unknown }; // written by our guest; a runner that was broken into gets an error
  if (typeof key !== 'string') throw new HostCallRefused('invalid', 'no key');
  return key;
}
