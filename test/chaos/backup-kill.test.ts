import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { ulid } from 'ulid';
import { openMongoStore } from '../../src/adapters/mongo/store.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { type BackupParts, verifyBackup } from '../../src/engine/backups.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { backupParts } from '../../src/wiring/backups.ts';
import { event, submission } from '../conformance/subject.ts';
import { mongoDigest, sqliteDigest } from '../support/backed-up.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { ROUNDS, randomOf } from './chaos.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const EVENTS = 3_000;

/** A store on which the command works as in a shell of its own. */
interface Place {
  env: Record<string, string>;
  open(): Promise<{ events: EventStore } & AsyncDisposable>;
  digest(): Promise<string>;
}

const mongod = mongodOfFile();

const KINDS: [string, (folder: string) => Place][] = [
  [
    'SQLite',
    (folder) => ({
      env: {},
      open: () => openSqliteStore({ folder: join(folder, 'data'), durability: 'normal', readers: 1, release: 'test', now: Date.now }),
      digest: async () => sqliteDigest(join(folder, 'data')),
    }),
  ],
  [
    'MongoDB',
    () => {
      const [url, database] = [mongod.url, `killed_${ulid()}`];
      return {
        env: { EVENT_DB_URL: url, EVENT_DATABASE_NAME: database },
        open: () => openMongoStore({ url, database, serverId: 'server', release: 'test', clock: systemClock }),
        digest: () => mongoDigest(url, database),
      };
    },
  ],
];

describe.each(KINDS)('kill -9 in the middle, on %s', (name, placeIn) => {
  const rig = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hookwright-killed-'));
    const place = placeIn(folder);
    const env = { ...place.env, DATA_DIR: join(folder, 'data'), EVENT_BACKUP_DIR: join(folder, 'backups') };
    const { EVENT_DB_URL, EVENT_DATABASE_NAME = 'madsci_events' } = place.env;
    const parts = await backupParts({
      EVENT_DB_URL,
      EVENT_DATABASE_NAME,
      EVENT_COLLECTION_NAME: 'events',
      DATA_DIR: env.DATA_DIR,
      BACKUP_DIR: env.EVENT_BACKUP_DIR,
      BACKUP_MAX_COUNT: 100,
    });
    const start = (...args: string[]): ChildProcess =>
      spawn(process.execPath, [MAIN, 'backup', ...args], {
        cwd: folder,
        env: { PATH: process.env['PATH'], TZ: 'UTC', ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    return {
      ...place,
      parts,
      backups: env.EVENT_BACKUP_DIR,
      async fill(from: number, count: number): Promise<void> {
        await using store = await place.open();
        const pad = 'x'.repeat(1_000);
        for (let n = from; n < from + count; n += 500)
          await store.events.append(
            Array.from({ length: 500 }, (_, k) => submission(event({ _id: `event ${n + k}`, event_data: { pad, n: n + k } }))),
          );
      },
      /** How long it takes when it is left alone. */
      async whole(...args: string[]): Promise<number> {
        const before = performance.now();
        const child = start(...args);
        let output = '';
        child.stderr?.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
        const [code] = (await once(child, 'exit')) as [number];
        if (code !== 0) throw new Error(`backup ${args.join(' ')} ended with ${code}: ${output}`);
        return performance.now() - before;
      },
      async killed(afterMs: number, ...args: string[]): Promise<void> {
        const child = start(...args);
        const ended = once(child, 'exit');
        await Promise.race([setTimeout(afterMs), ended]);
        child.kill('SIGKILL');
        await ended;
      },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  };

  test('a backup is there and whole, or not there; what is left is swept by the next', async () => {
    const random = randomOf(`backup of ${name}`);
    await using it = await rig();
    await it.fill(0, EVENTS);
    const ms = await it.whole('create');
    for (let round = 0; round < ROUNDS; round++) {
      await it.killed(random.between(Math.floor(ms / 3), Math.ceil(ms)), 'create');
      for (const backup of await it.parts.folder.list()) {
        expect(backup.fault).toBe(null);
        await verifyBackup(it.parts, backup, {});
      }
    }
    await it.whole('create');
    expect(readdirSync(it.backups).filter((file) => file.startsWith('.partial'))).toEqual([]);
  }, 600_000);

  test('a restore leaves the old store or the new one', async () => {
    const random = randomOf(`restore of ${name}`);
    await using it = await rig();
    await it.fill(0, EVENTS);
    await it.whole('create', '--description', 'small');
    const small = await it.digest();
    await it.fill(EVENTS, EVENTS);
    await it.whole('create', '--description', 'large');
    const large = await it.digest();
    const named = async (description: string): Promise<string> => (await find(it.parts, description)).name;
    const ms = await it.whole('restore', await named('small'));
    const seen = { old: 0, new: 0 };
    let now: 'small' | 'large' = 'small';
    for (let round = 0; round < ROUNDS; round++) {
      const wanted = now === 'small' ? 'large' : 'small';
      // What matters most is at the end.
      const from = round % 2 === 0 ? ms / 3 : ms * 0.75;
      await it.killed(random.between(Math.floor(from), Math.ceil(ms * 1.1)), 'restore', await named(wanted));
      await opened(it);
      const digest = await it.digest();
      const is: 'small' | 'large' | null = digest === small ? 'small' : digest === large ? 'large' : null;
      expect(is).not.toBe(null);
      seen[is === wanted ? 'new' : 'old']++;
      now = is ?? now;
    }
    process.stderr.write(`chaos: restores of ${name} that were killed left ${JSON.stringify(seen)}\n`);
    await it.whole('restore', await named('small'));
    expect(await it.digest()).toBe(small);
  }, 600_000);

  /** A server starts on it; where collections were changing places, only after that has been finished. */
  async function opened(it: Awaited<ReturnType<typeof rig>>): Promise<void> {
    try {
      await using _store = await it.open();
    } catch (error) {
      expect(String(error)).toMatch(/restore --finish/);
      expect(await it.parts.store.finish()).toBe(true);
      await using _store = await it.open();
    }
  }
});

async function find({ folder }: BackupParts, description: string) {
  const found = (await folder.list()).find(({ manifest }) => manifest?.description === description);
  if (found === undefined) throw new Error(`no backup ${description}`);
  return found;
}
