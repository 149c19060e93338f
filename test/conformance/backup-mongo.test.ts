import { afterAll, beforeAll } from '@jest/globals';
import { ulid } from 'ulid';
import { mongoBackups } from '../../src/adapters/mongo/backup.ts';
import { type MongoStore, openMongoStore } from '../../src/adapters/mongo/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { mongoDigest } from '../support/backed-up.ts';
import { onDatabase } from '../support/mongo-store.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { backupConformance } from './backup.suite.ts';
import { event, submission } from './subject.ts';

let mongod: Mongod;
beforeAll(async () => {
  mongod = await startReplicaSet();
}, 120_000);
afterAll(async () => mongod[Symbol.asyncDispose]());

backupConformance('MongoDB', async () => {
  const { url } = mongod;
  const database = `backup_${ulid()}`;
  let store: MongoStore | null = null;
  const stop = async (): Promise<void> => {
    await store?.[Symbol.asyncDispose]();
    store = null;
  };
  return {
    backups: mongoBackups({ url, database, collection: 'events' }),
    database,
    dataFile: `${database}/events.bson`,
    async fill(ids) {
      store ??= await openMongoStore({ url, database, serverId: 'server', release: '0.0.0', clock: systemClock });
      await store.events.append(ids.map((_id) => submission(event({ _id }))));
    },
    stop,
    digest: () => mongoDigest(url, database),
    async [Symbol.asyncDispose]() {
      await stop();
      await onDatabase(url, database, (db) => db.dropDatabase());
    },
  };
});
