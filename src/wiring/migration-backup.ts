import type { Config } from '../config.ts';
import { createBackup, restoreBackup } from '../engine/backups.ts';
import type { OnProgress } from '../ports/backup.ts';
import { backupParts } from './backups.ts';
import type { MigrationBackup } from './migrate.ts';

const DESCRIPTION = 'pre_migration';

/** The backup that is made before a migration, beside the others. The migration keeps servers away already. */
export async function migrationBackup(config: Config, onProgress: OnProgress): Promise<MigrationBackup> {
  const parts = await backupParts(config, { isLocked: true });
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
