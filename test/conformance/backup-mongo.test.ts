import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ulid } from 'ulid';
import { mongoBackups } from '../../src/adapters/mongo/backup.ts';
import { type MongoStore, openMongoStore } from '../../src/adapters/mongo/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { mongoDigest } from '../support/backed-up.ts';
import { onDatabase } from '../support/mongo-store.ts';
import { startStandalone } from '../support/mongod.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { backupConformance } from './backup.suite.ts';
import { event, submission } from './subject.ts';

const mongod = mongodOfFile();

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

test('of a mongod without a replica set say that they are not of one moment', async () => {
  await using alone = await startStandalone();
  const database = 'alone';
  const store = await openMongoStore({
    url: alone.url,
    database,
    standaloneAllowed: true,
    serverId: 'server',
    release: 'test',
    clock: systemClock,
  });
  await store.events.append([submission(event({ _id: 'a' }))]);
  await store[Symbol.asyncDispose]();
  const path = mkdtempSync(join(tmpdir(), 'hookwright-alone-'));
  try {
    const content = await mongoBackups({ url: alone.url, database, collection: 'events' }).copy(path, () => {});
    expect(content).toMatchObject({ consistent: false, counts: { events: 1 } });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});
