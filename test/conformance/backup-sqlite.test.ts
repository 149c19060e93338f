import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteBackups } from '../../src/adapters/sqlite/backup.ts';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { openSqliteStore, type SqliteStore } from '../../src/adapters/sqlite/store.ts';
import { backupConformance } from './backup.suite.ts';
import { event, submission } from './subject.ts';

backupConformance('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-backed-up-'));
  let store: SqliteStore | null = null;
  const stop = async (): Promise<void> => {
    await store?.[Symbol.asyncDispose]();
    store = null;
  };
  return {
    backups: sqliteBackups(folder),
    database: 'madsci_events',
    dataFile: DATABASE_FILE,
    async fill(ids) {
      store ??= await openSqliteStore({ folder, durability: 'normal', readers: 1, release: 'test', now: () => 0 });
      await store.events.append(ids.map((_id) => submission(event({ _id }))));
    },
    stop,
    async digest() {
      using db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
      const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").all();
      return JSON.stringify(tables.map(({ name }) => [name, db.prepare(`SELECT * FROM ${String(name)}`).all()]));
    },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
