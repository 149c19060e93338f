import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { api, eventually, startServer } from '../support/server.ts';
import { Host, type Load, randomOf, startLoad } from './chaos.ts';

const MEGABYTE = 1_048_576;
const COMMAND = join(import.meta.dirname, '../../bin/hookwright.js');
const run = (command: string, ...args: string[]): string => execFileSync(command, args, { stdio: 'pipe' }).toString();

/** A place for the data that gets full, and can be given room again while the server runs. */
interface Narrow extends Disposable {
  folder: string;
  /** Called once the server runs. */
  narrow(pid: number): void;
  widen(pid: number): void;
}

function smallDisk(): Narrow | null {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-full-'));
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=64m', 'hookwright', folder);
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    narrow: () => writeFileSync(ballast, Buffer.alloc(44 * MEGABYTE)),
    widen: () => unlinkSync(ballast),
    [Symbol.dispose]() {
      run('umount', '-l', folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where nothing can be mounted: a bound on the size of every file that the server writes. */
function smallFiles(): Narrow {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-full-'));
  return {
    folder,
    narrow: (pid) => void run('prlimit', '--pid', String(pid), `--fsize=${8 * MEGABYTE}:`),
    widen: (pid) => void run('prlimit', '--pid', String(pid), '--fsize=unlimited:'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const PLACES: { name: string; make: () => Narrow }[] = [
  { name: 'a small disk', make: () => smallDisk() ?? smallFiles() },
  { name: 'a bound on file sizes', make: smallFiles },
];

/** RELIABILITY experiment 4. */
test.each(PLACES)(
  'on $name writes are refused with a reason, reads go on, nothing acknowledged is lost, and it recovers by itself',
  async ({ name, make }) => {
    const random = randomOf(`disk-full on ${name}`);
    using place = make();
    await using host = await Host.start({ folder: place.folder });
    const { server } = host;
    const handlers = [await host.register('count', 'export default async (event, ctx) => { await ctx.state.increment("runs", 1); }')];
    const text = 'x'.repeat(20_000);
    place.narrow(server.pid);
    const load = startLoad(host, random, { event: (id) => ({ _id: id, event_type: 'test', event_data: { text } }) });
    const [refusal] = await eventually(async () => first(load), 60_000);
    expect(refusal).toMatch(/^(507|503) \w+/);
    expect((await api(server, 'GET', '/events?number=5')).status).toBe(200);
    expect((await api(server, 'GET', '/handlers')).status).toBe(200);

    place.widen(server.pid);
    const before = load.acked().length;
    const widened = performance.now();
    await eventually(async () => (load.acked().length > before ? true : null), 10_000);
    expect(performance.now() - widened).toBeLessThan(5_000);
    await load.stop();
    await host.drained();
    expect(server.process.exitCode).toBeNull();
    const { output } = host;
    using audit = await host.audit();
    expect(audit.integrity).toBe('ok');
    expect(audit.missing(load.acked())).toEqual([]);
    expect(audit.without('succeeded', 'test', handlers)).toEqual([]);
    expect(audit.count("SELECT CAST(value AS INTEGER) FROM handler_state WHERE key = 'runs'")).toBe(
      audit.count('SELECT count(*) FROM events'),
    );
    expect([...load.refusals.keys()].filter((one) => !/^(507|503) \w+/.test(one))).toEqual([]);
    expect(output).not.toContain('unhandled');
  },
  240_000,
);

function first({ refusals }: Load): string[] | null {
  return refusals.size === 0 ? null : [...refusals.keys()];
}

test.each(PLACES)(
  'a backup for which there is no room on $name fails with a reason, leaves nothing, and is made once there is room',
  async ({ make }) => {
    using place = make();
    await using server = await startServer({ env: { EVENT_BACKUP_DIR: place.folder } });
    const line = JSON.stringify({ event_type: 'test', event_data: { text: 'x'.repeat(20_000) } });
    const body = Array(1_000).fill(line).join('\n');
    const headers = { 'Content-Type': 'application/x-ndjson' };
    expect(await (await fetch(`${server.url}/events?summary=true`, { method: 'POST', headers, body })).json()).toMatchObject({
      stored: 1_000,
    });
    place.narrow(server.pid);
    expect(await api(server, 'POST', '/backup')).toEqual({
      status: 500,
      body: { detail: expect.stringMatching(/^Failed to create backup: The (disk of|backup could not be made in) \/.*\./) },
    });
    expect(readdirSync(place.folder).filter((name) => name.includes('backup'))).toEqual([]);
    expect((await api(server, 'GET', '/backup/status')).body.available_backups).toEqual([]);
    expect((await api(server, 'POST', '/event', { event_type: 'test' })).status).toBe(200);
    place.widen(server.pid);
    expect((await api(server, 'POST', '/backup')).status).toBe(200);
    expect((await api(server, 'GET', '/backup/status')).body.available_backups).toMatchObject([{ is_valid: true }]);
  },
  60_000,
);

test('a restore for which there is no room changes nothing, and is done once there is', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hookwright-full-'));
  try {
    const [data, backups] = [join(home, 'data'), join(home, 'backups')];
    mkdirSync(data);
    const event = { event_type: 'test', event_data: { text: 'x'.repeat(500_000) } };
    {
      await using server = await startServer({ folder: data, env: { EVENT_BACKUP_DIR: backups } });
      for (const _id of ['a', 'b', 'c']) expect((await api(server, 'POST', '/event', { _id, ...event })).status).toBe(200);
      expect((await api(server, 'POST', '/backup')).status).toBe(200);
      expect((await api(server, 'POST', '/event', { _id: 'd', event_type: 'test' })).status).toBe(200);
    }
    const restore = (...limit: string[]) =>
      spawnSync(
        'prlimit',
        [...limit, process.execPath, COMMAND, 'backup', 'restore', 'latest', '--set', `data_dir=${data}`, '--set', `backup_dir=${backups}`],
        {
          cwd: home,
          env: { PATH: process.env['PATH'] ?? '', HOME: home },
          encoding: 'utf8',
        },
      );
    const before = readdirSync(data).sort();
    const { status, stderr } = restore(`--fsize=${MEGABYTE}:`);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/could not be written beside the store in .*EFBIG.*Nothing has been changed/),
    });
    expect(readdirSync(data).sort()).toEqual(before);
    const stored = async (): Promise<number[]> => {
      await using server = await startServer({ folder: data });
      return await Promise.all(['a', 'd'].map(async (id) => (await api(server, 'GET', `/event/${id}`)).status));
    };
    expect(await stored()).toEqual([200, 200]);
    expect(restore('--fsize=unlimited').status).toBe(0);
    expect(await stored()).toEqual([200, 404]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
