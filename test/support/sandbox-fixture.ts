import type { Outcome } from '../../src/core/execution.ts';
import type { BatchSink, HostCalls, Sandbox, SandboxBatch, SandboxExecution, SandboxHandler } from '../../src/ports/sandbox.ts';
import { HostCallRefused } from '../../src/ports/sandbox.ts';

let lastId = 0;

export function handlerOf(javascript: string, fields: Partial<SandboxHandler> = {}): SandboxHandler {
  const id = ++lastId;
  const limits = { timeoutMs: 1_000, memoryMb: 64, concurrency: 1 };
  return { id, name: `handler ${id}`, version: 0, hook: 'event.on_ingest', javascript, config: '{"n":1}', ...limits, ...fields };
}

export function executionsOf(count: number, fields: Partial<SandboxExecution> = {}): SandboxExecution[] {
  return Array.from({ length: count }, (_, i) => {
    return { id: `x${++lastId}`, attempt: 1, input: JSON.stringify({ i }), tags: ['a', 'b'], emitPrefix: 'P'.repeat(23), ...fields };
  });
}

export interface Report {
  outcomes: { id: string; outcome: Outcome }[];
  returned: string[];
  suspects: string[];
}

export type BatchParts = Partial<SandboxBatch> & Pick<SandboxBatch, 'handler'>;

/** Submits one batch and waits for its end. Fails if `done` comes twice. */
export function runBatch(sandbox: Sandbox, parts: BatchParts, seen: Partial<BatchSink> = {}): Promise<Report> {
  const report: Report = { outcomes: [], returned: [], suspects: [] };
  const { promise, resolve, reject } = Promise.withResolvers<Report>();
  let dones = 0;
  sandbox.submit(
    { registrant: 'alice', executions: executionsOf(1), alone: false, ...parts },
    {
      outcomes(results) {
        report.outcomes.push(...results);
        seen.outcomes?.(results);
      },
      returned: (ids) => void report.returned.push(...ids),
      suspects: (ids) => void report.suspects.push(...ids),
      done() {
        dones++;
        if (dones > 1) reject(new Error('done was called twice'));
        resolve(report);
      },
    },
  );
  return promise;
}

/** Runs one execution and answers its outcome. */
export async function runOne(sandbox: Sandbox, parts: BatchParts): Promise<Outcome> {
  const { outcomes, returned, suspects } = await runBatch(sandbox, parts);
  const [first] = outcomes;
  if (first === undefined) throw new Error(`no outcome; returned ${returned.length}, suspects ${suspects.length}`);
  return first.outcome;
}

/** What the handler returned. */
export function outputOf(outcome: Outcome): unknown {
  if (outcome.kind === 'failed') throw new Error(`${outcome.error.reason}: ${outcome.error.message}`);
  return JSON.parse(outcome.output);
}

export function errorOf(outcome: Outcome): { reason: string; message: string; line: number | null; column: number | null } {
  if (outcome.kind === 'succeeded') throw new Error(`succeeded with ${outcome.output}`);
  return outcome.error;
}

/** A host that answers with what it was asked, refuses the id "refuse", and reads state from `state`. */
export function echoHost(state: Record<string, unknown> = {}): HostCalls {
  return {
    async call(caller, op, args) {
      const asked = JSON.parse(args) as { id?: string; key?: string };
      if (asked.id === 'refuse') throw new HostCallRefused('permission', 'the key has no scope events:read');
      if (asked.id === 'invalid') throw new HostCallRefused('invalid', 'that is no id');
      if (asked.id === 'crash') throw new Error('/srv/secret/path: connection lost');
      if (op === 'state.get') return JSON.stringify(state[asked.key ?? ''] ?? null);
      return JSON.stringify({ op, asked, handlerId: caller.handlerId });
    },
  };
}

/** Processes among `pids` that still exist; a zombie counts as gone. */
export async function survivors(pids: number[], withinMs = 2_000): Promise<number[]> {
  const { readFile } = await import('node:fs/promises');
  const end = Date.now() + withinMs;
  for (;;) {
    const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')));
    const left = pids.filter((_, i) => !/\) [ZX]/.test(states[i] ?? ''));
    if (left.length === 0 || Date.now() > end) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
