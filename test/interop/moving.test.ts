import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { startOriginal } from '../support/original.ts';
import { startServer } from '../support/server.ts';

let root: string;
let lab: string;
let url: string;
let mongod: Mongod;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'hookwright-moving-'));
  lab = join(root, 'lab');
  mkdirSync(join(lab, '.madsci'), { recursive: true });
  mkdirSync(join(lab, 'managers'));
  mongod = await startReplicaSet();
  url = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(
    join(lab, 'settings.yaml'),
    `event_server_url: ${url}/\nevent_document_db_url: ${mongod.url}\nresource_db_url: postgresql://x\n`,
  );
  writeFileSync(join(lab, 'managers/event.settings.yaml'), 'manager_name: Lab events\narchive_batch_size: 7\n');
  writeFileSync(join(lab, 'events.env'), 'EVENT_SOFT_DELETE_AFTER_DAYS=30\n');
});
afterAll(async () => {
  await mongod?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const text = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text();
async function post(path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}
/** The settings of the original; ours has more. */
async function settings(names?: readonly string[]): Promise<Record<string, unknown>> {
  const { settings: all } = JSON.parse(await text('/settings')) as { settings: Record<string, unknown> };
  return Object.fromEntries((names ?? Object.keys(all)).map((name) => [name, all[name]]));
}
const PATHS = ['/events?number=0', '/events?number=3&offset=2&level=30', '/events/archived', '/event/e4', '/event/none', '/backup/status'];
const everything = async (): Promise<string[]> => Promise.all(PATHS.map(text));

test('M35 M41 the original is stopped, ours is started in its folder: same address, settings, id and events; and the other way round', async () => {
  const before = await (async () => {
    await using original = await startOriginal({ folder: lab, home: root, url });
    expect(original.url).toBe(url);
    const levels = [10, 20, 30, 40, 50];
    for (const [index, log_level] of levels.entries())
      await post('/event', { _id: `e${index}`, log_level, event_type: 'test', event_data: { n: 1.0, big: 2 ** 40, index } });
    await post('/event', { event_timestamp: '2024-01-01T00:00:00', event_data: 'old' });
    await post('/events/archive', { before_date: '2024-06-01T00:00:00' });
    return { answers: await everything(), settings: await settings() };
  })();

  await (async () => {
    // The harness names an address, a folder and a zone of its own: empty values count as not given.
    await using server = await startServer({ folder: lab, env: { HOST: '', PORT: '', DATA_DIR: '', HOME: root } });
    expect(server.url).toBe(url);
    expect(await everything()).toEqual(before.answers);
    expect(await settings(Object.keys(before.settings))).toEqual(before.settings);
    await post('/event', { _id: 'ours', log_level: 40, event_data: { n: 1.5 } });
  })();

  await using _again = await startOriginal({ folder: lab, home: root, url });
  expect(JSON.parse(await text('/event/ours'))).toMatchObject({ log_level: 40, event_data: { n: 1.5 } });
  const answers = await everything();
  expect(Object.keys(JSON.parse(answers[0] ?? ''))).toEqual(['ours', ...Object.keys(JSON.parse(before.answers[0] ?? ''))]);
});
