import { backupName } from '../core/backup/name.ts';
import { RESTORED } from '../core/backup/plan.ts';
import { surplus } from '../core/backup/rotation.ts';
import { EngineError } from '../core/errors.ts';
import type { BackupFolder, BackupStore, OnProgress, StoredBackup } from '../ports/backup.ts';

export interface BackupParts {
  store: BackupStore;
  folder: BackupFolder;
  /** What goes into names and manifests. */
  database: string;
  collection: string;
  /** Where the store is, for people; stores that share a folder of backups are told apart by it. */
  place: string;
  release: string;
  /** Microseconds since the epoch. */
  nowUs(): number;
}
export interface CreateRequest {
  description: string;
  /** How many of ours are kept; null keeps all. */
  max: number | null;
  /** Milliseconds; for a backup of the schedule. */
  scheduledFor?: number | null;
}
export interface Created {
  backup: StoredBackup;
  /** Names of older ones that were removed for it. */
  removed: string[];
}

/** Pages that are not copied, and what else may come between the look at the disk and the writing. */
const SPARE_BYTES = 16_777_216;

/** Makes a backup, looks through it, and removes the oldest ones beyond `max`. */
export async function createBackup(parts: BackupParts, request: CreateRequest, onProgress: OnProgress = () => {}): Promise<Created> {
  const { store, folder, database, collection, place, release } = parts;
  await using _lock = await folder.lock();
  await assertRoom(parts);
  const atUs = parts.nowUs();
  const created_at = new Date(atUs / 1_000).toISOString();
  const scheduled_for = request.scheduledFor == null ? null : new Date(request.scheduledFor).toISOString();
  const write = async (path: string) => {
    const content = await store.copy(path, onProgress);
    return {
      format: 1 as const,
      store: store.kind,
      release,
      database,
      collection,
      place,
      created_at,
      description: request.description,
      scheduled_for,
      ...content,
    };
  };
  const backup = await folder.create(backupName(database, atUs, request.description), write, onProgress);
  const removed = request.max === null ? [] : await prune(parts, request.max);
  return { backup, removed };
}

async function assertRoom({ store, folder }: BackupParts): Promise<void> {
  const [size, room] = [await store.size(), await folder.room()];
  if (size + SPARE_BYTES > room)
    throw new EngineError('backup_failed', `The disk of ${folder.path} has room for ${room} bytes, and the backup needs about ${size}.`);
}

/** Removes the oldest backups of this store beyond `max`. The caller holds the folder. */
async function prune({ folder, place }: BackupParts, max: number): Promise<string[]> {
  const backups = await folder.list();
  const kept = backups.map((backup) => ({
    name: backup.name,
    createdAt: backup.createdAt,
    isOurs: isOf(place, backup),
    isValid: backup.fault === null,
  }));
  const names = surplus(kept, max);
  for (const name of names) await folder.remove(name);
  return names;
}

export async function pruneBackups(parts: BackupParts, max: number): Promise<string[]> {
  await using _lock = await parts.folder.lock();
  return prune(parts, max);
}

/** Whether this software made it, of the store at `place`. */
function isOf(place: string, { maker, manifest }: StoredBackup): boolean {
  return maker === 'hookwright' && manifest?.place === place;
}

/** The newest backup of the store that can be used. Null: there is none. */
export async function latestBackup({ folder, place }: BackupParts): Promise<StoredBackup | null> {
  return (await folder.list()).find((backup) => backup.fault === null && isOf(place, backup)) ?? null;
}

/** Throws `backup_damaged` unless every byte is as it was written and the copy can be read. `rehearse`: also by putting it into a scratch place. */
export async function verifyBackup(
  { store, folder }: Pick<BackupParts, 'store' | 'folder'>,
  backup: StoredBackup,
  { rehearse = false }: { rehearse?: boolean },
  onProgress: OnProgress = () => {},
): Promise<void> {
  await folder.check(backup, onProgress);
  if (backup.maker === 'madsci') return;
  const files = folder.files(backup);
  assertFits(store, backup);
  await store.test(files, onProgress);
  if (rehearse) await store.rehearse(files, onProgress);
}

/** Replaces the store by the backup, of which every byte has been compared before. Answers where the replaced store is kept. */
export async function restoreBackup(
  { store, folder }: Pick<BackupParts, 'store' | 'folder'>,
  backup: StoredBackup,
  onProgress: OnProgress = () => {},
): Promise<string | null> {
  const files = folder.files(backup);
  assertFits(store, backup);
  await folder.check(backup, onProgress);
  return store.restore(files, onProgress);
}

/** So that the server that starts next tells of the restore, as an event. */
export async function noteRestore({ store }: Pick<BackupParts, 'store'>, { name }: StoredBackup, at: number): Promise<void> {
  await store.note(RESTORED, JSON.stringify({ backup: name, at }));
}

function assertFits(store: BackupStore, { name, manifest }: StoredBackup): void {
  if (manifest === null) return;
  if (manifest.store !== store.kind)
    throw new EngineError('backup_unfit', `The backup ${name} is of a store of the kind ${manifest.store}; this one is ${store.kind}.`);
  if (manifest.schema > store.schema)
    throw new EngineError(
      'backup_unfit',
      `The backup ${name} has schema ${manifest.schema}; this release knows ${store.schema}. Use the release ${manifest.release}.`,
    );
}
