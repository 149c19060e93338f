/**
 * The parts of the path event → handler → settled with nothing around them: insert event and execution, one message to a process that
 * calls a function in a warm isolate, update the execution. Batches of 256, two of them under way: while one runs, the other is written.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { prepareTables } from '../../src/adapters/sqlite/migrate.ts';
import { openForWriting } from '../../src/adapters/sqlite/open.ts';
import type { EventRow, ExecutionRow } from '../../src/adapters/sqlite/rows.ts';
import { eventRow, executionRow, INSERT_EVENT, INSERT_EXECUTION } from './rows.ts';

export interface PipeRequest {
  run: string;
  count: number;
}
/** What the runner answers for a batch, as JSON text: [startedAt, finishedAt, output] of each. */
export type Outcome = [startedAt: number, finishedAt: number, output: string];
type Planned = [EventRow, ExecutionRow];

const BATCH = 256;
const UNDER_WAY = 2;
const [, , folder = ''] = process.argv;
const db = openForWriting(folder, 'full');
prepareTables(db, 'The bench', { release: 'bench', at: 0, notes: null });
const [begin, commit] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT')];
const [insertEvent, insertExecution] = [db.prepare(INSERT_EVENT), db.prepare(INSERT_EXECUTION)];
const update = db.prepare(
  'UPDATE executions SET state = 2, started_at = ?, finished_at = ?, output = ? WHERE seq = ? AND state = 1 AND attempt = 1',
);
const runner = fork(new URL('bare-runner.ts', import.meta.url), [], { execArgv: ['--no-node-snapshot'], serialization: 'advanced' });
await once(runner, 'message');

function insert(batch: readonly Planned[]): number[] {
  return batch.map(([event, execution]) => {
    insertEvent.run(...event);
    return Number(insertExecution.run(...execution).lastInsertRowid);
  });
}

function settle(refs: readonly number[], text: string): number {
  const outcomes = JSON.parse(text) as Outcome[];
  let changed = 0;
  for (const [place, outcome] of outcomes.entries()) changed += Number(update.run(...outcome, refs[place] as number).changes);
  return changed;
}

/** Each commit settles the batch that has come back and inserts the one that goes out for it. */
async function seconds({ run, count }: PipeRequest): Promise<{ seconds: number; succeeded: number }> {
  const planned = Array.from({ length: count }, (_, n): Planned => {
    const event = eventRow({ n, run });
    return [event, executionRow(event)];
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const refsUnderWay: number[][] = [];
  let [next, succeeded] = [0, 0];

  function step(back: string | null): void {
    const batch = planned.slice(next, next + BATCH);
    next += batch.length;
    begin.run();
    if (back !== null) succeeded += settle(refsUnderWay.shift() ?? [], back);
    const refs = insert(batch);
    commit.run();
    if (batch.length > 0) {
      refsUnderWay.push(refs);
      runner.send(`[${batch.map(([event]) => event[11]).join(',')}]`);
    } else if (refsUnderWay.length === 0) resolve();
  }

  const start = performance.now();
  runner.on('message', step);
  for (let i = 0; i < UNDER_WAY; i++) step(null);
  await promise;
  runner.off('message', step);
  return { seconds: (performance.now() - start) / 1000, succeeded };
}

process.on('message', async (request: PipeRequest) => process.send?.(await seconds(request)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
