import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { EngineError } from '../../core/errors.ts';
import type { BackupStore, CopyContent, CopyFiles, OnProgress } from '../../ports/backup.ts';
import { DATABASE_FILE, ensureFolder, lockFolder } from './open.ts';
import { finishRestore, stage, writeCopy } from './restore.ts';
import { SCHEMA_VERSION } from './schema.ts';

const PAGES_AT_ONCE = 2_000;

/** Copies of the SQLite file in the data folder. `isLocked`: the caller holds the folder's lock already. */
export function sqliteBackups(folder: string, { isLocked = false }: { isLocked?: boolean } = {}): BackupStore {
  const path = join(folder, DATABASE_FILE);
  return {
    kind: 'sqlite',
    schema: SCHEMA_VERSION,
    async size() {
      return sizeOf(path) + sizeOf(`${path}-wal`);
    },
    copy: (to, onProgress) => copy(folder, to, onProgress),
    test: async (files, onProgress) => testCopy(await files.pathOf(DATABASE_FILE), files, onProgress),
    rehearse: (files, onProgress) => rehearse(folder, files, onProgress),
    restore: (files, onProgress) => restore(folder, isLocked, files, onProgress),
    async note(name, value) {
      using _lock = held(folder, isLocked);
      using db = new DatabaseSync(path, { timeout: 5_000 });
      db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(name, value);
    },
    async finish() {
      using _lock = held(folder, isLocked);
      return finishRestore(folder);
    },
  };
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * The copy is taken page by page inside one read transaction, which the write-ahead log gives a state of its own: whatever is written
 * meanwhile neither waits for the copy nor gets into it.
 */
async function copy(folder: string, to: string, onProgress: OnProgress): Promise<CopyContent> {
  if (!existsSync(join(folder, DATABASE_FILE))) throw new EngineError('backup_failed', `There is no database in ${folder} yet.`);
  const path = join(to, DATABASE_FILE);
  {
    using source = new DatabaseSync(join(folder, DATABASE_FILE), { timeout: 5_000 });
    source.exec('PRAGMA query_only = 1; BEGIN; SELECT count(*) FROM sqlite_schema;');
    const progress = ({ totalPages, remainingPages }: { totalPages: number; remainingPages: number }): void =>
      onProgress({ phase: 'copying', done: (totalPages - remainingPages) * 4_096, total: totalPages * 4_096, unit: 'bytes' });
    await backup(source, path, { rate: PAGES_AT_ONCE, progress });
  }
  chmodSync(path, 0o600);
  using made = new DatabaseSync(path);
  made.exec('PRAGMA journal_mode = DELETE'); // a file of its own, which can be read where nothing can be written
  onProgress({ phase: 'looking through the copy', done: 0, total: null, unit: 'bytes' });
  assertWhole(made, 'quick_check');
  return { schema: schemaOf(made), consistent: true, counts: countsOf(made) };
}

/** A copy is opened as what nobody changes, so that nothing is written beside it and nothing that lies beside it is read. */
function testCopy(path: string, { manifest }: CopyFiles, onProgress: OnProgress): void {
  onProgress({ phase: 'looking through the copy', done: 0, total: null, unit: 'bytes' });
  const url = new URL(`file:${path.split('/').map(encodeURIComponent).join('/')}`);
  url.searchParams.set('immutable', '1');
  using db = new DatabaseSync(url, { readOnly: true });
  assertWhole(db, 'integrity_check');
  if (schemaOf(db) !== manifest.schema) throw unfit(`its schema is ${schemaOf(db)} and not ${manifest.schema}, as its manifest says`);
  const counts = countsOf(db);
  for (const [table, count] of Object.entries(manifest.counts))
    if (counts[table] !== count) throw unfit(`${table} has ${counts[table] ?? 'no'} rows instead of ${count}`);
}

function assertWhole(db: DatabaseSync, pragma: 'quick_check' | 'integrity_check'): void {
  const faults = db
    .prepare(`PRAGMA ${pragma}(3)`)
    .all()
    .map((row) => String(row[pragma]));
  if (faults.join() !== 'ok') throw unfit(`the database in it is damaged: ${faults.join('; ').slice(0, 500)}`);
}

const unfit = (reason: string): EngineError => new EngineError('backup_damaged', `The copy cannot be used: ${reason}.`);

const schemaOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA user_version').get()?.['user_version']);

function countsOf(db: DatabaseSync): Record<string, number> {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").all();
  const count = (name: string): number => Number(db.prepare(`SELECT count(*) AS n FROM "${name.replaceAll('"', '""')}"`).get()?.['n']);
  return Object.fromEntries(tables.map(({ name }) => [String(name), count(String(name))]));
}

async function rehearse(folder: string, files: CopyFiles, onProgress: OnProgress): Promise<void> {
  ensureFolder(folder);
  for (const name of readdirSync(folder)) if (isAbandoned(name)) await rm(join(folder, name), { recursive: true, force: true });
  const scratch = await mkdtemp(join(folder, `.rehearsal-${process.pid}-`));
  try {
    const path = join(scratch, DATABASE_FILE);
    await writeCopy(files, path, onProgress);
    testCopy(path, files, onProgress);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Of a process that is no longer there. */
function isAbandoned(name: string): boolean {
  const pid = /^\.rehearsal-(\d+)-/.exec(name)?.[1];
  if (pid === undefined || Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function restore(folder: string, isLocked: boolean, files: CopyFiles, onProgress: OnProgress): Promise<string | null> {
  ensureFolder(folder);
  using _lock = held(folder, isLocked);
  finishRestore(folder);
  const staged = await stage(folder, files, onProgress, (path) => testCopy(path, files, onProgress));
  finishRestore(folder);
  return existsSync(staged.old) ? staged.old : null;
}

function held(folder: string, isLocked: boolean): Disposable {
  if (isLocked) return { [Symbol.dispose]() {} };
  try {
    return lockFolder(folder);
  } catch (cause) {
    throw new EngineError('restore_refused', `A server uses the data folder ${folder}. Stop it first: nothing has been changed.`, {
      cause,
    });
  }
}
