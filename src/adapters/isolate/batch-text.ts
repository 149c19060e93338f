import type { Outcome } from '../../core/execution.ts';
import type { SandboxExecution } from '../../ports/sandbox.ts';
import type { Result } from './job.ts';

/** The two texts in which executions travel to a guest; inputs stand beside the header so that nothing is escaped or parsed twice. */
export function encodeBatch(executions: readonly SandboxExecution[]): { header: string; inputs: string } {
  const rows = executions.map(({ id, attempt, tags, emitPrefix, input }) => [id, attempt, tags, emitPrefix, input.length]);
  return { header: JSON.stringify(rows), inputs: executions.map(({ input }) => input).join('') };
}

/** Reads what a guest reports. A runner that was broken into may send anything, so null means: not an outcome list. */
export function decodeOutcomes(text: string): Result[] | null {
  try {
    const results: unknown = JSON.parse(text);
    return Array.isArray(results) && results.every(isResult) ? results : null;
  } catch {
    return null;
  }
}

function isResult(value: unknown): value is Result {
  const { id, outcome } = fieldsOf(value);
  const { kind, startedAt, finishedAt, logs, output, effects, error } = fieldsOf(outcome);
  if (typeof id !== 'string' || typeof startedAt !== 'number' || typeof finishedAt !== 'number' || !Array.isArray(logs)) return false;
  if (kind === 'succeeded') return typeof output === 'string' && Array.isArray(effects);
  return kind === 'failed' && typeof fieldsOf(error).message === 'string';
}

type Field = 'id' | 'outcome' | 'output' | 'effects' | 'error' | 'message' | keyof Outcome;

function fieldsOf(value: unknown): { readonly [name in Field]?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}
