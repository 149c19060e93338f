import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN_KEY, api, eventually, type ServerProcess, startServer } from '../../support/server.ts';

const FOLDER = join(import.meta.dirname, '../../../examples');
const NODE = '01JNGVAV3PFX1NVH6Z6TSAS7QX';

interface Entry {
  file: string;
  hook: string;
}
const ENTRIES = JSON.parse(readFileSync(join(FOLDER, 'handlers.json'), 'utf8')) as Entry[];

let server: ServerProcess;
let ids: Record<string, number>;

async function register({ file, ...rest }: Entry): Promise<number> {
  const language = file.endsWith('.ts') ? 'typescript' : 'javascript';
  const code = readFileSync(join(FOLDER, file), 'utf8');
  const { status, body } = await api(server, 'POST', '/handlers', { ...rest, name: parse(file).name, language, code });
  expect([file, status, body.errors]).toEqual([file, 201, undefined]);
  return body.id;
}

/** The JSON text goes as it is: JSON.stringify would lose the 64-bit times of a sample. */
async function post(path: string, text: string): Promise<void> {
  const headers = { Authorization: `Bearer ${ADMIN_KEY}`, 'Content-Type': 'application/json' };
  const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, body: text });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
}
const send = (event: object): Promise<void> => post('/event', JSON.stringify(event));

/** The output of the execution of this example for this event, once it has ended. */
async function outputOf(name: string, eventId: string): Promise<unknown> {
  const query = `/executions?handler_id=${ids[name]}&event_id=${encodeURIComponent(eventId)}`;
  const id: string = await eventually(async () => {
    const [item] = (await api(server, 'GET', query)).body.items;
    return ['succeeded', 'dead'].includes(item?.state) ? item.id : null;
  });
  const { body } = await api(server, 'GET', `/executions/${encodeURIComponent(id)}`);
  expect([name, body.error]).toEqual([name, null]);
  return body.output;
}

/** Texts of the mails to this address with this subject. */
async function mailsTo(to: string, subject: RegExp): Promise<string[]> {
  const { body } = await api(server, 'GET', '/deliveries?limit=1000');
  const found = body.items.filter((item: { to: string; subject: string }) => item.to === to && subject.test(item.subject));
  return Promise.all(found.map(async ({ id }: { id: string }) => (await api(server, 'GET', `/deliveries/${id}`)).body.text));
}

