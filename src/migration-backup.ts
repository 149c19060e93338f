import { resolve } from 'node:path';
import { backupFolder } from './adapters/files/backup-folder.ts';
import { sqliteBackups } from './adapters/sqlite/backup.ts';
import { localTime } from './adapters/system/local-time.ts';
import type { Config } from './config.ts';
import { type BackupParts, createBackup, restoreBackup } from './engine/backups.ts';
import type { MigrationBackup } from './migrate.ts';
import type { OnProgress } from './ports/backup.ts';
import { RELEASE } from './release.ts';

const DESCRIPTION = 'pre_migration';

/** The backup that is made before a migration, beside the others; null for a store of which none can be made. */
export function migrationBackup(config: Config, onProgress: OnProgress): MigrationBackup | null {
  if (config.EVENT_DB_URL !== undefined) return null;
  const parts = partsOf(config);
  return {
    async create() {
      const { backup } = await createBackup(parts, { description: DESCRIPTION, max: null }, onProgress);
      return backup.path;
    },
    async restore(path) {
      await restoreBackup(parts, await parts.folder.at(path), onProgress);
    },
  };
}

/** The migration holds the data folder already. */
function partsOf({ DATA_DIR, BACKUP_DIR, EVENT_DATABASE_NAME: database, EVENT_COLLECTION_NAME: collection }: Config): BackupParts {
  return {
    store: sqliteBackups(resolve(DATA_DIR), { isLocked: true }),
    folder: backupFolder(BACKUP_DIR),
    database,
    collection,
    release: RELEASE,
    nowUs: localTime().nowUs,
  };
}
