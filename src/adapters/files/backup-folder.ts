import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type BackupFile, bytesOf, MANIFEST_FILE, MANIFEST_HASH_FILE, type Manifest } from '../../core/backup/manifest.ts';
import { isPartial, isPlainName, partialName } from '../../core/backup/name.ts';
import { EngineError } from '../../core/errors.ts';
import type { BackupFolder, CopyFiles, OnProgress, StoredBackup } from '../../ports/backup.ts';
import { chunksOf, copyFiles, damaged } from './copy-files.ts';
import { FOLDER_MODE, openPlain, sync, writeDurably } from './durable.ts';
import { faultOfMadsci } from './madsci-backup.ts';
import { manifestHashText, readBackup } from './read-backup.ts';

const LOCK_FILE = '.lock';

/** Backups as folders beside each other. What is being made has a name of its own until all of it is on the disk. */
export function backupFolder(folder: string): BackupFolder {
  const path = resolve(folder);
  return {
    path,
    lock: () => lock(path),
    list: () => list(path),
    async find(name) {
      const found = isPlainName(name) && !isPartial(name) ? await readBackup(join(path, name)) : null;
      return found ?? absent(name, path);
    },
    async at(other) {
      const found = other.includes('\0') ? null : await readBackup(resolve(other));
      return found ?? absent(other, path);
    },
    create: (name, write, onProgress) => create(path, name, write, onProgress),
    check,
    files,
    signature,
    async remove(name) {
      if (!isPlainName(name)) absent(name, path);
      await discard(join(path, name));
      await sync(path);
    },
    async room() {
      const { bavail, bsize } = await statfs(await nearest(path));
      return bavail * bsize;
    },
  };
}

function absent(name: string, path: string): never {
  throw new EngineError('backup_not_found', `There is no backup ${JSON.stringify(name.slice(0, 300))} in ${path}.`);
}

/** The lock is the operating system's, so it ends with the process however that ends. */
async function lock(path: string): Promise<AsyncDisposable> {
  await mkdir(path, { recursive: true, mode: FOLDER_MODE }).catch((cause: unknown) => {
    throw new EngineError('backup_failed', `The folder of backups ${path} cannot be made: ${textOf(cause)}.`, { cause });
  });
  const db = open(path);
  try {
    for (const name of await readdir(path)) if (isPartial(name)) await rm(join(path, name), { recursive: true, force: true });
  } catch (error) {
    db.close();
    throw error;
  }
  return { [Symbol.asyncDispose]: async () => db.close() };
}

function open(path: string): DatabaseSync {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 });
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    return db;
  } catch (cause) {
    db?.close();
    if (/locked|busy/.test(textOf(cause)))
      throw new EngineError('backup_running', `Another backup is being made or removed in ${path}.`, { cause });
    throw new EngineError('backup_failed', `The folder of backups ${path} cannot be written: ${textOf(cause)}.`, { cause });
  }
}

async function list(path: string): Promise<StoredBackup[]> {
  const names = await readdir(path).catch(() => []);
  const found: StoredBackup[] = [];
  for (const name of names) {
    const backup = name.startsWith('.') ? null : await readBackup(join(path, name));
    if (backup !== null) found.push(backup);
  }
  return found.sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1));
}

async function create(
  path: string,
  name: string,
  write: (folder: string) => Promise<Omit<Manifest, 'files'>>,
  onProgress: OnProgress,
): Promise<StoredBackup> {
  const made = join(path, partialName(name));
  try {
    await mkdir(made, { mode: FOLDER_MODE });
    const content = await write(made);
    const manifest: Manifest = { ...content, files: await hashAll(made, onProgress) };
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await writeDurably(join(made, MANIFEST_FILE), text);
    await writeDurably(join(made, MANIFEST_HASH_FILE), manifestHashText(text));
    await sync(made);
    await rename(made, join(path, name));
    await sync(path);
    return {
      name,
      path: join(path, name),
      createdAt: Date.parse(manifest.created_at),
      bytes: bytesOf(manifest),
      maker: 'hookwright',
      manifest,
      fault: null,
    };
  } catch (error) {
    await rm(made, { recursive: true, force: true }).catch(() => {}); // else the next backup does it
    throw asFailure(error, path);
  }
}

/** The hash of every file, after which it is on the disk. */
async function hashAll(folder: string, onProgress: OnProgress): Promise<BackupFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const files: BackupFile[] = [];
  let done = 0;
  for (const path of paths) {
    const hash = createHash('sha256');
    let bytes = 0;
    await using handle = await openPlain(path);
    for await (const chunk of chunksOf(handle)) {
      hash.update(chunk);
      bytes += chunk.length;
      done += chunk.length;
      onProgress({ phase: 'hashing', done, total, unit: 'bytes' });
    }
    await handle.sync();
    files.push({ path: path.slice(folder.length + 1), bytes, sha256: hash.digest('hex') });
  }
  for (const entry of entries) if (entry.isDirectory()) await sync(join(entry.parentPath, entry.name));
  return files;
}

function files(backup: StoredBackup): CopyFiles {
  const { name, path, manifest, fault } = backup;
  if (fault !== null) throw damaged(name, fault);
  if (manifest === null) throw new EngineError('backup_unfit', `The backup ${name} was made by MADSci: use hookwright import ${path}`);
  return copyFiles(path, name, manifest);
}

async function check(backup: StoredBackup, onProgress: OnProgress): Promise<void> {
  if (backup.maker === 'madsci') {
    const fault = await faultOfMadsci(backup.path).catch(textOf);
    if (fault !== null) throw damaged(backup.name, fault);
    return;
  }
  const source = files(backup);
  const total = bytesOf(source.manifest);
  let done = 0;
  for (const { path } of source.manifest.files)
    for await (const chunk of source.read(path)) {
      done += chunk.length;
      onProgress({ phase: 'comparing hashes', done, total, unit: 'bytes' });
    }
}

async function signature({ path, manifest }: StoredBackup): Promise<string> {
  const names = manifest === null ? await readdir(path) : [MANIFEST_FILE, MANIFEST_HASH_FILE, ...manifest.files.map((file) => file.path)];
  const seen = names.map(async (name) => {
    const status = await stat(join(path, name), { bigint: true }).catch(() => null);
    return status === null ? 'absent' : `${status.ino}/${status.size}/${status.mtimeNs}/${status.ctimeNs}`;
  });
  return (await Promise.all(seen)).join(' ');
}

/** Renamed first, so that a removal that is cut off leaves nothing that looks like a backup. */
async function discard(path: string): Promise<void> {
  const gone = join(path, '..', partialName(basename(path)));
  await rename(path, gone);
  await rm(gone, { recursive: true, force: true });
}

async function nearest(path: string): Promise<string> {
  for (let at = path; ; at = resolve(at, '..')) if (at === '/' || (await stat(at).catch(() => null)) !== null) return at;
}

function asFailure(error: unknown, path: string): unknown {
  if (error instanceof EngineError) return error;
  const text = textOf(error);
  const isFull = /ENOSPC|EDQUOT|disk is full|no space/i.test(text);
  const reason = isFull ? `The disk of ${path} is full` : `The backup could not be made in ${path}: ${text}`;
  return new EngineError('backup_failed', `${reason}. Nothing is left of it.`, { cause: error });
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
