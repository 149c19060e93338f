import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export const DATABASE_FILE = 'hookwright.db';
/** `full` survives a power cut; `normal` only a crash of the process. */
export type Durability = 'full' | 'normal';

/** For messages. */
export const placeOf = (folder: string): string => `The data folder ${resolve(folder)}`;

/** Makes the folder and those above it, one by one: Node's own recursion never ends where the system refuses some of them (seen below /proc). */
export function ensureFolder(folder: string): void {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.unshift(path);
  try {
    for (const path of missing) mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The data folder ${folder} cannot be made: ${reason}. Set DATA_DIR to a folder that this user may write.`, { cause });
  }
}

export function openForWriting(folder: string, durability: Durability): DatabaseSync {
  const db = new DatabaseSync(join(folder, DATABASE_FILE), { timeout: 5_000 });
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'};
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -65536;
    PRAGMA temp_store = MEMORY;
  `);
  return db;
}

export function openForReading(folder: string): DatabaseSync {
  const db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true, timeout: 5_000 });
  db.exec('PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA query_only = 1;');
  return db;
}

/**
 * Holds the data folder for this process alone: a second server on it is refused with a text that says so.
 * The lock is the operating system's, so it ends with the process however that ends.
 */
export function lockFolder(folder: string): Disposable {
  const db = new DatabaseSync(join(folder, 'server.lock'), { timeout: 0 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (cause) {
    db.close();
    throw new Error(`Another server uses the data folder ${folder}. Stop it first, or set DATA_DIR to another folder.`, { cause });
  }
  return { [Symbol.dispose]: () => db.close() };
}
