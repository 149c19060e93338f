import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';

const BIN = join(import.meta.dirname, '../../bin/hookwright.js');
let mongod: Mongod;
let root: string;
beforeAll(async () => {
  mongod = await startReplicaSet();
  root = mkdtempSync(join(tmpdir(), 'hookwright-moved-'));
});
afterAll(async () => {
  await mongod?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

interface Run {
  code: number;
  out: string;
  err: string;
}
const hookwright = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { cwd: root, env: { PATH: process.env['PATH'] ?? '', HOME: root } }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });

const CODE = 'export default async (event, ctx) => { await ctx.state.increment("seen"); return event._id; };';
/** What a client sees, as texts, but for when its key was last used. */
const PATHS = [
  '/events?number=0',
  '/events?number=7&offset=3&level=30',
  '/events/archived',
  '/handlers',
  '/executions?limit=500',
  '/deliveries',
  '/keys',
  '/definition',
];
async function answers(server: ServerProcess): Promise<string[]> {
  return Promise.all(
    PATHS.map(async (path) => JSON.stringify((await api(server, 'GET', path)).body).replaceAll(/"last_used_at":"[^"]*"/g, '')),
  );
}
const everyRun = (server: ServerProcess, count: number): Promise<true> =>
  eventually(async () => ((await api(server, 'GET', '/executions?state=succeeded&limit=500')).body.items.length === count ? true : null));

test('a data folder moves to MongoDB and back: the server answers the same in each, goes on with its work, and starts only where the data is', async () => {
  const [first, second] = [join(root, 'first'), join(root, 'second')];
  for (const folder of [first, second]) mkdirSync(folder);
  const onMongo = { EVENT_DB_URL: mongod.url, EVENT_DATABASE_NAME: 'moved' };
  let before: string[];
  {
    await using server = await startServer({ folder: first });
    const handler = { hook: 'event.on_ingest', name: 'seen', code: CODE, notify_on_success: 'a@lab.example' };
    expect((await api(server, 'POST', '/handlers', handler)).status).toBe(201);
    const events = Array.from({ length: 40 }, (_, n) => ({ _id: `e${n}`, event_type: 'test', log_level: (n % 6) * 10, event_data: { n } }));
    expect((await api(server, 'POST', '/events', events)).status).toBeLessThan(300);
    await everyRun(server, 40);
    await api(server, 'POST', '/events/archive', { event_ids: ['e1', 'e2'] });
    await eventually(async () => ((await api(server, 'GET', '/deliveries?state=sent&limit=500')).body.items.length === 40 ? true : null));
    before = await answers(server);
    const refused = await hookwright('migrate-store', '--from', first, '--to', mongod.url, '--to-database', 'moved');
    expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Stop it first') });
  }

  const there = await hookwright('migrate-store', '--from', first, '--to', mongod.url, '--to-database', 'moved', '--json');
  expect(there).toMatchObject({ code: 0 });
  expect(JSON.parse(there.out)).toMatchObject({
    moved: true,
    kinds: { events: { count: 40 }, executions: { count: 40 }, deliveries: { count: 40 } },
  });
  await expect(startServer({ folder: first })).rejects.toThrow(/was moved to MongoDB/);

  let after: string[];
  {
    await using server = await startServer({ env: onMongo });
    expect(await answers(server)).toEqual(before);
    expect((await api(server, 'POST', '/event', { _id: 'e40', event_type: 'test' })).status).toBe(200);
    await everyRun(server, 41);
    expect((await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', name: 'next', code: CODE })).body.id).toBe(2);
    await eventually(async () => ((await api(server, 'GET', '/deliveries?state=sent&limit=500')).body.items.length === 41 ? true : null));
    after = await answers(server);
  }

  const back = await hookwright('migrate-store', '--from', mongod.url, '--from-database', 'moved', '--to', second);
  expect(back).toMatchObject({ code: 0, out: expect.stringContaining('the same on both sides') });
  {
    await using server = await startServer({ folder: second });
    expect(await answers(server)).toEqual(after);
  }
  // The first copy again, as it was, for whoever asks for it.
  expect(await hookwright('migrate-store', '--release', first)).toMatchObject({ code: 0 });
  await using server = await startServer({ folder: first });
  expect(await answers(server)).toEqual(before);
}, 240_000);

test.each([
  { why: 'no target', args: ['--from', 'x'], code: 2, err: /--to/ },
  { why: 'a source that is none', args: ['--from', 'nowhere', '--to', 'y'], code: 1, err: /no store in/ },
  { why: 'a URL of something else', args: ['--from', 'x', '--to', 'postgres://h/d'], code: 2, err: /mongodb:\/\// },
  { why: 'a file that is not there', args: ['--from', '@gone', '--to', 'y'], code: 2, err: /no file gone/ },
  { why: 'a store and itself', args: ['--from', 'x', '--to', './x'], code: 1, err: /onto itself/ },
])('is refused, with a text that says why: $why', async ({ args, code, err }) => {
  expect(await hookwright('migrate-store', ...args)).toMatchObject({ code, out: '', err: expect.stringMatching(err) });
});
