import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { interopPython, runPython } from '../support/python.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { type SmtpPeer, smtpPeer } from '../support/smtp-peer.ts';

const NODE = '01JNGVBW5S8E0T8ZR9HX5Y4M03';
const TIME = '2026-03-04T05:06:07.123456';
const id = (n: number): string => `01JNGVBW5S8E0T8ZR9HX5Y5${String(n).padStart(3, '0')}`;
const event = (n: number, members: object): string =>
  JSON.stringify({ event_id: id(n), event_timestamp: TIME, source: { node_id: NODE }, log_level: 40, ...members });

/** What may stand in a mail, each as the client may send it. */
const EVENTS: Readonly<Record<string, string>> = {
  'plain ASCII': event(1, { event_type: 'log_error', event_data: { message: 'the pump does not turn' } }),
  'the alert flag below the level': event(2, { event_type: 'workflow_step_failed', log_level: 20, alert: true, event_data: {} }),
  'a critical event of the lab': event(3, { event_type: 'lab_stop', log_level: 50, source: {}, event_data: [] }),
  'a type that is unknown': event(4, { event_data: null }),
  'text of several scripts': event(5, {
    event_type: 'log_error',
    event_data: { message: 'Größe 測定 \u{1f525} \u2028 e\u0301', path: 'C:\\x/"y"' },
  }),
  'control characters': event(6, { event_type: 'log_error', event_data: { text: 'a\r\nb\tc\u0000\u0001\u001f\u007f.\n.\n' } }),
  'a line of 3,000 characters': event(7, { event_type: 'log_error', event_data: { traceback: 'x y'.repeat(1_000) } }),
  'a long line that is not ASCII': event(8, { event_type: 'log_error', event_data: { traceback: 'xé'.repeat(1_500) } }),
  'a big body': event(9, { event_type: 'log_error', event_data: Array.from({ length: 20_000 }, (_, n) => ({ n, text: `value ${n}` })) }),
  'lines that begin with dots': event(10, { event_type: 'log_error', event_data: { '.': { '..': '.' } } }),
  'deep nesting': event(11, { event_type: 'log_error', event_data: JSON.parse(`${'{"a":['.repeat(45)}1${']}'.repeat(45)}`) }),
  'a long id with signs': event(12, { event_id: 'x-'.repeat(60), event_type: 'log_error' }),
  'a long id with blanks': event(17, { event_id: `${'word '.repeat(30)}x`, event_type: 'log_error' }),
  'an id that is not ASCII': event(13, { event_id: 'Größe 1', event_type: 'log_error' }),
  numbers: `{"event_id":"${id(14)}","event_timestamp":"${TIME}Z","source":{},"log_level":40,"event_type":"log_error","event_data":[1,1.0,1e3,-0.0,
    0.1,1e-4,1e-5,1.25e-5,1e-6,1e-7,12.5e-9,1e15,1e16,1.5e22,123456789012345680.0,5e-324,1591844539983333333,0,-7]}`,
  'a trace, and archived': event(15, { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), archived: true, archived_at: TIME }),
  'other spellings of the time': event(16, { event_timestamp: '2026-03-04 05:06:07+02:00', event_type: 'LOG_ERROR' }),
};
const ADDRESSES = ['ada@lab.example', 'ben@lab.example'];

/** Raw mails by recipient and event, without what may differ: our Date and Message-ID, and the digits of the boundaries. */
function comparable(peer: SmtpPeer): Map<string, string> {
  return new Map(
    peer.mails.map(({ from, to, raw }) => {
      const name = /^X-MADSci-Event-ID: (.*)$/m.exec(raw)?.[1];
      const text = raw.replace(/^(?:Date|Message-ID): .*\r\n/gm, '').replaceAll(/={15}\d{19}==/g, '===boundary===');
      return [`${name} from ${from} to ${to.join()}`, text];
    }),
  );
}

