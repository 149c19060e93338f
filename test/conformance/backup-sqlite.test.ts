import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteBackups } from '../../src/adapters/sqlite/backup.ts';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { openSqliteStore, type SqliteStore } from '../../src/adapters/sqlite/store.ts';
import { sqliteDigest } from '../support/backed-up.ts';
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
    digest: async () => sqliteDigest(folder),
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
