import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startServer } from '../support/server.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-lab-'));
  mkdirSync(join(folder, '.madsci'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('M40 M41 the settings files of a MADSci lab are enough: address, name, zone and id come from them', async () => {
  const port = await freePort();
  writeFileSync(
    join(folder, 'settings.yaml'),
    `event_server_url: http://127.0.0.1:${port}/\nlab_url: http://localhost:8000/\nevent_alert_levl: 30\n`,
  );
  writeFileSync(join(folder, 'event.settings.toml'), 'manager_name = "Events of the lab"\n');
  writeFileSync(join(folder, '.env'), 'TZ=Asia/Tokyo\nEVENT_MANAGER_DESCRIPTION="of room 7"\n');
  writeFileSync(join(folder, '.madsci/registry.json'), '{"entries":{"Events of the lab":{"id":"01JDEM0000SCCFMHXPE0G07MBS"}}}');
  // Empty values count as not given: the harness sets these.
  await using server = await startServer({ folder, env: { HOST: '', PORT: '', TZ: '' } });
  expect(server.url).toBe(`http://127.0.0.1:${port}`);
  const answer = async (path: string): Promise<unknown> => (await fetch(`${server.url}${path}`)).json();
  expect(await answer('/definition')).toEqual({
    name: 'Events of the lab',
    description: 'of room 7',
    manager_id: '01JDEM0000SCCFMHXPE0G07MBS',
    manager_type: 'event_manager',
  });
  expect(await answer('/settings')).toMatchObject({
    settings: {
      server_url: `http://127.0.0.1:${port}/`,
      lab_url: 'http://localhost:8000/',
      port,
      backup_dir: join(folder, '.madsci/backups/events'),
    },
  });
  const sent = await fetch(`${server.url}/event`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
  const { event_timestamp: local } = (await sent.json()) as { event_timestamp: string };
  const TOKYO_HOURS = 9;
  expect(Math.round((Date.parse(`${local}Z`) - Date.now()) / 3_600_000)).toBe(TOKYO_HOURS);
  const warnings = server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  expect(warnings.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 40,
      msg: 'event_alert_levl: no setting has this name; did you mean event_alert_level?',
      place: 'settings.yaml, line 3',
    }),
  ]);
});
