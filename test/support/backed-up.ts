import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { onDatabase } from './mongo-store.ts';

/** What a store holds, as texts that differ when anything in it does; what tells of running servers, and of restores, apart. */

const NOT_NOTED = " WHERE name <> 'restored'";

export function sqliteDigest(folder: string): string {
  using db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").all();
  const hash = createHash('sha256');
  for (const { name } of tables)
    for (const row of db.prepare(`SELECT * FROM ${String(name)}${name === 'settings' ? NOT_NOTED : ''}`).iterate())
      hash.update(`${name} ${JSON.stringify(row)}\n`);
  return hash.digest('hex');
}

const PASSING = /^(hookwright_(servers|leaders|signals|restore)$|before_restore_|restoring_)/;

export function mongoDigest(url: string, database: string): Promise<string> {
  return onDatabase(url, database, async (db) => {
    const names = (await db.collections()).map(({ collectionName }) => collectionName).sort();
    const hash = createHash('sha256');
    const others = { _id: { $ne: 'restored' as never } };
    for (const name of names.filter((each) => !PASSING.test(each))) {
      // The note of a restore, which the server that starts next reads, may be all there is of the settings.
      if (name === 'hookwright_settings' && (await db.collection(name).countDocuments(others)) === 0) continue;
      const indexes = await db.collection(name).indexes();
      hash.update(`${name} ${JSON.stringify(indexes.map(({ v: _v, ...index }) => index))}\n`);
      for await (const raw of db.collection(name).find(others, { sort: { _id: 1 }, raw: true })) hash.update(raw as unknown as Uint8Array);
    }
    return hash.digest('hex');
  });
}
