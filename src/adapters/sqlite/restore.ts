import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf } from '../../core/backup/manifest.ts';
import { EngineError } from '../../core/errors.ts';
import type { CopyFiles, OnProgress } from '../../ports/backup.ts';
import { DATABASE_FILE } from './open.ts';

/**
 * How a copy takes the place of the database, so that an interruption at any moment leaves the one or the other:
 *
 *   hookwright.db.restoring           being written and looked through: the old store
 *   hookwright.db.restored-<time>     renamed to this when all of it is on the disk: from here on the new store
 *   hookwright.db                     after the old files were moved to hookwright.db.before-restore-<time>
 *
 * Whoever opens the data folder does what is left of it first (`finishRestore`), so nobody ever sees a state between.
 */
const STAGING = `${DATABASE_FILE}.restoring`;
const RESTORED = new RegExp(`^${DATABASE_FILE.replace('.', '\\.')}\\.restored-(\\d{8}T\\d{6}\\d{3}Z)$`);
const COMPANIONS = ['-wal', '-shm', '-journal'] as const;

/** Lays the copy beside the database and commits to it once `test` has taken it. The caller holds the folder's lock. */
export async function stage(
  folder: string,
  files: CopyFiles,
  onProgress: OnProgress,
  test: (path: string) => void,
): Promise<{ old: string }> {
  const path = join(folder, STAGING);
  const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '');
  rmSync(path, { force: true });
  try {
    await writeCopy(files, path, onProgress);
    test(path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error instanceof EngineError ? error : notWritten(folder, files, error);
  }
  syncFolder(folder);
  renameSync(path, join(folder, `${DATABASE_FILE}.restored-${stamp}`));
  syncFolder(folder);
  return { old: join(folder, `${DATABASE_FILE}.before-restore-${stamp}`) };
}

function notWritten(folder: string, { manifest }: CopyFiles, cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `The copy, of ${bytesOf(manifest)} bytes, could not be written beside the store in ${folder}: ${reason}. Nothing has been changed.`;
  return new EngineError('restore_refused', text, { cause });
}

/** The bytes are compared with their hash while they are written. */
export async function writeCopy(files: CopyFiles, path: string, onProgress: OnProgress): Promise<void> {
  const total = bytesOf(files.manifest);
  await using handle = await open(path, 'wx', 0o600);
  let done = 0;
  for await (const chunk of files.read(DATABASE_FILE)) {
    await handle.appendFile(chunk);
    done += chunk.length;
    onProgress({ phase: 'writing', done, total, unit: 'bytes' });
  }
  await handle.sync();
}

/** Ends a restore that has been committed to, and removes what is left of one that has not. Answers whether there was one. The caller holds the folder's lock. */
export function finishRestore(folder: string): boolean {
  rmSync(join(folder, STAGING), { force: true });
  const found = readdirSync(folder).flatMap((name) => RESTORED.exec(name)?.slice(0, 2) ?? []);
  const [name, stamp] = found;
  if (name === undefined || stamp === undefined) return false;
  const live = join(folder, DATABASE_FILE);
  const old = `${live}.before-restore-${stamp}`;
  // The log goes after its database: alone it would be taken for the new one's.
  if (existsSync(live)) renameSync(live, old);
  for (const end of COMPANIONS) if (existsSync(`${live}${end}`)) renameSync(`${live}${end}`, `${old}${end}`);
  syncFolder(folder);
  renameSync(join(folder, name), live);
  syncFolder(folder);
  return true;
}

function syncFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
