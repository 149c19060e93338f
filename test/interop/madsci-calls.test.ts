import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ulid } from 'ulid';
import { onDatabase } from '../support/mongo-store.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { interopPython, runPython } from '../support/python.ts';
import { type ServerProcess, startServer } from '../support/server.ts';

/** The calls of the real client that change or report something, and the real `madsci` command, on both stores. */
const mongod = mongodOfFile();

const MADSCI = "import sys; from madsci.client.cli import main; sys.argv[0] = 'madsci'; main()";
const idOf = (n: number): string => `01JNGVBW5S8E0T8ZR9HX5Y4M${String(n).padStart(2, '0')}`;
const WORKCELL = idOf(90);
const USER = idOf(91);
/** A day of a workcell, in order; times are UTC. */
const EVENTS = [
  { event_type: 'workcell_start', event_timestamp: '2026-01-05T08:00:00', source: { workcell_id: WORKCELL }, event_data: { name: 'cell' } },
  {
    event_type: 'experiment_start',
    event_timestamp: '2026-01-05T09:00:00',
    source: { experiment_id: idOf(92), user_id: USER },
    event_data: {},
  },
  {
    event_type: 'experiment_complete',
    event_timestamp: '2026-01-05T10:30:00',
    source: { experiment_id: idOf(92), user_id: USER },
    event_data: {},
  },
  { event_type: 'workcell_stop', event_timestamp: '2026-01-05T12:00:00', source: { workcell_id: WORKCELL }, event_data: {} },
  {
    event_type: 'log_error',
    log_level: 40,
    event_timestamp: '2026-01-06T08:00:00',
    source: {},
    event_data: { message: 'the pump stands still' },
  },
  { event_type: 'log_info', log_level: 20, event_timestamp: '2026-01-06T09:00:00', source: {}, event_data: { message: 'the pump turns' } },
].map((one, n) => ({ _id: idOf(n), log_level: 20, ...one }));

