import { resolve } from 'node:path';
import { cron } from '../adapters/cron/cron.ts';
import { backupFolder } from '../adapters/files/backup-folder.ts';
import { sqliteBackups } from '../adapters/sqlite/backup.ts';
import { localTime } from '../adapters/system/local-time.ts';
import type { Config } from '../config.ts';
import type { BackupServiceOptions } from '../engine/backup-service.ts';
import type { BackupParts } from '../engine/backups.ts';
import type { BackupStore } from '../ports/backup.ts';
import { RELEASE } from '../release.ts';
import { storePlace } from './store-place.ts';

/** Plain values, so that another process can be told. */
export type BackupSettings = Pick<
  Config,
  'EVENT_DB_URL' | 'EVENT_DATABASE_NAME' | 'EVENT_COLLECTION_NAME' | 'DATA_DIR' | 'BACKUP_DIR' | 'BACKUP_MAX_COUNT'
>;

export function backupSettings(config: Config): BackupSettings {
  const { EVENT_DB_URL, EVENT_DATABASE_NAME, EVENT_COLLECTION_NAME, DATA_DIR, BACKUP_DIR, BACKUP_MAX_COUNT } = config;
  return { EVENT_DB_URL, EVENT_DATABASE_NAME, EVENT_COLLECTION_NAME, DATA_DIR, BACKUP_DIR, BACKUP_MAX_COUNT };
}

/** Backups by a schedule are read in the server's own time zone. */
export function backupScheduleOf({ BACKUP_ENABLED, BACKUP_SCHEDULE }: Config, now: number): BackupServiceOptions['schedule'] {
  if (!BACKUP_ENABLED || BACKUP_SCHEDULE === undefined) return null;
  const schedule = { cron: BACKUP_SCHEDULE, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  const reading = cron.read(schedule, now);
  if (!reading.ok) throw new Error(`BACKUP_SCHEDULE: ${reading.detail}`);
  return { schedule, times: reading.times };
}

/** What backups of the store that the settings name are made with. `isLocked`: the caller keeps servers away from the store already. */
export async function backupParts(settings: BackupSettings, { isLocked = false }: { isLocked?: boolean } = {}): Promise<BackupParts> {
  return {
    store: await backupStore(settings, isLocked),
    folder: backupFolder(settings.BACKUP_DIR),
    database: settings.EVENT_DATABASE_NAME,
    collection: settings.EVENT_COLLECTION_NAME,
    place: storePlace(settings),
    release: RELEASE,
    nowUs: localTime().nowUs,
  };
}

async function backupStore(settings: BackupSettings, isLocked: boolean): Promise<BackupStore> {
  const { EVENT_DB_URL: url, EVENT_DATABASE_NAME: database, EVENT_COLLECTION_NAME: collection, DATA_DIR: folder } = settings;
  if (url === undefined) return sqliteBackups(resolve(folder), { isLocked });
  const { mongoBackups } = await import('../adapters/mongo/backup.ts');
  return mongoBackups({ url, database, collection, isLocked });
}
