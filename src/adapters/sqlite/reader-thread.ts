import { workerData } from 'node:worker_threads';
import { EngineError, type ErrorCode, type Fault } from '../../core/errors.ts';
import { openForReading } from './open.ts';
import { eventReads, type ReadLimits } from './read-events.ts';
import { adminReads } from './read-executions.ts';

const { folder, limits } = workerData as { folder: string; limits: ReadLimits };
const db = openForReading(folder);
const reads = { ...eventReads(db, limits), ...adminReads(db) };
export type Reads = typeof reads;
export type ReadName = keyof Reads;
export interface ReadTask {
  name: ReadName;
  args: unknown[];
}
/** Errors cross the thread border as values: a cloned Error would lose its code. */
export type ReadReply =
  | { ok: true; value: unknown }
  | { ok: false; code: ErrorCode; message: string; faults: readonly Fault[]; pointer: string | null };

export default function run({ name, args }: ReadTask): ReadReply {
  try {
    const read = reads[name] as (...args: unknown[]) => unknown;
    return { ok: true, value: read(...args) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { ok: false, code: error.code, message: error.message, faults: error.faults, pointer: pointerOf(error) };
  }
}

function pointerOf(error: EngineError): string | null {
  return 'pointer' in error && typeof error.pointer === 'string' ? error.pointer : null;
}
