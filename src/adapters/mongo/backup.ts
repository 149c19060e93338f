import { BSON, type Db, type MongoClient, MongoServerError } from 'mongodb';
import { EngineError } from '../../core/errors.ts';
import type { BackupStore, CopyContent, CopyFiles, OnProgress } from '../../ports/backup.ts';
import { isStaged, isStored, replacedName, stagedName } from './backup-names.ts';
import { readEvent } from './bson-read.ts';
import { documentsOf } from './bson-stream.ts';
import { type Collections, collectionsOf, connect } from './connect.ts';
import { dump } from './dump.ts';
import { refuseWhileMigrating } from './migration-lock.ts';
import { Holder, type Move } from './restore-mark.ts';
import { schemaState } from './schema.ts';
import { partsOf, progressOf, stagePart } from './stage.ts';
import { STEPS } from './steps.ts';

export interface MongoBackupOptions {
  url: string;
  database: string;
  collection: string;
  /** The caller keeps servers away already: a migration that takes itself back. */
  isLocked?: boolean;
}
const NAMESPACE_NOT_FOUND = 26;

/** Copies of the store's collections, in the layout of mongodump. */
export function mongoBackups(options: MongoBackupOptions): BackupStore {
  const { url, database, collection, isLocked = false } = options;
  const connected = async <T>(work: (db: Db, client: MongoClient) => Promise<T>): Promise<T> => {
    await using client = await connect(url, null);
    return await work(client.db(database), client);
  };
  return {
    kind: 'mongodb',
    schema: STEPS.length,
    size: () => connected((db) => sizeOf(db, collection)),
    copy: (to, onProgress) =>
      connected(async (db, client): Promise<CopyContent> => {
        const { found } = await schemaState(collectionsOf(db, collection));
        return { schema: found ?? 0, ...(await dump(client, db, collection, to, onProgress)) };
      }),
    test: (files, onProgress) => testCopy(files, collection, onProgress),
    rehearse: (files, onProgress) => connected((db) => rehearse(db, collection, files, onProgress)),
    restore: (files, onProgress) => connected((db) => restore({ db, events: collection, isLocked }, files, onProgress)),
    note: (name, value) =>
      connected(async (db) => {
        await collectionsOf(db, collection).settings.updateOne({ _id: name }, { $set: { value } }, { upsert: true });
      }),
    finish: () => connected(finish),
  };
}

