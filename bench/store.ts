import { startReplicaSet } from '../test/support/mongod.ts';

export type StoreName = 'sqlite' | 'mongodb';

let url: string | null = null;
let databases = 0;

/** Starts a mongod, a replica set of one member, for all that is measured. It ends with this process. */
export async function useStore(name: StoreName): Promise<AsyncDisposable> {
  if (name === 'sqlite') return { async [Symbol.asyncDispose]() {} };
  const mongod = await startReplicaSet();
  url = mongod.url;
  return mongod;
}

/** A database of its own on the MongoDB that is measured; null where it is SQLite. */
export function newDatabase(): { url: string; database: string } | null {
  return url === null ? null : { url, database: `bench_${++databases}` };
}
