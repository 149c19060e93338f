import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Dump, dump, fill, type Place, SAMPLES } from '../conformance/movable-store.suite.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { mongoPlace, sqlitePlace } from '../support/places.ts';
import { randomOf } from './chaos.ts';

/** Moves between real stores by the real command, which is killed at random moments and run again until it has moved everything. */
const KILLS = Math.max(3, Math.ceil(Number(process.env['CHAOS_ROUNDS'] ?? 4)));
const EVENTS = 12_000;
const BIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

let mongod: Mongod;
let folder: string;
beforeAll(async () => {
  mongod = await startReplicaSet();
  folder = mkdtempSync(join(tmpdir(), 'hookwright-move-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await mongod?.[Symbol.asyncDispose]();
});

function large(): Dump {
  const [, sample] = SAMPLES.events as [unknown, Dump['events'][number]];
  const [, run] = SAMPLES.executions as [unknown, Dump['executions'][number]];
  const idOf = (n: number): string => `e${String(n).padStart(6, '0')}`;
  return {
    ...SAMPLES,
    events: Array.from({ length: EVENTS }, (_, n) => ({
      ...sample,
      seq: n + 1,
      id: idOf(n),
      json: sample.json.replace('"_id":"a"', `"_id":"${idOf(n)}"`),
    })),
    executions: Array.from({ length: EVENTS / 2 }, (_, n) => ({ ...run, seq: n + 1, id: `${idOf(n)}.2`, subject: idOf(n), fired: false })),
  };
}

function run(from: string[], to: string[]): { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> } {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const child = spawn(process.execPath, [BIN, 'migrate-store', ...from, ...to], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, output })) };
}

test.each(['sqlite to mongo', 'mongo to sqlite'])(
  '%s, killed again and again',
  async (way) => {
    const [sqlite, mongo] = [sqlitePlace(), mongoPlace(mongod.url)];
    const all = large();
    const [source, target]: Place[] = way.startsWith('sqlite') ? [sqlite, mongo] : [mongo, sqlite];
    const [here, there] = [
      (verb: string) => [`--${verb}`, sqlite.folder],
      (verb: string) => [`--${verb}`, mongod.url, `--${verb}-database`, mongo.database],
    ];
    const command: [string[], string[]] = way.startsWith('sqlite') ? [here('from'), there('to')] : [there('from'), here('to')];
    {
      await using store = await (source as Place).asRecords('target');
      await fill(store, all);
      await store.complete();
      await store.setMark(null);
    }
    const random = randomOf(`move from ${way}`);
    let killed = 0;
    let last = { code: null as number | null, output: '' };
    for (let tries = 0; tries < KILLS; tries++) {
      const { child, ended } = run(...command);
      // Longer each time, so that a quick machine is killed in the middle as well as a slow one.
      const lives = 300 * (tries + 1) + random.below(600);
      const isOver = await Promise.race([ended.then(() => true), sleep(lives, false)]);
      if (!isOver) killed++;
      child.kill('SIGKILL');
      last = await ended;
      if (isOver) break;
    }
    if (last.code !== 0) last = await run(...command).ended;
    expect(last).toMatchObject({ code: 0 });
    expect(last.output).toMatch(/counts and checksums are the same|moved already/);
    expect(killed).toBeGreaterThan(0);
    {
      await using store = await (target as Place).asRecords('target');
      expect((await store.mark())?.state).toBe('filled');
      expect(await dump(store)).toEqual(all);
    }
    await using store = await (source as Place).asRecords('target');
    expect((await store.mark())?.state).toBe('moved');
    for (const place of [source, target]) await (place as Place)[Symbol.asyncDispose]();
  },
  300_000,
);
