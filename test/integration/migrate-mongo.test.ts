import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { ulid } from 'ulid';
import { mongoMigrations } from '../../src/adapters/mongo/migrations.ts';
import { type MongoStep, STEPS } from '../../src/adapters/mongo/steps.ts';
import { type MigrateOptions, type MigrationBackup, migrate } from '../../src/wiring/migrate.ts';
import { heldBackup } from '../support/held-backup.ts';
import { checkForLeaks } from '../support/leaks.ts';
import { onDatabase, openTestMongoStore } from '../support/mongo-store.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';

/** RELIABILITY 25c and M32 on MongoDB. */

/** Beside the real steps, some that change documents, each in several commands. */
const MORE: readonly MongoStep[] = [
  ...STEPS,
  {
    title: 'Gives every event its day',
    async up({ events }) {
      await events.createIndex({ day: 1 });
      await events.updateMany({ day: { $exists: false } }, [{ $set: { day: { $substrBytes: ['$event_timestamp', 0, 10] } } }]);
    },
  },
  {
    title: 'Gives every handler a note',
    async up({ handlers }) {
      await handlers.updateMany({ note: { $exists: false } }, { $set: { note: '' } });
    },
  },
];
const RELEASE = '9.9.9';

const mongod = mongodOfFile();
let database: string;
let db: Db;
beforeEach(() => {
  database = `test_${ulid()}`;
  db = mongod.client.db(database);
});

async function run(over: Partial<MigrateOptions> & { steps?: readonly MongoStep[] } = {}) {
  const { url } = mongod;
  await using migrations = await mongoMigrations({
    url,
    database,
    collection: 'events',
    standaloneAllowed: false,
    release: RELEASE,
    now: () => 1_000,
    steps: over.steps ?? MORE,
  });
  return await migrate({ migrations, backup: null, target: null, isDryRun: false, say: () => {}, ...over });
}
const open = (over = {}) => openTestMongoStore({ url: mongod.url, database, ...over });
/** As release 0.1.0 left a database: our collections and no record. */
async function makeOldDatabase(): Promise<void> {
  await db.collection<{ _id: string }>('hookwright_settings').insertOne({ _id: 'manager_id', value: 'M' } as never);
  await db.collection('hookwright_handlers').insertOne({ _id: 1, hook: 'event.on_ingest', name: 'first', live: true } as never);
  const events = Array.from({ length: 50 }, (_, n) => ({
    _id: `e${n}`,
    event_timestamp: `2026-01-0${1 + (n % 9)}T00:00:00`,
    archived: false,
  }));
  await db.collection('events').insertMany(events as never[]);
}
const records = () =>
  db
    .collection('hookwright_schema')
    .find({}, { projection: { _id: 1, release: 1, notes: 1 } })
    .sort({ _id: 1 })
    .toArray();
const days = () => db.collection('events').countDocuments({ day: { $exists: true } });

describe('a new database', () => {
  test('is made and recorded by the first server, and by two that start together', async () => {
    await using one = await open({ serverId: 'one' });
    await using two = await open({ serverId: 'two' });
    expect(await Promise.all([one.events.total(), two.events.total()])).toEqual([0, 0]);
    expect(await records()).toEqual(STEPS.map((_, n) => ({ _id: n + 1, release: 'test', notes: null })));
    expect(await run({ steps: STEPS })).toMatchObject({ kind: 'nothing_to_do' });
  });

  test('M32 is recorded in schema_versions as MADSci records it', async () => {
    await using _store = await open();
    const [version, ...rest] = await db.collection('schema_versions').find({}).toArray();
    expect(rest).toEqual([]);
    expect(version).toEqual({
      _id: expect.anything(),
      version: '1.0.0',
      applied_at: expect.any(Date),
      migration_notes: expect.any(String),
    });
    const indexes = await db.collection('schema_versions').indexes();
    expect(indexes.map(({ name, key, unique }) => ({ name, key, unique: unique ?? false }))).toEqual([
      { name: '_id_', key: { _id: 1 }, unique: false },
      { name: 'version_unique', key: { version: 1 }, unique: true },
      { name: 'applied_at_desc', key: { applied_at: -1 }, unique: false },
    ]);
  });

  test('that a server which died in it had begun to make is completed by the next one', async () => {
    const building = { _id: 'building', title: 'Makes a new database', release: 'test', appliedAt: new Date(), notes: null };
    await db.collection('hookwright_schema').insertOne(building as never);
    await db.collection('hookwright_handlers').createIndex({ hook: 1 });
    await using store = await open();
    expect(await store.events.total()).toBe(0);
    expect((await records()).map(({ _id }) => _id)).toEqual(STEPS.map((_, n) => n + 1));
  });
});

describe("a database of MADSci's", () => {
  test('is used as it stands, and its own record is left as it is', async () => {
    const version = { version: '1.0.0', applied_at: new Date('2026-01-01T00:00:00Z'), migration_notes: 'MADSci made it' };
    await db.collection('schema_versions').insertOne({ ...version });
    await db.collection('events').insertOne({ _id: 'e1', event_timestamp: '2026-01-01T00:00:00', archived: false } as never);
    await using store = await open();
    expect(await store.events.total()).toBe(1);
    expect(
      await db
        .collection('schema_versions')
        .find({}, { projection: { _id: 0 } })
        .toArray(),
    ).toEqual([version]);
  });

  test.each(['0.9.0', '1.1.0', '2.0.0'])('of version %s is refused, and nothing is written', async (version) => {
    await db.collection('schema_versions').insertMany([
      { version: '1.0.0', applied_at: new Date('2026-01-01T00:00:00Z'), migration_notes: '' },
      { version, applied_at: new Date('2026-02-01T00:00:00Z'), migration_notes: '' },
    ]);
    await expect(open()).rejects.toThrow(`version ${version} of MADSci's documents; version 1.0.0 is known here`);
    expect((await db.listCollections().toArray()).map(({ name }) => name)).toEqual(['schema_versions']);
  });
});