/** Without what restores have left beside the store. */
async function sizeOf(db: Db, events: string): Promise<number> {
  const names = (await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray()).map(({ name }) => name);
  const sizes = names
    .filter((name) => isStored(name, events))
    .map(async (name) => {
      const [stats] = await db
        .collection(name)
        .aggregate([{ $collStats: { storageStats: {} } }])
        .toArray();
      return Number(stats?.['storageStats'].size ?? 0);
    });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Reads every document, events as they are read to be answered. */
async function testCopy(files: CopyFiles, events: string, onProgress: OnProgress): Promise<void> {
  const parts = partsOf(files, events);
  const onDone = progressOf(parts, 'reading documents', onProgress);
  for (const { name, data, count } of parts) {
    let read = 0;
    try {
      for await (const document of documentsOf(files.read(data))) {
        if (name === events) readEvent(document);
        else BSON.deserialize(document);
        if (++read % 1_000 === 0) onDone(1_000);
      }
      onDone(read % 1_000);
    } catch (cause) {
      if (cause instanceof EngineError) throw cause;
      throw new EngineError('backup_damaged', `${data}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    if (read !== count) throw new EngineError('backup_damaged', `${data} has ${read} documents instead of ${count}.`);
  }
}

async function rehearse(db: Db, events: string, files: CopyFiles, onProgress: OnProgress): Promise<void> {
  await using holder = await Holder.take(db);
  if ((await holder.pending()) !== null) throw unfinished();
  await sweep(db);
  try {
    await stageAll(db, events, files, stampOf(), onProgress);
  } finally {
    await sweep(db);
  }
}

const unfinished = (): EngineError =>
  new EngineError('restore_refused', 'A restore of this database has not ended. Run: hookwright backup restore --finish');

const stampOf = (): string => new Date().toISOString().replaceAll(/[-:.]/g, '');

/**
 * The copy is first laid into collections beside those of the store. Then a mark says which are to change places; from there on a restore
 * that is cut off can only be finished, and no server starts before.
 */
async function restore(
  { db, events, isLocked }: { db: Db; events: string; isLocked: boolean },
  files: CopyFiles,
  onProgress: OnProgress,
): Promise<string | null> {
  const assertUnused = isLocked ? async () => {} : () => refuseWhileUsed(collectionsOf(db, events));
  await assertUnused();
  await using holder = await Holder.take(db);
  if ((await holder.pending()) !== null) throw unfinished();
  await sweep(db);
  const stamp = stampOf();
  try {
    const election = await electionOf(db);
    const moves = await stageAll(db, events, files, stamp, onProgress);
    await holder.commit(moves);
    try {
      await assertUnused(); // of a server that started meanwhile, either it sees the mark or this sees it
      if ((await electionOf(db)) !== election)
        throw new EngineError(
          'restore_refused',
          'Another member became primary while the copy was written. Run it again: nothing has been changed.',
        );
    } catch (error) {
      await holder.uncommit();
      throw error;
    }
    onProgress({ phase: 'changing places', done: 0, total: null, unit: 'documents' });
    await swap(db, moves);
    await holder.uncommit();
    return moves.length === 0 ? null : `${db.databaseName}.${replacedName(stamp, '*')}`;
  } catch (error) {
    if ((await holder.pending()) === null) await sweep(db).catch(() => {}); // else the next one does it
    throw error;
  }
}

/** Documents are laid down without waiting for other members: only if the primary is still the same, the mark stands for all of them. */
async function electionOf(db: Db): Promise<string> {
  const hello = await db.admin().command({ hello: 1 });
  return String(hello['electionId'] ?? '');
}

async function refuseWhileUsed(all: Collections): Promise<void> {
  await refuseWhileMigrating(all);
  const alive = await all.servers.countDocuments({ $expr: { $gte: ['$aliveUntil', '$$NOW'] } });
  if (alive > 0)
    throw new EngineError(
      'restore_refused',
      `${alive === 1 ? 'A server uses' : `${alive} servers use`} the database ${all.db.databaseName}. ` +
        'Stop it first; one that was killed counts for 15 s more. Nothing has been changed.',
    );
}

async function stageAll(db: Db, events: string, files: CopyFiles, stamp: string, onProgress: OnProgress): Promise<Move[]> {
  const parts = partsOf(files, events);
  const onDone = progressOf(parts, 'writing documents', onProgress);
  for (const part of parts) await stagePart(db, stagedName(stamp, part.name), part, files, onDone);
  const staged = parts.map(({ name }): Move => ({ staged: stagedName(stamp, name), live: name, replaced: replacedName(stamp, name) }));
  const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  const others = names.filter((name) => isStored(name, events) && !parts.some((part) => part.name === name));
  return [...staged, ...others.map((name): Move => ({ staged: null, live: name, replaced: replacedName(stamp, name) }))];
}

/** Doing it again after it was cut off goes on where that was. */
async function swap(db: Db, moves: readonly Move[]): Promise<void> {
  for (const { staged, live, replaced } of moves) {
    const names = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
    if (staged !== null && !names.has(staged)) continue; // it has its place already
    if (!names.has(replaced) && names.has(live)) await rename(db, live, replaced, false);
    if (staged !== null) await rename(db, staged, live, true);
  }
}

async function rename(db: Db, from: string, to: string, dropTarget: boolean): Promise<void> {
  const at = (name: string): string => `${db.databaseName}.${name}`;
  await db.admin().command({ renameCollection: at(from), to: at(to), dropTarget, writeConcern: { w: 'majority', j: true } });
}

async function finish(db: Db): Promise<boolean> {
  await using holder = await Holder.take(db);
  const moves = await holder.pending();
  if (moves !== null) {
    await swap(db, moves);
    await holder.uncommit();
  }
  await sweep(db);
  return moves !== null;
}

/** Takes away what restores and rehearsals left that were cut off before the mark was set. */
async function sweep(db: Db): Promise<void> {
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray())
    if (isStaged(name))
      await db.dropCollection(name).catch((error: unknown) => {
        if (!(error instanceof MongoServerError) || error.code !== NAMESPACE_NOT_FOUND) throw error;
      });
}
