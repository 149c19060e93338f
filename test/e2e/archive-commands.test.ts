import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkForLeaks } from '../support/leaks.ts';
import { ADMIN_KEY, api, type ServerProcess, startServer } from '../support/server.ts';

const BIN = new URL('../../bin/hookwright.js', import.meta.url).pathname;
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().replace('Z', '+00:00');

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer({ env: { ALLOW_ANONYMOUS: 'none' } });
  const events = [1, 50, 100, 200, 300].map((days) => ({ _id: `e${days}`, event_timestamp: daysAgo(days) }));
  for (const one of events) await api(server, 'POST', '/event', one);
});
afterAll(async () => server[Symbol.asyncDispose]());

async function hookwright(args: readonly string[], key: string | null = ADMIN_KEY) {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: server.folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: server.folder, ...(key === null ? {} : { HOOKWRIGHT_KEY: key }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}
const ask = (...args: string[]) => hookwright([...args, '--url', server.url]);

test('previews retention, also while it is not enabled, and runs it', async () => {
  const { out, code } = await ask('retention', 'preview');
  expect(code).toBe(0);
  expect(out).toMatch(
    /^would archive 3 events, from before \d{4}-\S+\nwould delete 0 events, archived before \S+\nRetention is not enabled/,
  );
  expect((await ask('retention', 'status')).out).toContain('Ended executions are kept 90 days, sent mails 90 days.');
  expect(JSON.parse((await ask('retention', 'run', '--json')).out)).toMatchObject({
    enabled: false,
    last_run: { archived: 0, error: null },
  });
});

test('archives by time, by ids and from a file, and purges', async () => {
  expect(await ask('archive', '--before', daysAgo(250))).toMatchObject({ code: 0, out: 'Archived 1 events.\n' });
  expect(await ask('archive', 'e200', 'no-such-event')).toMatchObject({ out: 'Archived 1 events.\n' });
  const file = join(server.folder, 'ids.txt');
  writeFileSync(file, 'e100\n\n  e50\n');
  expect(await ask('archive', '--ids-file', file, '--json')).toMatchObject({ out: '{\n  "archived_count": 2\n}\n' });
  expect(await ask('purge', '--older-than-days', '1')).toMatchObject({ out: 'Deleted 0 events.\n' });
  expect(await ask('purge', '--older-than-days', '0')).toMatchObject({ out: 'Deleted 4 events.\n' });
  expect((await api(server, 'GET', '/events')).body).toHaveProperty('e1');
});

test('says what is missing', async () => {
  expect(await ask('archive')).toMatchObject({ code: 2, err: expect.stringContaining('Give ids, or --before') });
  expect(await ask('archive', '--ids-file', '/nowhere')).toMatchObject({
    code: 2,
    err: expect.stringContaining('/nowhere cannot be read'),
  });
  expect(await ask('purge')).toMatchObject({ code: 2, err: expect.stringContaining('--older-than-days') });
  expect(await hookwright(['retention', 'run', '--url', server.url], null)).toMatchObject({
    code: 1,
    err: expect.stringContaining('put it into HOOKWRIGHT_KEY'),
  });
  expect(await hookwright(['retention', 'status', '--url', 'http://127.0.0.1:1'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('No server answers at http://127.0.0.1:1'),
  });
});

checkForLeaks();
