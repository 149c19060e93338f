import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { ulid } from 'ulid';
import { openMongoStore } from '../../src/adapters/mongo/store.ts';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { createBackup, restoreBackup } from '../../src/engine/backups.ts';
import { backupParts } from '../../src/wiring/backups.ts';
import { event, submission } from '../conformance/subject.ts';
import { mongoDigest, sqliteDigest } from '../support/backed-up.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-cut-off-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = (name: string, url?: string) => ({
  EVENT_DB_URL: url,
  EVENT_DATABASE_NAME: name,
  EVENT_COLLECTION_NAME: 'events',
  DATA_DIR: join(folder, name),
  BACKUP_DIR: join(folder, `${name}-backups`),
  BACKUP_MAX_COUNT: 10,
});

describe('a restore of SQLite that is cut off while the files change places', () => {
  const live = (data: string, end = '') => join(data, `${DATABASE_FILE}${end}`);

  /** What is done, in this order, after all of the copy is on the disk. */
  const STEPS: ((data: string, old: string) => void)[] = [
    (data, old) => renameSync(live(data), old),
    (data, old) => renameSync(live(data, '-wal'), `${old}-wal`),
    (data, old) => renameSync(live(data, '-shm'), `${old}-shm`),
  ];

  test.each([0, 1, 2, 3])('after %i of its steps the next start does the rest, and the old files stay', async (done) => {
    const config = settings(`sqlite${done}`);
    const data = config.DATA_DIR;
    const parts = await backupParts(config);
    const open = () => openSqliteStore({ folder: data, durability: 'normal', readers: 1, release: 'test', now: Date.now });
    const fill = async (...ids: string[]): Promise<void> => {
      await using store = await open();
      await store.events.append(ids.map((_id) => submission(event({ _id }))));
    };
    await fill('a');
    const before = sqliteDigest(data);
    const { backup } = await createBackup(parts, { description: 'x', max: null });
    // A log beside the database, as a server that was killed leaves it.
    await fill('b');
    await leaveLog(data);
    const stamp = '20261126T120000000Z';
    renameSync(join(await copyOf(backup.path), DATABASE_FILE), live(data, `.restored-${stamp}`));
    for (const step of STEPS.slice(0, done)) step(data, live(data, `.before-restore-${stamp}`));

    await using _store = await open();
    expect(readdirSync(data).filter((name) => name.includes('.restored-'))).toEqual([]);
    expect(sqliteDigest(data)).toBe(before);
    expect(existsSync(live(data, `.before-restore-${stamp}`))).toBe(true);
    expect(existsSync(live(data, `.before-restore-${stamp}-wal`))).toBe(true);
  });

  async function copyOf(path: string): Promise<string> {
    const { cpSync } = await import('node:fs');
    cpSync(path, `${path}-copy`, { recursive: true });
    return `${path}-copy`;
  }

  /** Opens the database and copies its log, which is empty once it is closed. */
  async function leaveLog(data: string): Promise<void> {
    const { cpSync } = await import('node:fs');
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(live(data));
    db.exec("PRAGMA journal_mode = WAL; INSERT INTO settings (name, value) VALUES ('x', 'y')");
    for (const end of ['-wal', '-shm']) cpSync(live(data, end), live(data, `${end}.kept`));
    db.close();
    for (const end of ['-wal', '-shm']) renameSync(live(data, `${end}.kept`), live(data, end));
  }
});

describe('a restore of MongoDB that is cut off while the collections change places', () => {
  let mongod: Mongod;
  beforeAll(async () => {
    mongod = await startReplicaSet();
  });
  afterAll(async () => mongod[Symbol.asyncDispose]());

  test.each([0, 1, 4])('after %i renamings no server starts until it is finished, and then the store is the new one', async (done) => {
    const { url } = mongod;
    const config = settings(`cut_${ulid()}`, url);
    const database = config.EVENT_DATABASE_NAME;
    const parts = await backupParts(config);
    const open = () => openMongoStore({ url, database, serverId: 'server', release: 'test', clock: systemClock });
    const fill = async (...ids: string[]): Promise<void> => {
      await using store = await open();
      await store.events.append(ids.map((_id) => submission(event({ _id }))));
    };
    await fill('a');
    const before = await mongoDigest(url, database);
    const { backup } = await createBackup(parts, { description: 'x', max: null });
    await fill('b');

    await using client = await MongoClient.connect(url);
    const failures = { failCommands: ['renameCollection'], errorCode: 11_601 };
    const admin = client.db('admin');
    await admin.command({ configureFailPoint: 'failCommand', mode: { skip: done }, data: failures });
    await expect(restoreBackup(parts, backup)).rejects.toThrow();
    await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });

    await expect(open()).rejects.toThrow(/hookwright backup restore --finish/);
    await expect(restoreBackup(parts, backup)).rejects.toThrow(/--finish/);
    expect(await parts.store.finish()).toBe(true);
    expect(await parts.store.finish()).toBe(false);
    expect(await mongoDigest(url, database)).toBe(before);
    await using _store = await open();
  });
});
