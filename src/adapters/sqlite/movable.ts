import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { MOVE_SETTING, type MoveMark, markOf } from '../../core/move.ts';
import { SchemaMismatch, standingOf } from '../../core/schema-version.ts';
import type { MovableStore, RecordBatch, RecordKind } from '../../ports/movable.ts';
import { prepareTables } from './migrate.ts';
import { type Row, type TableOfKind, tables } from './movable-kinds.ts';
import { DATABASE_FILE, ensureFolder, lockFolder, openForWriting, placeOf as schemaPlaceOf } from './open.ts';
import { eventWrites } from './write-events.ts';
import { executionWrites } from './write-executions.ts';

export interface SqliteMovableOptions {
  folder: string;
  /** Whether the data is there, or is to come there. */
  role: 'source' | 'target';
  release: string;
  now: number;
  /** For the instants of events whose time has no offset. */
  naiveOffsetMinutes(localUs: number): number;
}

const BATCH_RECORDS = 1_000;
const BATCH_CHARACTERS = 8_000_000;
/** What a store keeps about itself. */
export const NOT_MOVED = ['schema_steps'];

/** The data folder as records. Everything is done in the calling thread: nothing else goes on in the process meanwhile. */
export function openSqliteMovable({ folder, role, release, now, naiveOffsetMinutes }: SqliteMovableOptions): MovableStore {
  const place = `the data folder ${resolve(folder)}`;
  if (role === 'source' && !existsSync(join(folder, DATABASE_FILE)))
    throw new Error(`There is no store in ${resolve(folder)}: no file ${DATABASE_FILE}. Name the DATA_DIR of the server.`);
  ensureFolder(folder);
  using stack = new DisposableStack();
  stack.use(lockedFolder(folder, place));
  const db = stack.adopt(openForWriting(folder, 'normal'), (open) => open.close());
  const schema = prepareTables(db, schemaPlaceOf(folder), { release, at: now, notes: null });
  if (standingOf(schema) !== 'current') throw new SchemaMismatch(schema, release);
  inTransaction(db, () => executionWrites(db, eventWrites(db)).recover(now));
  const owned = stack.move();
  return { place, ...movable(db, tables({ now, naiveOffsetMinutes })), [Symbol.asyncDispose]: async () => owned.dispose() };
}

function lockedFolder(folder: string, place: string): Disposable {
  try {
    return lockFolder(folder);
  } catch (cause) {
    throw new Error(
      `A server, or another command, is at work on ${place}. Stop it first: what comes in during a move would be left behind.`,
      {
        cause,
      },
    );
  }
}

function movable(db: DatabaseSync, all: ReturnType<typeof tables>): Omit<MovableStore, 'place' | typeof Symbol.asyncDispose> {
  const tableOf = <K extends RecordKind>(kind: K): TableOfKind<K> => all[kind];
  const readMark = db.prepare('SELECT value FROM settings WHERE name = ?');
  const keepMark = db.prepare('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
  const dropMark = db.prepare('DELETE FROM settings WHERE name = ?');
  const setMark = (mark: MoveMark | null): void => {
    if (mark === null) dropMark.run(MOVE_SETTING);
    else keepMark.run(MOVE_SETTING, JSON.stringify(mark));
  };

  return {
    mark: async () => markOf((readMark.get(MOVE_SETTING)?.['value'] as string | undefined) ?? null),
    setMark: async (mark) => setMark(mark),
    checkAlone: async () => {}, // the folder is locked
    async count(kind) {
      const { select, where } = tableOf(kind);
      const table = / FROM (\w+)$/.exec(select)?.[1];
      return db.prepare(`SELECT count(*) AS count FROM ${table} WHERE ${where}`).get()?.['count'] as number;
    },
    read: (kind, after, limit = BATCH_RECORDS) => batches(db, tableOf(kind), { after, limit }),
    async write(kind, records, mark) {
      const inserts = tableOf(kind).inserts.map(({ sql, values }) => ({ statement: db.prepare(sql), values }));
      inTransaction(db, () => {
        for (const record of records) for (const { statement, values } of inserts) statement.run(...values(record));
        setMark(mark);
      });
    },
    async complete() {
      db.exec('PRAGMA optimize; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
    },
    async clear() {
      const kept = ['settings', ...NOT_MOVED].map((name) => `'${name}'`).join(', ');
      const found = db.prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN (${kept})`,
      );
      for (const { name } of found.all()) db.exec(`DELETE FROM ${name}`);
      db.prepare('DELETE FROM settings WHERE name <> ?').run(MOVE_SETTING);
      db.exec('DELETE FROM sqlite_sequence');
    },
  };
}

async function* batches<K extends RecordKind>(
  db: DatabaseSync,
  { select, where, order, recordOf }: TableOfKind<K>,
  { after, limit }: { after: string | null; limit: number },
): AsyncGenerator<RecordBatch<K>> {
  const columns = order.join(', ');
  const behind = `(${columns}) > (${order.map(() => '?').join(', ')})`;
  const first = db.prepare(`${select} WHERE ${where} ORDER BY ${columns} LIMIT ${limit}`);
  const next = db.prepare(`${select} WHERE ${where} AND ${behind} ORDER BY ${columns} LIMIT ${limit}`);
  for (let place = after; ; ) {
    const rows = place === null ? first.iterate() : next.iterate(...(JSON.parse(place) as SQLInputValue[]));
    const { records, last } = upToSize(rows as Iterable<Row>, recordOf);
    if (last === null) return;
    place = JSON.stringify(order.map((column) => last[column]));
    yield { records, after: place };
  }
}

/** As many as fit into memory; the rest is read again for the next batch. */
function upToSize<R>(rows: Iterable<Row>, recordOf: (row: Row) => R): { records: R[]; last: Row | null } {
  const records: R[] = [];
  let last: Row | null = null;
  let size = 0;
  for (const row of rows) {
    records.push(recordOf(row));
    last = row;
    for (const value of Object.values(row)) if (typeof value === 'string') size += value.length;
    if (size > BATCH_CHARACTERS) break;
  }
  return { records, last };
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
