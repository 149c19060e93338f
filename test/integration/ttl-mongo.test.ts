import { expect, test } from '@jest/globals';
import { ulid } from 'ulid';
import { openMongoStore } from '../../src/adapters/mongo/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { checkForLeaks } from '../support/leaks.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';

const mongod = mongodOfFile();

const DAY_S = 86_400;

test('M30 the index by which MongoDB deletes is made as MADSci makes it, made anew with another time, and goes when retention is off', async () => {
  const database = `test_${ulid()}`;
  const ttlAfter = async (deleteAfterSeconds: number | null): Promise<unknown> => {
    await using _store = await openMongoStore({
      url: mongod.url,
      database,
      deleteAfterSeconds,
      serverId: 's',
      release: 'test',
      clock: systemClock,
    });
    const indexes = await mongod.client.db(database).collection('events').indexes();
    return indexes.filter(({ name }) => name === 'archived_at_1').map(({ v: _, ...rest }) => rest);
  };
  const index = (days: number): unknown[] => [
    { key: { archived_at: 1 }, name: 'archived_at_1', expireAfterSeconds: days * DAY_S, partialFilterExpression: { archived: true } },
  ];
  expect(await ttlAfter(null)).toEqual([]);
  expect(await ttlAfter(365 * DAY_S)).toEqual(index(365));
  expect(await ttlAfter(365 * DAY_S)).toEqual(index(365));
  expect(await ttlAfter(30 * DAY_S)).toEqual(index(30));
  expect(await ttlAfter(null)).toEqual([]);
  await mongod.client.db(database).dropDatabase();
});

checkForLeaks();
