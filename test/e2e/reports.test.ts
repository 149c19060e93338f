import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { madeUpLab } from '../support/labs.ts';
import { api, type ServerProcess, startServer } from '../support/server.ts';

const BIN = join(import.meta.dirname, '../../bin/hookwright.js');
const SPAN = 'start_time=2025-05-01&end_time=2025-06-01';
/** A lab with all kinds of events in it. */
const LAB = 3;

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer({ env: { ALLOW_ANY_SOURCE_IDS: 'true' } });
  const response = await fetch(`${server.url}/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: `[${madeUpLab(LAB).events.join(',')}]`,
  });
  expect(await response.json()).toMatchObject({ invalid: 0, conflict: 0 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const get = async (path: string, headers: Record<string, string> = {}): Promise<{ status: number; type: string | null; text: string }> => {
  const response = await fetch(`${server.url}${path}`, { headers });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};
const withoutTime = (text: string): string => text.replace(/("generated_at":"|Generated At,)[^",\r]+/, '$1');

describe('reports of utilization', () => {
  test('M54 /users is /user', async () => {
    const [one, other] = [await get(`/utilization/user?${SPAN}`), await get(`/utilization/users?${SPAN}`)];
    expect(withoutTime(one.text)).toBe(withoutTime(other.text));
    expect(JSON.parse(one.text).user_utilization).not.toEqual({});
  });

  test('M49 periods list users when they are asked for, in the JSON and in the CSV', async () => {
    const users = async (query: string): Promise<unknown> =>
      JSON.parse((await get(`/utilization/periods?${SPAN}${query}`)).text).user_utilization;
    expect(await users('&include_users=true')).toMatchObject({ top_users: expect.any(Array), system_totals: expect.any(Object) });
    expect([await users(''), await users('&include_users=false')]).toEqual([undefined, undefined]);
    expect((await get(`/utilization/periods?${SPAN}&include_users=1&csv_format=1`)).text).toContain('=== USER UTILIZATION ===');
  });

  test('M21 a CSV that is saved is the one that is sent, below the export folder', async () => {
    const query = `/utilization/periods?${SPAN}&csv_format=true&analysis_type=weekly`;
    const { text } = await get(`${query}&save_to_file=true&output_path=lab/may`);
    const answer = JSON.parse(text) as { file_path: string };
    expect(answer).toMatchObject({ success: true, report_type: 'utilization_periods' });
    expect(answer.file_path).toMatch(/^lab\/may\/madsci_utilization_periods_weekly_\d{8}\.csv$/);
    const saved = readFileSync(join(server.folder, 'exports', answer.file_path), 'utf8');
    expect(withoutTime(saved)).toBe(withoutTime((await get(query)).text));
  });

  test('M21 an analysis type that is a path does not get into the name of the file', async () => {
    const { text } = await get(`/utilization/periods?${SPAN}&csv_format=true&save_to_file=true&output_path=x&analysis_type=..%2F..%2Fa`);
    expect(JSON.parse(text).file_path).toMatch(/^x\/madsci_utilization_periods_a_\d{8}\.csv$/);
  });

  test.each(['..', '/etc', '../exports-2', 'a/../..', 'a%00', '%252e%252e'])(
    'M21 output_path %s is refused with status 200',
    async (path) => {
      const { status, text } = await get(`/utilization/user?csv_format=1&save_to_file=1&output_path=${path}`);
      expect([status, text]).toEqual([200, expect.stringMatching(/^\{"error":"CSV generation failed: output_path /)]);
      expect(existsSync(join(server.folder, 'exports-2'))).toBe(false);
    },
  );

  test('a key that may only read cannot save files', async () => {
    const { body } = await api(server, 'POST', '/keys', { name: 'reader', scopes: ['events:read'] });
    const reader = { Authorization: `Bearer ${body.secret ?? body.key}` };
    const path = `/utilization/sessions?${SPAN}&csv_format=true`;
    expect((await get(path, reader)).type).toBe('text/csv; charset=utf-8');
    expect((await get(`${path}&save_to_file=true&output_path=x`, reader)).status).toBe(403);
  });

  test('hookwright report answers the same while the server runs', async () => {
    const { text } = await get(`/utilization/periods?${SPAN}&user_timezone=Asia/Kolkata&csv_format=true`);
    const args = ['report', 'periods', '--start', '2025-05-01', '--end', '2025-06-01', '--zone', 'Asia/Kolkata', '--csv'];
    expect(withoutTime((await hookwright(args)).out)).toBe(withoutTime(text));
    const sessions = await get(`/utilization/sessions?${SPAN}`);
    const { out } = await hookwright(['report', 'sessions', '--start', '2025-05-01', '--end', '2025-06-01']);
    expect(withoutTime(out)).toBe(`${withoutTime(sessions.text)}\n`);
  });

  test('hookwright report says what is wrong: 2 for a request, 1 for a folder without a database', async () => {
    expect(await hookwright(['report', 'users', '--start', 'soon'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("'soon'"),
    });
    const elsewhere = ['--set', `data_dir=${join(server.folder, 'none')}`];
    expect(await hookwright(['report', 'users', ...elsewhere])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('DATA_DIR'),
    });
  });
});

function hookwright(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: server.folder, DATA_DIR: server.folder };
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { cwd: server.folder, env, maxBuffer: 2 ** 26 }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}