describe.each(['sqlite', 'mongodb'])('on %s', (store) => {
  const database = `calls_${ulid()}`;
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hookwright-calls-'));
    mkdirSync(join(folder, '.git')); // where its search for settings files ends
    const env = store === 'sqlite' ? {} : { EVENT_DB_URL: mongod.url, EVENT_DATABASE_NAME: database };
    server = await startServer({ env: { ...env, EVENT_BACKUP_DIR: join(folder, 'backups') } });
    for (const event of EVENTS) {
      const headers = { 'Content-Type': 'application/json' };
      expect((await fetch(`${server.url}/event`, { method: 'POST', headers, body: JSON.stringify(event) })).status).toBe(200);
    }
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    if (store === 'mongodb') await onDatabase(mongod.url, database, async (db) => void (await db.dropDatabase()));
    rmSync(folder, { recursive: true, force: true });
  });

  /** The command is the client with a face: what it asks does not depend on the store. */
  const onSqlite = (name: string, body: () => Promise<void>): void => {
    if (store === 'sqlite') test(name, body);
  };

  // biome-ignore lint/suspicious/noExplicitAny: whatever the client returns
  async function ask(...questions: [string, object][]): Promise<any[]> {
    const [asked, answered] = [join(folder, 'questions.json'), join(folder, 'answers.json')];
    writeFileSync(asked, JSON.stringify(questions));
    const script = join(import.meta.dirname, 'read_events.py');
    const { code, output } = await runPython(interopPython(), [script, `${server.url}/`, asked, answered], folder);
    expect({ code, output }).toMatchObject({ code: 0 });
    return JSON.parse(readFileSync(answered, 'utf8'));
  }

  /** The `madsci` command; what it printed. */
  async function madsci(...args: string[]): Promise<string> {
    const env = { EVENT_SERVER_URL: `${server.url}/`, NO_COLOR: '1', COLUMNS: '200' };
    const { code, output } = await runPython(interopPython(), ['-c', MADSCI, ...args], folder, env);
    expect({ args, code, output }).toMatchObject({ code: 0 });
    return output;
  }
  const events = (...args: string[]): Promise<string> => madsci('--json', 'events', ...args, '--event-url', `${server.url}/`);

  test('M50 M54 M16 M55 reports of use, as JSON, as CSV and saved; a backup and what it is; also those calls that the original does not answer', async () => {
    const day = { start_time: '2026-01-05T00:00:00', end_time: '2026-01-06T00:00:00' };
    const csv = { ...day, csv_export: true };
    const [sessions, periods, users, sessionsCsv, periodsCsv, usersCsv, saved, made, status] = await ask(
      ['get_session_utilization', {}],
      ['get_utilization_periods', { ...day, analysis_type: 'daily', user_timezone: 'UTC' }],
      ['get_user_utilization_report', day],
      ['get_session_utilization', csv],
      ['get_utilization_periods', { ...csv, user_timezone: 'UTC' }],
      ['get_user_utilization_report', csv],
      ['get_session_utilization', { ...csv, save_to_file: true, output_path: 'january' }],
      ['create_backup', {}],
      ['get_backup_status', {}],
    );
    for (const report of [sessions, periods, users]) {
      expect(report).toEqual(expect.any(Object));
      expect(report).not.toHaveProperty('error');
      expect(report).not.toHaveProperty('raised');
    }
    expect(JSON.stringify(sessions)).toContain(WORKCELL);
    expect(periods).toMatchObject({ key_metrics: { total_experiments: 1 } });
    for (const text of [sessionsCsv, periodsCsv, usersCsv]) expect(text).toMatch(/^[^{].*\r?\n/);
    expect(saved).toMatchObject({ success: true, file_path: expect.stringMatching(/january/) });
    expect(made).toEqual({ backup_path: expect.stringMatching(/manual_backup$/), status: 'completed' });
    expect(status).toMatchObject({ backup_dir: join(folder, 'backups'), available_backups: [{ path: made.backup_path, is_valid: true }] });
  });

  onSqlite('M59 madsci events query, get', async () => {
    const found = JSON.parse(await events('query', '--level', 'ERROR'));
    expect(found).toMatchObject([
      { event_id: idOf(4), event_type: 'log_error', log_level: 'ERROR', event_data: { message: 'the pump stands still' } },
    ]);
    // As that client sends it: its own server answers 422 (M53).
    const selected = JSON.parse(await events('query', '--selector', '{"event_type": {"$in": ["log_error", "log_info"]}}'));
    expect(selected.map(({ event_id }: { event_id: string }) => event_id).sort()).toEqual([idOf(4), idOf(5)]);
    expect(JSON.parse(await events('get', idOf(4)))).toMatchObject({ log_level: 40, event_data: { message: 'the pump stands still' } });
    expect(await madsci('events', 'query', '--count', '2', '--event-url', `${server.url}/`)).toContain('the pump turns');
  });

  onSqlite('M59 madsci logs, with a level and a pattern', async () => {
    expect(await madsci('logs', '--tail', '50')).toContain('the pump turns');
    const { logs } = JSON.parse(await madsci('logs', '--json', '--level', 'error', '--grep', 'pump'));
    expect(JSON.stringify(logs)).toContain('the pump stands still');
    expect(JSON.stringify(logs)).not.toContain('the pump turns');
  });

  onSqlite('M59 madsci events backup', async () => {
    const made = JSON.parse(await events('backup', '--create'));
    const { available_backups: available } = JSON.parse(await events('backup', '--status'));
    expect(available.map(({ path }: { path: string }) => path)).toContain(made.backup_path);
  });

  test('M13 M15 archives and purges', async () => {
    const [byIds, byDate, kept, purged, gone, there] = await ask(
      ['archive_events', { event_ids: [idOf(0), idOf(1)] }],
      ['archive_events', { before_date: '2026-01-06' }],
      ['purge_events', {}],
      ['purge_events', { older_than_days: 0 }],
      ['get_event', { event_id: idOf(0) }],
      ['get_event', { event_id: idOf(4) }],
    );
    expect([byIds, byDate]).toMatchObject([{ archived_count: 2 }, { archived_count: 2 }]);
    expect(kept).toMatchObject({ deleted_count: 0 });
    expect(purged).toEqual({ deleted_count: 4, message: 'Permanently deleted 4 archived events older than 0 days' });
    expect(gone).toMatchObject({ raised: expect.stringContaining('404') });
    expect(there).toMatchObject({ event_type: 'log_error' });
  });

  onSqlite('M59 madsci events archive, purge', async () => {
    expect(JSON.parse(await events('archive', '--ids', idOf(5)))).toMatchObject({ archived_count: 1 });
    expect(JSON.parse(await events('purge', '--older-than-days', '0', '--yes'))).toMatchObject({ deleted_count: 1 });
    expect(await madsci('events', 'query', '--event-url', `${server.url}/`)).not.toContain('the pump turns');
  });
});
