import { expect, test } from '@jest/globals';
import { checkForLeaks } from '../support/leaks.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { api, eventually, startServer } from '../support/server.ts';

const mongod = mongodOfFile();

const DATABASE = 'retention';
const OLD = 3_000;
const YOUNG = 500;
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().replace('Z', '+00:00');

test("M31, M35 two servers on MADSci's database archive each old event once, and MongoDB deletes what its index says", async () => {
  const events = mongod.client.db(DATABASE).collection<{ _id: string }>('events');
  const made = Array.from({ length: OLD + YOUNG }, (_, n) => ({
    _id: `e${n}`,
    event_type: 'test',
    log_level: 20,
    event_timestamp: daysAgo(n < OLD ? 100 : 1),
    archived: false,
    archived_at: null,
  }));
  await events.insertMany(made);
  const env = {
    EVENT_DB_URL: mongod.url,
    EVENT_DATABASE_NAME: DATABASE,
    EVENT_RETENTION_ENABLED: 'true',
    EVENT_ARCHIVE_BATCH_SIZE: '200',
  };
  await using one = await startServer({ env });
  await using two = await startServer({ env });
  await eventually(async () => ((await events.countDocuments({ archived: true })) === OLD ? true : null), 60_000);
  const ended = await eventually(async () => {
    const [{ body: first }, { body: second }] = [await api(one, 'GET', '/retention'), await api(two, 'GET', '/retention')];
    return first.state === 'idle' && second.state === 'idle' ? first.last_run : null;
  });
  expect(ended).toMatchObject({ complete: true, error: null });
  expect(await events.countDocuments({ archived: true, archived_at: { $type: 'date' } })).toBe(OLD);
  expect((await api(two, 'GET', '/retention/preview')).body).toMatchObject({ archive: { count: 0 }, delete: { count: 0 } });
  expect((await events.indexes()).find(({ name }) => name === 'archived_at_1')).toMatchObject({ expireAfterSeconds: 365 * 86_400 });
  await events.updateMany({ _id: { $in: ['e0', 'e1'] } }, { $set: { archived_at: new Date(Date.now() - 400 * 86_400_000) } });
  expect((await api(one, 'POST', '/retention/run', {})).status).toBe(200);
  expect(await events.countDocuments({})).toBe(OLD + YOUNG - 2);
});

checkForLeaks();