beforeAll(async () => {
  server = await startServer();
  ids = Object.fromEntries(await Promise.all(ENTRIES.map(async (entry) => [parse(entry.file).name, await register(entry)] as const)));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('handlers.json names every handler of the folder', () => {
  const files = readdirSync(FOLDER).filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'));
  expect(ENTRIES.map(({ file }) => file).sort()).toEqual(files.sort());
});

test('the README has a row for every handler, with its hook', () => {
  const rows = readFileSync(join(FOLDER, 'README.md'), 'utf8')
    .replaceAll(/ +\|/g, ' |')
    .matchAll(/^\| `([\w-]+\.(?:ts|js))` \| `([\w.]+)` \|/gm);
  const documented = Array.from(rows, ([, file, hook]) => ({ file, hook }));
  expect(documented).toEqual(ENTRIES.map(({ file, hook }) => ({ file, hook })));
});

describe('the examples do what they say', () => {
  test('noisy-node warns about the eleventh event in a row', async () => {
    for (let n = 1; n <= 11; n++) {
      const at = `2025-03-04T05:06:${String(n).padStart(2, '0')}Z`;
      await send({ _id: `noisy-${n}`, event_type: 'log_info', event_timestamp: at, source: { node_id: NODE } });
    }
    expect(await outputOf('noisy-node', 'noisy-10')).toMatch(/^quiet|^noisy/);
    expect(await outputOf('noisy-node', 'noisy-11')).toBe('noisy: 11 events in 10 s');
    const emitted = await api(server, 'POST', '/events/query', { 'event_data.message': 'noisy node', 'event_data.seconds': 10 });
    expect(Object.values(emitted.body)).toEqual([expect.objectContaining({ log_level: 30, event_type: 'log_warning' })]);
  });

  test('threshold-alert mails once on the way up and once on the way down', async () => {
    const values = [58, 61.5, 57, 63, 54, 56];
    const source = { node_id: '01JNGVBW5S8E0T8ZR9HX5Y4M2K' };
    for (const [n, temperature] of values.entries())
      await send({ _id: `warm-${n}`, event_type: 'node_status_update', source, event_data: { temperature } });
    const outputs = await Promise.all(values.map((_, n) => outputOf('threshold-alert', `warm-${n}`)));
    expect(outputs).toEqual(['fine: 58', 'alert at 61.5', 'still hot: 57', 'still hot: 63', 'all clear at 54', 'fine: 56']);
    expect(await mailsTo('lab@example.org', /°C/)).toHaveLength(2);
  });

  test('upload-report keeps 64-bit times exact', async () => {
    const { body } = await api(server, 'GET', '/hooks/ctingress.on_complete');
    const text = await (
      await fetch(`${server.url}/hooks/ctingress.on_complete`, { headers: { Authorization: `Bearer ${ADMIN_KEY}` } })
    ).text();
    expect(body.triggerable).toBe(true);
    const payload = /"sample":(\{.*\}),"typings"/s.exec(text)?.[1];
    await post('/hooks/ctingress.on_complete/trigger', `{"id":"upload-1","payload":${payload}}`);
    expect(await outputOf('upload-report', 'upload-1')).toBe(
      'feeder_12.zip: 2 data sets, 1 failed\n' +
        'ok      /DFR 1/feeder-12.cfg: 1 streams, 2020-06-11T02:59:10Z to 2020-06-11T03:02:19.983333333Z, 189983333333 ns\n' +
        'FAILED  /notes.cfg: cfg format error',
    );
    expect(await mailsTo('grid@example.org', /succeeded/)).toEqual([expect.stringMatching(/^feeder_12\.zip: 2 data sets/)]);
  });

  test('failure-digest mails three failures together', async () => {
    const code = 'export default (event) => {\n  throw new Error("no " + event._id);\n};';
    const filter = { 'event_data.fail': true };
    const failing = { hook: 'event.on_ingest', name: 'failing', code, filter, retry: { max_attempts: 1 } };
    expect((await api(server, 'POST', '/handlers', failing)).status).toBe(201);
    for (const n of [1, 2, 3]) await send({ _id: `fail-${n}`, event_type: 'test', event_data: { fail: true } });
    const [text] = await eventually(async () => {
      const mails = await mailsTo('lab@example.org', /^3 handler failures$/);
      return mails.length > 0 ? mails : null;
    });
    expect(text?.match(/failing {2}thrown: no fail-[123] \(line 2\)/g)).toHaveLength(3);
  });

  test('nightly-count mails how many events of each level there were', async () => {
    await send({ _id: 'night-1', event_type: 'log_critical', log_level: 50, event_timestamp: new Date(Date.now() - 60_000).toISOString() });
    const { status, body } = await api(server, 'POST', `/handlers/${ids['nightly-count']}/run`);
    expect([status, body.execution_ids]).toEqual([202, [`${body.id}.${ids['nightly-count']}`]]);
    expect(await outputOf('nightly-count', body.id)).toContainEqual(expect.stringMatching(/^critical {2}[1-9]/));
    expect(await mailsTo('lab@example.org', /^Events until /)).toHaveLength(1);
  });

  test('event-rate emits a summary when an hour is over', async () => {
    const stamps = ['2031-01-01T10:05:00', '2031-01-01T10:06:00', '2031-01-01T10:59:59', '2031-01-01T11:00:00'];
    for (const [n, event_timestamp] of stamps.entries()) await send({ _id: `rate-${n}`, event_type: 'data_store', event_timestamp });
    await outputOf('event-rate', 'rate-3');
    const { body } = await api(server, 'POST', '/events/query', { 'event_data.rate_of': '2031-01-01T10' });
    const [summary] = Object.values(body) as { event_data: { counts: Record<string, number> } }[];
    expect(summary?.event_data.counts['data_store']).toBe(3);
  });

  test('alert-mail writes what happened and where', async () => {
    await send({
      _id: 'alert-1',
      event_type: 'node_error',
      log_level: 40,
      source: { node_id: NODE },
      event_data: { message: 'gripper stalled' },
    });
    expect(await outputOf('alert-mail', 'alert-1')).toMatch(/^gripper stalled\nlevel 40, .*\nnode_id 01JNGVAV3PFX1NVH6Z6TSAS7QX$/);
  });
});

test('register.sh registers them, and again as the next version', () => {
  const env = { PATH: process.env['PATH'] ?? '', HOOKWRIGHT_URL: server.url, HOOKWRIGHT_KEY: ADMIN_KEY };
  if (!hasJq(env)) return;
  const lines = execFileSync('bash', [join(FOLDER, 'register.sh')], { env, encoding: 'utf8' })
    .trim()
    .split('\n');
  expect(lines).toHaveLength(ENTRIES.length);
  for (const line of lines) expect(line).toMatch(/ id \d+ {2}version 1 {2}enabled$/);
  const some = execFileSync('bash', [join(FOLDER, 'register.sh'), 'alert-mail'], { env, encoding: 'utf8' });
  expect(some).toMatch(/^event\.on_alert {2}alert-mail {2}id \d+ {2}version 2 {2}enabled\n$/);
});

/** The script's one need besides curl; where it is missing there is nothing to try. */
function hasJq(env: Record<string, string>): boolean {
  try {
    execFileSync('jq', ['--version'], { env, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
