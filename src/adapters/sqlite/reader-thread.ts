import { workerData } from 'node:worker_threads';
import { EngineError, type ErrorCode, type Fault } from '../../core/errors.ts';
import { openForReading } from './open.ts';
import type { activityReads } from './read-activity.ts';
import { eventReads, type ReadLimits } from './read-events.ts';
import { adminReads } from './read-executions.ts';
import type { eventQueries } from './read-queries.ts';
import { retentionReads } from './read-retention.ts';

const { folder, limits } = workerData as { folder: string; limits: ReadLimits };
const db = openForReading(folder);
const reads = { ...eventReads(db, limits), ...adminReads(db), ...retentionReads(db) };
/** The thread for look-ups never needs these, and is 10 MB smaller for it. */
type SlowReads = ReturnType<typeof eventQueries> & ReturnType<typeof activityReads>;
let slow: SlowReads | null = null;
export type Reads = typeof reads & SlowReads;
export type ReadName = keyof Reads;
export interface ReadTask {
  name: ReadName;
  args: unknown[];
}
/** Errors cross the thread border as values: a cloned Error would lose its code. */
export type ReadReply =
  | { ok: true; value: unknown }
  | { ok: false; code: ErrorCode; message: string; faults: readonly Fault[]; pointer: string | null };

export default async function run({ name, args }: ReadTask): Promise<ReadReply> {
  try {
    const read = name in reads ? reads[name as keyof typeof reads] : (await loadSlow())[name as keyof SlowReads];
    return { ok: true, value: await (read as (...args: unknown[]) => unknown)(...args) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { ok: false, code: error.code, message: error.message, faults: error.faults, pointer: pointerOf(error) };
  }
}

async function loadSlow(): Promise<SlowReads> {
  const [{ eventQueries }, { activityReads }] = await Promise.all([import('./read-queries.ts'), import('./read-activity.ts')]);
  slow ??= { ...eventQueries(db, limits), ...activityReads(db) };
  return slow;
}

function pointerOf(error: EngineError): string | null {
  return 'pointer' in error && typeof error.pointer === 'string' ? error.pointer : null;
}
