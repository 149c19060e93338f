import { MongoClient } from 'mongodb';
import { ulid } from 'ulid';
import { type MongoStore, type MongoStoreOptions, openMongoStore } from '../../src/adapters/mongo/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';

/** A MongoDB store on a database of its own, which goes when the last store on it is disposed. */
export interface TestMongoStore extends MongoStore {
  database: string;
  /** As after a stop and a start of the server. This store is closed. */
  reopen(): Promise<TestMongoStore>;
  /** Takes everything out behind the store's back. Numbers go on from where they were. */
  clear(): Promise<void>;
}

export async function openTestMongoStore(options: Partial<MongoStoreOptions> & { url: string }): Promise<TestMongoStore> {
  const database = options.database ?? `test_${ulid()}`;
  const store = await openMongoStore({ serverId: 'server', release: 'test', clock: systemClock, ...options, database });
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (!isClosed) await store[Symbol.asyncDispose]();
    isClosed = true;
  };
  return {
    ...store,
    database,
    async reopen() {
      await close();
      return openTestMongoStore({ ...options, database });
    },
    clear: () =>
      onDatabase(options.url, database, async (db) => {
        for (const { collectionName } of await db.collections())
          if (!/_(servers|counters|schema)$/.test(collectionName)) await db.collection(collectionName).deleteMany({});
      }),
    async [Symbol.asyncDispose]() {
      const wasClosed = isClosed;
      await close();
      if (!wasClosed) await onDatabase(options.url, database, (db) => db.dropDatabase());
    },
  };
}

export async function onDatabase<T>(url: string, database: string, work: (db: ReturnType<MongoClient['db']>) => Promise<T>): Promise<T> {
  const client = await MongoClient.connect(url);
  try {
    return await work(client.db(database));
  } finally {
    await client.close();
  }
}
