import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startReplicaSet } from '../support/mongod.ts';
import { api, eventually, startServer } from '../support/server.ts';

/** Each test starts servers, of which a machine that is busy with other work makes a matter of ten seconds. */
describe('backups through the API', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hookwright-api-backups-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const post = (url: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
    fetch(`${url}/backup`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });

  test('M16 M17 M50 M55 without a key on loopback: made, listed under both paths, rotated, and told as an event', async () => {
    const dir = join(folder, 'a');
    await using server = await startServer({ env: { EVENT_BACKUP_DIR: dir, EVENT_BACKUP_MAX_COUNT: '2' } });
    const made: string[] = [];
    for (const body of [undefined, '{}', 'null', '{"description":"../a week\\u0000"}']) {
      const answer = await post(server.url, body === undefined ? {} : { 'Content-Type': 'application/json' }, body);
      const json = (await answer.json()) as { backup_path: string };
      expect([answer.status, json]).toEqual([200, { backup_path: expect.any(String), status: 'completed' }]);
      made.push(json.backup_path);
    }
    expect(made[0]).toMatch(/\/a\/madsci_events_backup_\d{8}_\d{6}_\d{6}_manual_backup$/);
    expect(made[3]).toMatch(/\/a\/madsci_events_backup_\d{8}_\d{6}_\d{6}_.._a week_$/);
    for (const path of ['/backup', '/backup/status']) {
      const status = await (await fetch(`${server.url}${path}`)).json();
      expect(status).toEqual({
        backup_enabled: false,
        backup_dir: dir,
        available_backups: [made[3], made[2]].map((each) => ({
          path: each,
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?$/),
          size_bytes: expect.any(Number),
          is_valid: true,
        })),
      });
    }
    const { body: events } = await api(server, 'POST', '/events/query', { event_type: 'backup_create' });
    const told = Object.values(events) as { log_level: number; event_data: { backup_path: string } }[];
    expect(told.map(({ log_level, event_data }) => [log_level, event_data.backup_path])).toEqual(made.map((path) => [20, path]));
  });

  test('what was changed on the disk is no longer valid, also after a start', async () => {
    const dir = join(folder, 'b');
    await using server = await startServer({ env: { EVENT_BACKUP_DIR: dir } });
    const { backup_path: path } = (await (await post(server.url)).json()) as { backup_path: string };
    const isValid = async (of: { url: string }) =>
      ((await (await fetch(`${of.url}/backup`)).json()) as { available_backups: { is_valid: boolean }[] }).available_backups[0]?.is_valid;
    await using other = await startServer({ env: { EVENT_BACKUP_DIR: dir } });
    expect([await isValid(server), await isValid(other)]).toEqual([true, true]);
    const bytes = readFileSync(join(path, 'hookwright.db'));
    bytes[5_000] = (bytes[5_000] as number) ^ 1;
    writeFileSync(join(path, 'hookwright.db'), bytes);
    await eventually(async () => ((await isValid(server)) === false && (await isValid(other)) === false ? true : null));
  });

  test('one at a time; a page of another site may not; a folder that cannot be written is said, and is an error among the events', async () => {
    writeFileSync(join(folder, 'file'), '');
    await using server = await startServer({ env: { EVENT_BACKUP_DIR: join(folder, 'file', 'x') } });
    const both = await Promise.all([post(server.url), post(server.url)]);
    expect(both.map(({ status }) => status).sort()).toEqual([409, 500]);
    const texts = await Promise.all(both.map(async (answer) => ((await answer.json()) as { detail: string }).detail));
    for (const text of texts)
      expect(text).toMatch(/^Failed to create backup: (Another backup|The folder of backups .* cannot be made: ENOTDIR)/);
    expect((await post(server.url, { Origin: 'https://elsewhere.example' })).status).toBe(403);
    const { body } = await api(server, 'POST', '/events/query', { event_type: 'backup_create' });
    expect(Object.values(body)).toMatchObject([{ log_level: 40, event_data: { message: expect.stringContaining('Backup failed') } }]);
    expect((await (await fetch(`${server.url}/backup/status`)).json()) as unknown).toMatchObject({ available_backups: [] });
  });

  test('by the schedule, each instant once', async () => {
    const dir = join(folder, 'c');
    const env = { EVENT_BACKUP_DIR: dir, EVENT_BACKUP_ENABLED: 'true', EVENT_BACKUP_SCHEDULE: '* * * * * *', EVENT_BACKUP_MAX_COUNT: '3' };
    await using server = await startServer({ env });
    const scheduled = () => readdirSync(dir).filter((name) => name.endsWith('_scheduled_backup'));
    await eventually(async () => ((await api(server, 'GET', '/backup')).body.available_backups.length === 3 ? true : null));
    expect(scheduled().length).toBeLessThanOrEqual(4);
    expect((await api(server, 'GET', '/backup')).body.backup_enabled).toBe(true);
  });

  test('by the schedule of two servers on one MongoDB, each instant once', async () => {
    const dir = join(folder, 'two');
    await using mongod = await startReplicaSet();
    const env = { EVENT_DB_URL: mongod.url, EVENT_BACKUP_DIR: dir, EVENT_BACKUP_ENABLED: 'true', EVENT_BACKUP_SCHEDULE: '* * * * * *' };
    await using one = await startServer({ env });
    await using _other = await startServer({ env });
    const instants = await eventually(async () => {
      const made = (await api(one, 'GET', '/backup')).body.available_backups as { path: string; is_valid: boolean }[];
      if (made.length < 6) return null;
      expect(made.every(({ is_valid }) => is_valid)).toBe(true);
      return made.map(
        ({ path }) => (JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as { scheduled_for: string }).scheduled_for,
      );
    }, 60_000);
    expect(instants).toEqual([...new Set(instants)]);
    const { body } = await api(one, 'POST', '/events/query', { event_type: 'backup_create' });
    const told = (Object.values(body) as { log_level: number }[]).map(({ log_level }) => log_level);
    expect(told).toEqual(told.map(() => 20));
  });

  test('a schedule that cannot be read stops the start with its place', async () => {
    await expect(startServer({ env: { EVENT_BACKUP_ENABLED: 'true', EVENT_BACKUP_SCHEDULE: 'often' } })).rejects.toThrow(
      /BACKUP_SCHEDULE: /,
    );
  });

  test('RELIABILITY 24 SIGTERM in the middle of a backup ends with 0 at once, and leaves nothing that counts', async () => {
    const dir = join(folder, 'd');
    for (let round = 0; round < 2; round++) {
      await using server = await startServer({ env: { EVENT_BACKUP_DIR: dir } });
      const answer = post(server.url).then(
        ({ status }) => status,
        () => 0,
      );
      await new Promise((resolve) => setTimeout(resolve, 80 * (round + 1)));
      const before = performance.now();
      expect(await server.kill('SIGTERM')).toBe(0);
      expect(performance.now() - before).toBeLessThan(10_000);
      expect([200, 503, 0]).toContain(await answer);
    }
    await using server = await startServer({ env: { EVENT_BACKUP_DIR: dir } });
    expect((await post(server.url)).status).toBe(200);
    const { body } = await api(server, 'GET', '/backup');
    expect(body.available_backups.every((one: { is_valid: boolean }) => one.is_valid)).toBe(true);
    expect(readdirSync(dir).filter((name) => name.startsWith('.partial'))).toEqual([]);
  });
});

