import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { openMongoMovable } from '../../src/adapters/mongo/movable.ts';
import { openMongoStore } from '../../src/adapters/mongo/store.ts';
import { openSqliteMovable } from '../../src/adapters/sqlite/movable.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { localTime } from '../../src/adapters/system/local-time.ts';
import type { Place } from '../conformance/movable-store.suite.ts';
import { onDatabase } from './mongo-store.ts';

const keepsItsData = { reopen: () => Promise.reject(new Error('open it again by its place')), clear: async () => {} };
const NOW = Date.UTC(2026, 2, 1);

/** A data folder that goes when the place is disposed of. */
export function sqlitePlace(folder = mkdtempSync(join(tmpdir(), 'hookwright-place-'))): Place & { folder: string } {
  return {
    folder,
    asServer: async () => ({
      ...(await openSqliteStore({ folder, durability: 'normal', readers: 1, release: 'test', now: Date.now })),
      ...keepsItsData,
    }),
    asRecords: async (role) =>
      openSqliteMovable({ folder, role, release: 'test', now: NOW, naiveOffsetMinutes: localTime().naiveOffsetMinutes }),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A database of its own, which goes when the place is disposed of. */
export function mongoPlace(url: string, database = `test_${ulid()}`, onWait = (_: number): void => {}): Place & { database: string } {
  return {
    database,
    async asServer() {
      const store = await openMongoStore({ url, database, serverId: 'server', release: 'test', clock: systemClock });
      const renewal = setInterval(() => void store.queue.renew(NOW).catch(() => {}), 200);
      return {
        ...store,
        ...keepsItsData,
        [Symbol.asyncDispose]() {
          clearInterval(renewal);
          return store[Symbol.asyncDispose]();
        },
      };
    },
    asRecords: (role) =>
      openMongoMovable({
        url,
        database,
        collection: 'events',
        place: `the database ${database}`,
        role,
        standaloneAllowed: false,
        release: 'test',
        now: NOW,
        onWait,
      }),
    [Symbol.asyncDispose]: () => onDatabase(url, database, async (db) => void (await db.dropDatabase())),
  };
}
