import { backupFolder } from './adapters/files/backup-folder.ts';
import { sqliteBackups } from './adapters/sqlite/backup.ts';
import type { Config } from './config.ts';
import { type BackupParts, createBackup, restoreBackup } from './engine/backups.ts';
import type { MigrationBackup } from './migrate.ts';
import type { BackupStore } from './ports/backup.ts';
import { RELEASE } from './release.ts';

type BackupSettings = Pick<Config, 'EVENT_DB_URL' | 'EVENT_DATABASE_NAME' | 'EVENT_COLLECTION_NAME' | 'DATA_DIR' | 'BACKUP_DIR'>;

/** What backups of the store that the settings name are made with. `isLocked`: the caller keeps servers away from the store already. */
export async function backupParts(config: BackupSettings, { isLocked = false }: { isLocked?: boolean } = {}): Promise<BackupParts> {
  return {
    store: await backupStore(config, isLocked),
    folder: backupFolder(config.BACKUP_DIR),
    database: config.EVENT_DATABASE_NAME,
    collection: config.EVENT_COLLECTION_NAME,
    release: RELEASE,
    nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1_000),
  };
}

async function backupStore(config: BackupSettings, isLocked: boolean): Promise<BackupStore> {
  const { EVENT_DB_URL: url, EVENT_DATABASE_NAME: database, EVENT_COLLECTION_NAME: collection, DATA_DIR: folder } = config;
  if (url === undefined) return sqliteBackups(folder, { isLocked });
  const { mongoBackups } = await import('./adapters/mongo/backup.ts');
  return mongoBackups({ url, database, collection, isLocked });
}

/** The way back from a migration that fails: a backup like any other, which is not rotated away. */
export async function migrationBackup(config: BackupSettings): Promise<MigrationBackup> {
  const parts = await backupParts(config, { isLocked: true });
  return {
    async create() {
      const { backup } = await createBackup(parts, { description: 'before_migration', max: null });
      return backup.path;
    },
    async restore(path) {
      await restoreBackup(parts, await parts.folder.at(path));
    },
  };
}
