import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { STEPS } from '../../src/adapters/mongo/steps.ts';
import { openTestMongoStore } from '../support/mongo-store.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { ROUNDS, randomOf } from './chaos.ts';

/** RELIABILITY 25c on MongoDB: kill -9 in the middle of a migration. */

const SCRIPT = new URL('../support/migrate-heavy-mongo.ts', import.meta.url).pathname;
const EVENTS = 20_000;
/** Of a server of this release, which knows the steps before those. */
const REFUSAL = /written by Hookwright test/;

const mongod = mongodOfFile();

async function makeOld(db: Db): Promise<void> {
  await db.collection('hookwright_settings').insertOne({ _id: 'manager_id', value: 'M' } as never);
  const events = Array.from({ length: EVENTS }, (_, n) => ({
    _id: `e${n}`,
    event_timestamp: `2026-0${1 + (n % 9)}-11T00:00:00`,
    archived: false,
  }));
  await db.collection('events').insertMany(events as never[]);
}

function start(database: string) {
  const child = spawn(process.execPath, [SCRIPT, mongod.url, database], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const begun = Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), ended]);
  return { child, begun, ended, output: () => output };
}

async function look(db: Db): Promise<{ number: number; isMarked: boolean; days: number; months: number }> {
  const records = await db.collection<{ _id: number | 'migrating' }>('hookwright_schema').find({}).toArray();
  const numbers = records.flatMap(({ _id }) => (typeof _id === 'number' ? [_id] : []));
  const having = (name: string): Promise<number> => db.collection('events').countDocuments({ [name]: { $exists: true } });
  const isMarked = records.some(({ _id }) => _id === 'migrating');
  return { number: Math.max(1, ...numbers), isMarked, days: await having('day'), months: await having('month') };
}

test(
  'no server takes a database for a whole one that is not, and the next run completes it',
  async () => {
    const random = randomOf('migrate-kill-mongo');
    const last = STEPS.length + 2;
    const seen: number[] = [];
    let longestMs = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const db = mongod.client.db(`killed_${round}`);
      await makeOld(db);
      const run = start(db.databaseName);
      await run.begun;
      const begunAt = performance.now();
      if (round > 0) {
        await setTimeout(random.below(Math.min(longestMs, 1_000)));
        run.child.kill('SIGKILL');
      }
      await run.ended;
      if (round === 0) longestMs = 1.1 * (performance.now() - begunAt);
      // The lock of a dead migration ends by itself after half a minute.
      await db.collection('hookwright_leaders').updateMany({}, { $set: { until: new Date(0) } });
      const after = await look(db);
      seen.push(after.number);
      if (after.number >= last - 1) expect(after.days).toBe(EVENTS);
      if (after.number >= last) expect(after.months).toBe(EVENTS);
      if (round > 0) await expect(openTestMongoStore({ url: mongod.url, database: db.databaseName })).rejects.toThrow(REFUSAL);
      const again = start(db.databaseName);
      await again.ended;
      // Killed between the last step and taking the mark away, which then means nothing to this release.
      const isNearlyWhole = after.number >= last && after.isMarked;
      if (!isNearlyWhole) expect(again.output()).toMatch(after.number < last ? /migrated\n$/ : /nothing_to_do\n$/);
      expect(await look(db)).toMatchObject({ number: last, days: EVENTS, months: EVENTS });
      await db.dropDatabase();
    }
    process.stderr.write(`chaos: a migration took ${longestMs.toFixed(0)} ms; schemas after each kill ${seen.join(', ')}\n`);
  },
  60_000 + ROUNDS * 20_000,
);