describe('a database of release 0.1.0', () => {
  beforeEach(makeOldDatabase);

  test('is brought up to date step by step, each recorded with release and notes', async () => {
    const lines: string[] = [];
    const backup: MigrationBackup = { create: async () => '/backups/one', restore: async () => {} };
    expect(await run({ backup, say: (line) => lines.push(line) })).toEqual({
      kind: 'migrated',
      from: 1,
      to: MORE.length,
      backup: '/backups/one',
    });
    expect(lines.slice(2)).toEqual(MORE.slice(1).map(({ title }, n) => `${n + 2}/${MORE.length}  ${title} ...`));
    expect(await days()).toBe(50);
    expect(await records()).toEqual([
      { _id: 1, release: '0.1.0', notes: 'Done before steps were recorded' },
      ...MORE.slice(1).map((_, n) => ({ _id: n + 2, release: RELEASE, notes: 'The backup made before: /backups/one' })),
    ]);
    expect(await db.collection('schema_versions').countDocuments({ version: '1.0.0' })).toBe(1);
    expect(await run()).toMatchObject({ kind: 'nothing_to_do' });
    // And this release, which knows less, refuses it.
    await expect(open()).rejects.toMatchObject({
      name: 'SchemaMismatch',
      message: expect.stringMatching(new RegExp(`schema ${MORE.length}, written by Hookwright ${RELEASE}[\\s\\S]*/backups/one`)),
    });
  });

  test('a dry run changes nothing', async () => {
    expect(await run({ isDryRun: true })).toMatchObject({ kind: 'would_migrate' });
    expect([await records(), await days()]).toEqual([[], 0]);
  });

  test('from whichever command on the database fails, no server takes it for a whole one, and the next run completes it', async () => {
    let cutOff = 0;
    for (let failing = 0; ; failing++) {
      database = `test_${ulid()}`;
      db = mongod.client.db(database);
      await makeOldDatabase();
      const failure = await failingFrom(failing, () => run()).catch((error: Error) => error);
      if (!(failure instanceof Error)) {
        expect(failing).toBeGreaterThan(10);
        expect(cutOff).toBeGreaterThan(3);
        break;
      }
      const done: unknown[] = (await records()).map(({ _id }) => _id);
      expect(done).not.toContain(MORE.length);
      // The release before takes no database that is half changed.
      if (done.includes('migrating')) await expect(open()).rejects.toThrow('A migration to it was cut off');
      cutOff += Number(done.includes('migrating'));
      expect(await run()).toMatchObject({ kind: 'migrated', to: MORE.length });
      expect([await days(), (await records()).length]).toEqual([50, MORE.length]);
      expect(await db.collection('hookwright_handlers').countDocuments({ note: '' })).toBe(1);
      await db.dropDatabase();
    }
  });

  test('when a step fails the backup is put back', async () => {
    const broken: readonly MongoStep[] = [...MORE, { title: 'Fails', up: () => Promise.reject(new Error('no such thing')) }];
    const restored: string[] = [];
    const backup: MigrationBackup = { create: async () => '/backups/two', restore: async (path) => void restored.push(path) };
    await expect(run({ steps: broken, backup })).rejects.toThrow('The migration failed, and the backup was put back: no such thing');
    expect(restored).toEqual(['/backups/two']);
    await expect(run({ steps: broken })).rejects.toThrow('Run it again: it goes on where it stopped');
  });

  test('is refused beside a server, and of two at once the second is refused', async () => {
    await run({ steps: STEPS });
    {
      await using _server = await open({ serverId: 'at work' });
      await expect(run()).rejects.toThrow('A server uses the database');
    }
    database = `test_${ulid()}`;
    db = mongod.client.db(database);
    await makeOldDatabase();
    const held = heldBackup();
    const first = run({ backup: held.backup });
    await held.isWaiting;
    await expect(run()).rejects.toThrow('A migration of the database');
    await expect(open()).rejects.toThrow('A migration of the database');
    held.letGo();
    expect(await first).toMatchObject({ kind: 'migrated' });
  });
});

/** Lets every command of the migration fail after `skip` others. The lock cannot be given back then: time passes until it ends. */
async function failingFrom<T>(skip: number, work: () => Promise<T>): Promise<T> {
  const commands = ['find', 'update', 'insert', 'createIndexes', 'listCollections', 'findAndModify', 'aggregate'];
  const data = { failCommands: commands, errorCode: 8_000, appName: 'hookwright' };
  await onDatabase(mongod.url, 'admin', (admin) => admin.command({ configureFailPoint: 'failCommand', mode: { skip }, data }));
  try {
    return await work();
  } finally {
    await onDatabase(mongod.url, 'admin', (admin) => admin.command({ configureFailPoint: 'failCommand', mode: 'off' }));
    await db.collection('hookwright_leaders').updateOne({ owner: /^migration/ }, { $set: { until: new Date(0) } });
  }
}

checkForLeaks();
