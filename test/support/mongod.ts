import { globSync } from 'node:fs';
import { MongoMemoryReplSet, MongoMemoryServer } from 'mongodb-memory-server-core';

/** Real mongod processes, which end with `Symbol.asyncDispose`. */
export interface Mongod extends AsyncDisposable {
  url: string;
  /** Makes another member the primary, if there are several. */
  stepDown(): Promise<void>;
}

const ROOT = new URL('../..', import.meta.url).pathname;
const CACHE_GB = 0.25;
const HOW_TO_GET_ONE = `MongoDB could not be started, and these tests need it: they are not skipped. One of these gives them a mongod:
  - a way to the internet: mongodb-memory-server downloads one by itself when the tests start
  - bash test/support/mongod-setup.sh, which takes one from a Python package (Linux on x86-64)
  - MONGOMS_SYSTEM_BINARY=/path/to/mongod, of version 6.0 or later`;

/** Starts a replica set of so many members; one of a single member is there in less than a second. */
export async function startReplicaSet(count = 1): Promise<Mongod> {
  useFoundBinary();
  const set = await started(() =>
    MongoMemoryReplSet.create({
      // Test commands are failpoints, by which tests make commands fail.
      replSet: {
        count,
        storageEngine: 'wiredTiger',
        args: ['--wiredTigerCacheSizeGB', String(CACHE_GB), '--setParameter', 'enableTestCommands=1'],
      },
    }),
  );
  return {
    url: set.getUri(),
    stepDown: async () => stepDown(set.getUri()),
    [Symbol.asyncDispose]: async () => void (await set.stop({ doCleanup: true, force: true })),
  };
}

/** Starts a mongod that is no member of a replica set. */
export async function startStandalone(): Promise<Mongod> {
  useFoundBinary();
  const server = await started(() => MongoMemoryServer.create({ instance: { storageEngine: 'wiredTiger' } }));
  return {
    url: server.getUri(),
    stepDown: async () => {},
    [Symbol.asyncDispose]: async () => void (await server.stop({ doCleanup: true, force: true })),
  };
}

async function stepDown(url: string): Promise<void> {
  const { MongoClient } = await import('mongodb');
  await using client = await MongoClient.connect(url);
  await client.db('admin').command({ replSetStepDown: 20, secondaryCatchUpPeriodSecs: 5 });
}

async function started<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    throw new Error(HOW_TO_GET_ONE, { cause });
  }
}

/** A binary that was named wins over one that the set-up script made; without either, one is downloaded. */
function useFoundBinary(): void {
  const found =
    process.env['MONGOMS_SYSTEM_BINARY'] ?? globSync('.cache/mongod-venv/lib/*/site-packages/fiftyone/db/bin/mongod', { cwd: ROOT })[0];
  if (found === undefined) return;
  process.env['MONGOMS_SYSTEM_BINARY'] = found.startsWith('/') ? found : `${ROOT}${found}`;
  process.env['MONGOMS_SYSTEM_BINARY_VERSION_CHECK'] = 'false';
  process.env['MONGOMS_RUNTIME_DOWNLOAD'] = 'false';
}