describe('M36 M37 M38 M39 alert mails are those of the original, byte for byte', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hookwright-alerts-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function fromOriginal(config: object): Promise<Map<string, string>> {
    await using peer = await smtpPeer({ startTls: true });
    const file = join(folder, 'task.json');
    writeFileSync(
      file,
      JSON.stringify({ config: { ...config, smtp_server: '127.0.0.1', smtp_port: peer.port }, events: Object.values(EVENTS) }),
    );
    const run = await runPython(interopPython(), [join(import.meta.dirname, 'send_alerts.py'), file], folder);
    expect(run).toEqual({ code: 0, output: '' });
    return comparable(peer);
  }

  async function fromOurs(config: object): Promise<Map<string, string>> {
    await using peer = await smtpPeer({ startTls: true });
    const alerts = { ...config, smtp_server: '127.0.0.1', smtp_port: peer.port };
    await using server = await startServer({ env: { EVENT_EMAIL_ALERTS: JSON.stringify(alerts) } });
    for (const text of Object.values(EVENTS)) await post(server, text);
    const count = Object.keys(EVENTS).length * ADDRESSES.length;
    await eventually(async () => (peer.mails.length >= count ? true : null));
    return comparable(peer);
  }

  async function post(server: ServerProcess, text: string): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${server.url}/event`, { method: 'POST', headers, body: text });
    expect({ text: text.slice(0, 200), status: answer.status }).toMatchObject({ status: 200 });
  }

  test.each([
    { importance: 'Normal', use_tls: true, sender: 'no-reply@example.com' },
    { importance: 'High', use_tls: false, sender: 'Lab alerts <alerts@lab.example>' },
    { importance: 'Low', use_tls: true, sender: '"Lab, alerts" <alerts@lab.example>' },
  ])('importance $importance, TLS $use_tls, from $sender', async ({ importance, ...more }) => {
    const config = { ...more, default_importance: importance, email_addresses: ADDRESSES };
    const [theirs, ours] = [await fromOriginal(config), await fromOurs(config)];
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    expect(theirs.size).toBe(Object.keys(EVENTS).length * ADDRESSES.length);
    const differing = [...theirs].filter(([name, raw]) => ours.get(name) !== raw);
    expect(differing.map(([name, raw]) => ({ name, theirs: raw.slice(0, 3_000), ours: ours.get(name)?.slice(0, 3_000) }))).toEqual([]);
  });
});

test('M56 each call of log_alert by the real client is one alert, though it posts two events', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-log-alert-'));
  await using peer = await smtpPeer();
  const alerts = { smtp_server: '127.0.0.1', smtp_port: peer.port, use_tls: false, email_addresses: ADDRESSES };
  await using server = await startServer({ env: { EVENT_EMAIL_ALERTS: JSON.stringify(alerts) } });
  const run = await runPython(interopPython(), [join(import.meta.dirname, 'log_alerts.py'), server.url], folder);
  rmSync(folder, { recursive: true, force: true });
  expect(run.code).toBe(0);
  const calls = Number(/^calls (\d+)$/m.exec(run.output)?.[1]);
  expect(calls).toBe(8);
  const list = async (path: string): Promise<unknown[]> => (await api(server, 'GET', path)).body.items;
  await eventually(async () => {
    const open = await Promise.all(['/executions?state=pending', '/executions?state=leased', '/deliveries?state=pending'].map(list));
    return open.flat().length === 0 && peer.mails.length >= calls * ADDRESSES.length ? true : null;
  });
  const { body } = await api(server, 'POST', '/events/query', { $or: [{ alert: true }, { log_level: { $gte: 40 } }] });
  // Six calls with a text make two events each, the one with an event and the one without the flag make one.
  expect(Object.keys(body)).toHaveLength(6 * 2 + 2);
  for (const address of ADDRESSES) expect(peer.mails.filter(({ to }) => to.includes(address))).toHaveLength(calls);
});
