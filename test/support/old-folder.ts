import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { FIRST } from '../../src/adapters/sqlite/steps/0001-first.ts';

/** A data folder as release 0.1.0 left it: its tables, its number, and rows in each of them. */
export function makeOldFolder(folder: string, { events = 20, padding = 0 }: { events?: number; padding?: number } = {}): void {
  mkdirSync(folder, { recursive: true });
  using db = new DatabaseSync(join(folder, DATABASE_FILE));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN; ${FIRST} PRAGMA user_version = 1; COMMIT; BEGIN;`);
  const event = db.prepare(
    `INSERT INTO events (id, ts, ts_us, type, level, alert, archived, archived_at_ms, depth, doc) VALUES (?, ?, ?, 'test', 20, 0, ?, ?, 0, ?)`,
  );
  const execution = db.prepare(
    `INSERT INTO executions (id, handler_id, version, hook, subject, fired, state, attempt, created_at, run_at, started_at, finished_at, output)
     VALUES (?, 1, 0, 'event.on_ingest', ?, 0, ?, 1, ?, ?, ?, ?, '1')`,
  );
  const start = Date.UTC(2026, 0, 1);
  for (let n = 0; n < events; n++) {
    const [id, at, isArchived] = [`event-${n}`, start + n * 1_000, n % 10 === 0];
    const ts = `${new Date(at).toISOString().slice(0, 19)}`;
    const archivedAt = isArchived ? `"${ts}"` : 'null';
    const doc = `{"_id":"${id}","event_type":"test","log_level":20,"event_timestamp":"${ts}","source":{},"event_data":{"n":${n},"padding":"${'x'.repeat(padding)}"},"archived":${isArchived},"archived_at":${archivedAt}}`;
    event.run(id, ts, at * 1_000, isArchived ? 1 : 0, isArchived ? at : null, doc);
    if (n % 2 === 0) execution.run(`${id}.1`, id, [2, 3, 4, 0][(n / 2) % 4] ?? 2, at, at, at, n % 8 === 6 ? null : at + 5);
  }
  const at = Date.UTC(2026, 0, 1);
  db.prepare(
    'INSERT INTO handlers (hook, name, enabled, version, created_at, created_by, updated_at, updated_by) VALUES (?, ?, 1, 0, ?, ?, ?, ?)',
  ).run('event.on_ingest', 'first', at, 'admin', at, 'admin');
  db.prepare('INSERT INTO handler_state (handler_id, key, value) VALUES (1, ?, ?)').run('count', '41');
  db.prepare(
    `INSERT INTO deliveries (id, execution_id, kind, recipient, subject, text, message_id, created_at, state, attempts, sent_at)
     VALUES ('d1', 'event-0.1', 'success', 'a@lab.example', 's', 't', 'm@lab.example', ?, 'sent', 1, ?)`,
  ).run(at, at);
  db.prepare("INSERT INTO settings (name, value) VALUES ('manager_id', 'M')").run();
  db.exec('COMMIT');
}

/** Everything that is in the tables of release 0.1.0, to be compared before and after. */
export function rowsOf(folder: string): Record<string, unknown[]> {
  using db = new DatabaseSync(join(folder, DATABASE_FILE));
  const columns: Record<string, string> = {
    events: 'seq, id, ts, ts_us, type, level, alert, archived, archived_at_ms, node_id, cause, root, depth, doc',
    executions: 'seq, id, handler_id, version, hook, subject, fired, state, attempt, created_at, run_at, started_at, finished_at, output',
    handlers: 'id, hook, name, enabled, version',
    handler_state: 'handler_id, key, value',
    deliveries: 'seq, id, execution_id, kind, recipient, subject, text, message_id, created_at, state, attempts, sent_at',
    settings: 'name, value',
  };
  return Object.fromEntries(Object.entries(columns).map(([table, names]) => [table, db.prepare(`SELECT ${names} FROM ${table}`).all()]));
}

/** Number, tables and indexes: what a migration changes. */
export function schemaOf(folder: string): unknown {
  using db = new DatabaseSync(join(folder, DATABASE_FILE));
  return { ...db.prepare('PRAGMA user_version').get(), objects: db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all() };
}
