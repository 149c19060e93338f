import { parentPort, workerData } from 'node:worker_threads';
import { type SchemaState, standingOf } from '../../core/schema-version.ts';
import { prepareTables } from './migrate.ts';
import { type Durability, openForWriting, placeOf } from './open.ts';
import type { SubmissionRow } from './rows.ts';
import { adminWrites } from './write-admin.ts';
import { alertWrites } from './write-alerts.ts';
import { eventWrites } from './write-events.ts';
import { executionWrites } from './write-executions.ts';
import { handlerWrites } from './write-handlers.ts';
import { retentionWrites } from './write-retention.ts';

export interface WriterData {
  folder: string;
  durability: Durability;
  /** Of this program, and what time it is: noted with the tables when they are made. */
  release: string;
  at: number;
}
/**
 * The only thread that writes. All commands of one message share one transaction, so a commit (and its fsync) is paid once
 * for everything that arrived while the one before was being written.
 */
const { folder, durability, release, at } = workerData as WriterData;
const db = openForWriting(folder, durability);
const schema = prepareTables(db, placeOf(folder), { release, at, notes: null });
// Statements that are prepared for other tables than these would fail one by one.
if (standingOf(schema) !== 'current') {
  parentPort?.postMessage({ mismatch: schema } satisfies WriterStart);
  db.close();
  process.exit();
}
const events = eventWrites(db);
const commands = {
  ...events,
  ...executionWrites(db, events),
  ...handlerWrites(db),
  ...adminWrites(db),
  ...alertWrites(db),
  ...retentionWrites(db, events),
  appendAll: (rows: SubmissionRow[]) => rows.map(events.append),
  close: () => db.exec('PRAGMA optimize'),
};
export type WriterCommands = typeof commands;
export type CommandName = keyof WriterCommands;
export type Command = [name: CommandName, args: unknown[]];
/** `commitMs`: how long the commit alone took, which is mostly the disk's answer. */
export interface WriterReply {
  replies: CommandReply[];
  commitMs: number;
}
/** The first message: whether the tables are those that this release works with. */
export interface WriterStart {
  mismatch: SchemaState | null;
}
export type CommandReply = { ok: true; value: unknown } | { ok: false; message: string; full: boolean };

const begin = db.prepare('BEGIN IMMEDIATE');
const commit = db.prepare('COMMIT');
let commitMs = 0;

function runOne([name, args]: Command): CommandReply {
  const command = commands[name] as (...args: unknown[]) => unknown;
  return { ok: true, value: command(...args) };
}

/** One command that fails must not undo its neighbours: then each is run again inside a savepoint of its own. */
function runApart(batch: Command[]): CommandReply[] {
  return batch.map((command) => {
    db.exec('SAVEPOINT one');
    try {
      const reply = runOne(command);
      db.exec('RELEASE one');
      return reply;
    } catch (error) {
      if (!db.isTransaction) throw error; // a full disk undoes all of it, also what went well before
      db.exec('ROLLBACK TO one; RELEASE one');
      return failure(error);
    }
  });
}

function inTransaction(run: () => CommandReply[]): CommandReply[] {
  begin.run();
  try {
    const replies = run();
    const start = performance.now();
    commit.run();
    commitMs = performance.now() - start;
    return replies;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    events.forgetTotal();
    throw error;
  }
}

const SQLITE_FULL = 13;
function failure(error: unknown): CommandReply {
  const { message, errcode } = error as Error & { errcode?: number };
  return { ok: false, message, full: errcode === SQLITE_FULL || /disk is full|ENOSPC/.test(message) };
}

function runBatch(batch: Command[]): CommandReply[] {
  try {
    return inTransaction(() => batch.map(runOne));
  } catch (error) {
    if (batch.length === 1) return [failure(error)];
  }
  try {
    return inTransaction(() => runApart(batch));
  } catch (error) {
    return batch.map(() => failure(error));
  }
}

parentPort?.on('message', (batch: Command[]) => {
  const replies = runBatch(batch);
  parentPort?.postMessage({ replies, commitMs } satisfies WriterReply);
  if (batch.some(([name]) => name === 'close')) {
    db.close();
    parentPort?.close();
  }
});
parentPort?.postMessage({ mismatch: null } satisfies WriterStart);
