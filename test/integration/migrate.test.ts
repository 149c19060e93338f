import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sqliteMigrations } from '../../src/adapters/sqlite/migrations.ts';
import { DATABASE_FILE, lockFolder } from '../../src/adapters/sqlite/open.ts';
import { type SqliteStep, STEPS } from '../../src/adapters/sqlite/schema.ts';
import { type MigrateOptions, type MigrationBackup, migrate } from '../../src/wiring/migrate.ts';
import { heldBackup } from '../support/held-backup.ts';
import { makeOldFolder, rowsOf, schemaOf } from '../support/old-folder.ts';
import { openTestStore } from '../support/store.ts';

/** RELIABILITY 25c on SQLite. */

/** Beside the real steps, one that changes every row: indexes and tables alone say little. */
const HEAVY: readonly SqliteStep[] = [
  ...STEPS,
  {
    title: 'Adds a column and fills it',
    up(db) {
      db.exec("ALTER TABLE events ADD COLUMN day TEXT NOT NULL DEFAULT ''");
      db.exec('UPDATE events SET day = substr(ts, 1, 10)');
      db.exec('CREATE INDEX events_day ON events (day)');
    },
  },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-migrate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const RELEASE = '9.9.9';
const migrations = (over: Partial<Parameters<typeof sqliteMigrations>[0]> = {}) =>
  sqliteMigrations({ folder, release: RELEASE, now: () => 1_000, ...over });
const run = (over: Partial<MigrateOptions> = {}) =>
  migrate({ migrations: migrations(), backup: null, target: null, isDryRun: false, say: () => {}, ...over });

describe('a data folder of release 0.1.0', () => {
  test('is refused by the store with a text that has the command, and nothing is changed', async () => {
    makeOldFolder(folder);
    const before = schemaOf(folder);
    await expect(openTestStore({ folder })).rejects.toMatchObject({
      name: 'SchemaMismatch',
      message: expect.stringContaining('npx hookwright migrate'),
    });
    await expect(openTestStore({ folder })).rejects.toThrow(`has schema 1; Hookwright test needs schema ${STEPS.length}`);
    expect(schemaOf(folder)).toEqual(before);
  });

  test('is brought up to date with every row kept, and each step is recorded with release, time and notes', async () => {
    makeOldFolder(folder);
    const rows = rowsOf(folder);
    const lines: string[] = [];
    const backup: MigrationBackup = { create: async () => '/backups/one', restore: async () => {} };
    expect(await run({ backup, say: (line) => lines.push(line) })).toEqual({
      kind: 'migrated',
      from: 1,
      to: STEPS.length,
      backup: '/backups/one',
    });
    expect(rowsOf(folder)).toEqual(rows);
    expect(lines.slice(0, 2)).toEqual(['Making a backup ...', 'The backup is /backups/one']);
    expect(lines.slice(2)).toEqual(STEPS.slice(1).map(({ title }, n) => `${n + 2}/${STEPS.length}  ${title} ...`));
    using db = new DatabaseSync(join(folder, DATABASE_FILE));
    expect(db.prepare('SELECT number, release, applied_at AS at, notes FROM schema_steps').all()).toEqual([
      { number: 1, release: '0.1.0', at: 0, notes: 'Done before steps were recorded' },
      ...STEPS.slice(1).map((_, n) => ({ number: n + 2, release: RELEASE, at: 1_000, notes: 'The backup made before: /backups/one' })),
    ]);
    expect(await run()).toMatchObject({ kind: 'nothing_to_do' });
  });

  test('works with this release after it, and ends with the very schema of a new folder', async () => {
    makeOldFolder(folder);
    await run();
    await using store = await openTestStore({ folder });
    expect(await store.events.total()).toBe(20);
    expect(await store.queue.get('event-0.1')).toMatchObject({ state: 'succeeded', output: '1' });
    await using fresh = await openTestStore();
    const objects = (of: string): unknown[] =>
      (schemaOf(of) as { objects: { name: string; sql: string | null }[] }).objects.map(({ name, sql }) => [name, normal(sql)]);
    expect(objects(folder)).toEqual(objects(fresh.folder));
  });

  test('a dry run says what would be done and changes nothing', async () => {
    makeOldFolder(folder);
    const before = schemaOf(folder);
    const result = await run({ isDryRun: true });
    expect(result).toMatchObject({ kind: 'would_migrate', steps: STEPS.slice(1).map(({ title }, n) => ({ number: n + 2, title })) });
    expect(schemaOf(folder)).toEqual(before);
  });

  test('goes no further than the target, which may not lie behind or beyond', async () => {
    makeOldFolder(folder);
    expect(await run({ target: 2, migrations: migrations({ steps: HEAVY }) })).toMatchObject({ kind: 'migrated', from: 1, to: 2 });
    await expect(run({ target: 1, migrations: migrations({ steps: HEAVY }) })).rejects.toThrow('back only by restoring a backup');
    await expect(run({ target: 99 })).rejects.toThrow(`goes up to ${STEPS.length}`);
  });
});

/** ALTER TABLE leaves other blanks than CREATE TABLE. */
const normal = (sql: string | null): string => (sql ?? '').replaceAll(/\s+/g, ' ');

test('whichever statement fails, the old schema is there with every row, and the next run succeeds', async () => {
  makeOldFolder(folder);
  const [before, rows] = [schemaOf(folder), rowsOf(folder)];
  for (let failing = 1; ; failing++) {
    let seen = 0;
    const fails = (db: DatabaseSync): void =>
      // SQLite asks for leave with each thing that a statement is about to touch.
      db.setAuthorizer(() => (++seen === failing ? constants.SQLITE_DENY : constants.SQLITE_OK));
    const failure = await run({ migrations: migrations({ steps: HEAVY, onOpen: fails }) }).catch((error: Error) => error);
    if (!(failure instanceof Error)) {
      expect(failing).toBeGreaterThan(30);
      break;
    }
    expect(failure.message).toMatch(/^The migration failed, and nothing has changed: /);
    expect([schemaOf(folder), rowsOf(folder)]).toEqual([before, rows]);
  }
  expect(rowsOf(folder)).toEqual(rows);
  expect((await migrations({ steps: HEAVY }).state()).found).toBe(HEAVY.length);
});

test('a folder of a newer release is refused, with the release that wrote it and the way back', async () => {
  makeOldFolder(folder);
  await run({ migrations: migrations({ steps: HEAVY }), backup: { create: async () => '/backups/two', restore: async () => {} } });
  const refusal = expect.stringMatching(
    new RegExp(
      `schema ${HEAVY.length}, written by Hookwright ${RELEASE}; this is Hookwright test, which knows schema ${STEPS.length}[\\s\\S]*/backups/two`,
    ),
  );
  await expect(openTestStore({ folder })).rejects.toMatchObject({ name: 'SchemaMismatch', message: refusal });
  await expect(run()).rejects.toThrow(`Start Hookwright ${RELEASE} again`);
});

test('a database of another program is left alone', async () => {
  {
    using db = new DatabaseSync(join(folder, DATABASE_FILE));
    db.exec('CREATE TABLE recipes (name TEXT)');
  }
  await expect(run()).rejects.toThrow('made by another program');
  await expect(openTestStore({ folder })).rejects.toThrow('made by another program');
});

test('a new folder needs no migration', async () => {
  expect(await run()).toMatchObject({ kind: 'nothing_to_do' });
  await using store = await openTestStore({ folder });
  expect(await store.events.total()).toBe(0);
  expect(await run()).toMatchObject({ kind: 'nothing_to_do' });
});

test('of two migrations at once one is refused, and so is one beside a server', async () => {
  makeOldFolder(folder);
  {
    using _server = lockFolder(folder);
    await expect(run()).rejects.toThrow('Another server uses the data folder');
  }
  const held = heldBackup();
  const first = run({ backup: held.backup });
  await held.isWaiting;
  await expect(run()).rejects.toThrow('uses the data folder');
  held.letGo();
  expect(await first).toMatchObject({ kind: 'migrated' });
});