test('M34 the server that starts after a restore tells of it, once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-told-'));
  const env = { EVENT_BACKUP_DIR: join(folder, 'backups') };
  const data = join(folder, 'data');
  try {
    let name = '';
    {
      await using server = await startServer({ folder: made(data), env });
      const { body } = await api(server, 'POST', '/backup');
      name = basename(body.backup_path);
      await api(server, 'POST', '/event', { _id: 'later', event_type: 'test' });
    }
    execFileSync(process.execPath, [MAIN, 'backup', 'restore', name], {
      cwd: folder,
      env: { PATH: process.env['PATH'], DATA_DIR: data, ...env },
    });
    for (let start = 0; start < 2; start++) {
      await using server = await startServer({ folder: data, env });
      const told = await eventually(async () => {
        const { body } = await api(server, 'POST', '/events/query', { event_type: 'backup_restore' });
        return Object.keys(body).length === 0 ? null : (Object.values(body) as { event_data: { backup: string } }[]);
      });
      expect(told.map(({ event_data }) => event_data.backup)).toEqual([name]);
      expect((await api(server, 'GET', '/event/later')).status).toBe(404);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

function made(path: string): string {
  mkdirSync(path, { mode: 0o700 });
  return path;
}

test("M33 M34 the command makes, checks and puts back a backup of MongoDB, also by the names of MADSci's migration tool", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-command-'));
  await using mongod = await startReplicaSet();
  const env = {
    PATH: process.env['PATH'],
    EVENT_DB_URL: mongod.url,
    EVENT_DATABASE_NAME: 'commanded',
    EVENT_BACKUP_DIR: join(folder, 'backups'),
  };
  // Not synchronously: then nobody would read what the mongod says, and it would stop.
  const hookwright = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [MAIN, ...args], { cwd: folder, env, timeout: 60_000 })).stdout;
  const event = (id: string): string =>
    JSON.stringify({
      _id: id,
      event_type: 'test',
      event_timestamp: '2026-01-02T03:04:05',
      source: { manager_id: '01JDEM0000SCCFMHXPE0G07MBS' },
    });
  try {
    writeFileSync(join(folder, 'first.ndjson'), event('first'));
    writeFileSync(join(folder, 'both.ndjson'), `${event('first')}\n${event('second')}\n`);
    expect(JSON.parse(await hookwright('import', 'first.ndjson', '--json'))).toMatchObject({ stored: 1 });
    const path = (await hookwright('migrate', '--backup_only')).trim();
    expect(JSON.parse(await hookwright('backup', 'list', '--json'))).toMatchObject([{ path, counts: { events: 1 }, fault: null }]);
    expect(JSON.parse(await hookwright('backup', 'verify', '--rehearse', '--json'))).toMatchObject({ path, is_valid: true });
    expect(JSON.parse(await hookwright('import', 'both.ndjson', '--json'))).toMatchObject({ stored: 1, duplicate: 1 });
    await hookwright('migrate', '--restore_from', path);
    expect(JSON.parse(await hookwright('import', 'both.ndjson', '--json'))).toMatchObject({ stored: 1, duplicate: 1 });
    expect(JSON.parse(await hookwright('backup', 'restore', 'latest', '--json'))).toMatchObject({ restored: path });
    expect(JSON.parse(await hookwright('import', 'both.ndjson', '--json'))).toMatchObject({ stored: 1, duplicate: 1 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
