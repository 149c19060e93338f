import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { closedPort, rudePeer, type SmtpPeer, silence, smtpPeer } from '../support/smtp-peer.ts';
import { type Delivery, dataFolder, items } from './steps.ts';

/** Some of these start a server six times. */
const ADDRESSES = ['ada@lab.example', 'ben@lab.example'];
const URGENT = { event_type: 'log_error', log_level: 40, event_data: { message: 'the pump does not turn' } };
const CRITICAL = { event_type: 'log_critical', log_level: 50, alert: true, event_data: { message: 'fire' } };

interface Alerting {
  id: number;
  version: number;
  state: string;
  created_by: string;
  code: string;
  filter: object;
  config: object;
}

const settings = (peer: { port: number }, over: object = {}): Record<string, string> => ({
  EVENT_EMAIL_ALERTS: JSON.stringify({
    smtp_server: '127.0.0.1',
    smtp_port: peer.port,
    use_tls: false,
    email_addresses: ADDRESSES,
    ...over,
  }),
});
const alerting = async (server: ServerProcess): Promise<Alerting | undefined> =>
  (await items<Alerting & { name: string }>(server, '/handlers')).find(({ name }) => name === 'alerting');
const alerts = (server: ServerProcess, state = ''): Promise<(Delivery & { last_error: string | null; attempts: number })[]> =>
  items(server, `/deliveries?limit=1000${state && `&state=${state}`}`);

async function post(server: ServerProcess, event: object): Promise<string> {
  const { status, body } = await api(server, 'POST', '/event', event);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body._id;
}
/** Recipients of the mails about an event. */
function toldOf(peer: SmtpPeer, id: string): string[] {
  return peer.mails
    .filter(({ raw }) => raw.includes(`X-MADSci-Event-ID: ${id}\r\n`))
    .flatMap(({ to }) => to)
    .sort();
}
/** Waits until nothing runs and no mail waits, apart from those that failed. */
async function quiet(server: ServerProcess): Promise<void> {
  await eventually(async () => {
    const open = await Promise.all(
      ['/executions?state=pending', '/executions?state=leased', '/deliveries?state=pending'].map((path) => items(server, path)),
    );
    return open.flat().length === 0 ? true : null;
  }, 60_000);
}

describe("with MADSci's setting alone", () => {
  let peer: SmtpPeer;
  let server: ServerProcess;
  beforeAll(async () => {
    peer = await smtpPeer();
    server = await startServer({ env: settings(peer) });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  });

  test('the handler that sends alerts is listed like any other', async () => {
    expect(await alerting(server)).toMatchObject({
      version: 0,
      state: 'enabled',
      created_by: 'built-in alerting',
      filter: { $or: [{ alert: true }, { log_level: { $gte: 40 } }] },
      config: { alert_level: 40 },
    });
    expect(server.output()).toContain(`  Alerts smtp://127.0.0.1:${peer.port}, 2 addresses`);
  });

  test('M36 an event at the level, or with the flag, is mailed to each address once it was answered', async () => {
    const ids = [await post(server, URGENT), await post(server, { event_type: 'test', log_level: 10, alert: true })];
    await quiet(server);
    for (const id of ids) expect(toldOf(peer, id)).toEqual(ADDRESSES);
    expect((await alerts(server)).filter(({ kind, state }) => kind === 'alert' && state === 'sent')).toHaveLength(4);
  });

  test('M36 an event that is no alert is stored, and runs nothing', async () => {
    const id = await post(server, { ...URGENT, log_level: 30 });
    await quiet(server);
    expect(await items(server, `/executions?event_id=${id}`)).toEqual([]);
    expect(toldOf(peer, id)).toEqual([]);
  });

  test('M3 M57 the same id posted again, as clients do, changes nothing', async () => {
    const event = { ...URGENT, _id: 'again' };
    for (let n = 0; n < 4; n++) await post(server, event);
    await Promise.all(Array.from({ length: 4 }, () => post(server, { ...event, event_data: { message: 'another text' } })));
    await quiet(server);
    expect(toldOf(peer, 'again')).toEqual(ADDRESSES);
  });

  test('a replayed execution does not mail again, a resent delivery does', async () => {
    const id = await post(server, URGENT);
    await quiet(server);
    const [execution] = await items(server, `/executions?event_id=${id}`);
    expect(await api(server, 'POST', `/executions/${execution?.id}/replay`)).toMatchObject({ status: 200 });
    await quiet(server);
    expect(toldOf(peer, id)).toEqual(ADDRESSES);
    const [delivery] = await items<Delivery>(server, `/deliveries?execution_id=${execution?.id}`);
    expect(await api(server, 'POST', `/deliveries/${delivery?.id}/resend`)).toMatchObject({ status: 200 });
    await quiet(server);
    expect(toldOf(peer, id)).toHaveLength(3);
  });

  test('M56 the two posts of a log_alert are one alert', async () => {
    const [first, second] = [await post(server, CRITICAL), await post(server, CRITICAL)];
    await quiet(server);
    expect(toldOf(peer, first).concat(toldOf(peer, second)).sort()).toEqual(ADDRESSES);
    for (const id of [first, second]) expect(await api(server, 'GET', `/event/${id}`)).toMatchObject({ status: 200 });
  });

  test('alerts posted in bulk are mailed too', async () => {
    const lines = Array.from({ length: 20 }, (_, n) => JSON.stringify({ ...URGENT, _id: `bulk-${n}` })).join('\n');
    const headers = { 'Content-Type': 'application/x-ndjson' };
    expect((await fetch(`${server.url}/events`, { method: 'POST', headers, body: lines })).status).toBe(200);
    await quiet(server);
    for (let n = 0; n < 20; n++) expect(toldOf(peer, `bulk-${n}`)).toEqual(ADDRESSES);
  });

  test('a handler of a person raises alerts in the same way, and is told where it may not', async () => {
    const code = "export default (event, ctx) => ctx.alerts.raise(event, { to: 'cyd@lab.example', importance: 'High' });";
    const key = (await api(server, 'POST', '/keys', { name: 'k', scopes: ['handlers:write'] })).body.secret as string;
    const register = (authorization: string) =>
      fetch(`${server.url}/handlers`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${authorization}` },
        body: JSON.stringify({ hook: 'event.on_ingest', name: 'own', code, filter: { event_type: 'test' }, retry: { max_attempts: 1 } }),
      });
    await register(key);
    const refused = await post(server, { event_type: 'test' });
    await quiet(server);
    expect(await items(server, `/executions?event_id=${refused}`)).toMatchObject([{ state: 'dead' }]);
    await register('test-admin-key-0123456789');
    const id = await post(server, { event_type: 'test' });
    await quiet(server);
    expect(toldOf(peer, id)).toEqual(['cyd@lab.example']);
    expect(peer.mails.at(-1)?.raw).toContain('\r\nImportance: High\r\nX-Priority: 1\r\n');
  });
});

describe('over starts with other settings', () => {
  test('the handler goes and comes with the setting, and follows the level', async () => {
    using folder = dataFolder();
    await using peer = await smtpPeer();
    const run = async (env: Record<string, string>): Promise<Alerting | undefined> => {
      await using server = await startServer({ folder: folder.path, env });
      return await alerting(server);
    };
    expect(await run({})).toBeUndefined();
    const first = await run(settings(peer));
    expect(await run(settings(peer))).toEqual(first);
    expect(await run({ ...settings(peer), EVENT_ALERT_LEVEL: 'warning' })).toMatchObject({
      id: first?.id,
      version: 1,
      config: { alert_level: 30 },
      filter: { $or: [{ alert: true }, { log_level: { $gte: 30 } }] },
    });
    expect(await run(settings(peer, { email_addresses: [] }))).toBeUndefined();
    expect(await run(settings(peer))).toMatchObject({ state: 'enabled', config: { alert_level: 40 } });
  });

  test('what a person made of it stays', async () => {
    using folder = dataFolder();
    await using peer = await smtpPeer();
    const code = 'export default () => "mine";';
    await using server = await startServer({ folder: folder.path, env: settings(peer) });
    await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', name: 'alerting', code });
    await server.kill('SIGTERM');
    await using again = await startServer({ folder: folder.path, env: { ...settings(peer), EVENT_ALERT_LEVEL: '10' } });
    const handler = await alerting(again);
    expect(handler).toMatchObject({ version: 1, created_by: 'built-in alerting' });
    expect(await api(again, 'GET', `/handlers/${handler?.id}`)).toMatchObject({ body: { code } });
    const id = await post(again, URGENT);
    await quiet(again);
    expect(toldOf(peer, id)).toEqual([]);
  });
});

describe('the way to the mail server', () => {
  test('a mail server that hangs holds up neither answers nor other mails, and loses nothing', async () => {
    using folder = dataFolder();
    await using hanging = await rudePeer(silence);
    await using others = await smtpPeer();
    const ids: string[] = [];
    {
      await using server = await startServer({ folder: folder.path, env: { ...settings(hanging), SMTP_URL: others.url } });
      await api(server, 'POST', '/handlers', {
        hook: 'event.on_ingest',
        name: 'report',
        code: 'export default (event) => event._id;',
        notify_on_success: 'cyd@lab.example',
      });
      for (let n = 0; n < 10; n++) ids.push(await post(server, URGENT));
      await eventually(async () => ((await alerts(server, 'pending')).length === 20 && others.mails.length === 10 ? true : null));
      expect(hanging.connections.total).toBeGreaterThan(0);
    }
    await using working = await smtpPeer();
    await using server = await startServer({ folder: folder.path, env: settings(working) });
    await quiet(server);
    for (const id of ids) expect(toldOf(working, id)).toEqual(ADDRESSES);
    expect(working.mails).toHaveLength(20);
  });

  test('a mail server that is not there delays alerts, and the outbox says why', async () => {
    await using server = await startServer({ env: settings({ port: await closedPort() }) });
    await post(server, URGENT);
    const tried = await eventually(async () => {
      const pending = await alerts(server, 'pending');
      return pending.length === 2 && pending.every(({ attempts }) => attempts > 0) ? pending : null;
    });
    for (const { last_error } of tried) expect(last_error).toMatch(/ECONNREFUSED/);
  });

  test('M39 logs in over STARTTLS with both name and password, and not with one of them', async () => {
    const login = { user: 'alerts', pass: 'sesame' };
    await using peer = await smtpPeer({ startTls: true, login });
    await using server = await startServer({ env: settings(peer, { use_tls: true, smtp_username: 'alerts', smtp_password: 'sesame' }) });
    const id = await post(server, URGENT);
    await quiet(server);
    expect(toldOf(peer, id)).toEqual(ADDRESSES);
    await using open = await smtpPeer({ startTls: true });
    await using without = await startServer({ env: settings(open, { use_tls: true, smtp_username: 'alerts' }) });
    const other = await post(without, URGENT);
    await quiet(without);
    expect(toldOf(open, other)).toEqual(ADDRESSES);
  });

  test('M39 use_tls sends nothing where there is no STARTTLS, and says why without the password', async () => {
    await using peer = await smtpPeer();
    await using server = await startServer({ env: settings(peer, { use_tls: true, smtp_username: 'alerts', smtp_password: 'sesame' }) });
    await post(server, URGENT);
    const tried = await eventually(async () => {
      const pending = await alerts(server, 'pending');
      return pending.length === 2 && pending.every(({ attempts }) => attempts > 0) ? pending : null;
    });
    expect(tried[0]?.last_error).toMatch(/check its certificate and EVENT_EMAIL_ALERTS/);
    expect(JSON.stringify(tried) + server.output()).not.toContain('sesame');
    expect(peer.mails).toEqual([]);
  });

  test('a refusal of a recipient is final for that address alone', async () => {
    await using peer = await smtpPeer({
      recipient: (address) => (address.startsWith('ben') ? { code: 550, text: '5.1.1 no such user' } : null),
    });
    await using server = await startServer({ env: settings(peer) });
    const id = await post(server, URGENT);
    await quiet(server);
    expect(toldOf(peer, id)).toEqual(['ada@lab.example']);
    expect(await alerts(server, 'failed')).toMatchObject([{ to: 'ben@lab.example', attempts: 1 }]);
  });

  test("SMTP_URL carries them, with the alerts' sender, where the setting names no server", async () => {
    await using peer = await smtpPeer();
    const alertSettings = JSON.stringify({ sender: 'Lab <lab@lab.example>', email_addresses: ADDRESSES });
    await using server = await startServer({ env: { SMTP_URL: peer.url, EVENT_EMAIL_ALERTS: alertSettings, ALERT_SUBJECTS: 'values' } });
    const id = await post(server, URGENT);
    await quiet(server);
    expect(toldOf(peer, id)).toEqual(ADDRESSES);
    expect(peer.mails[0]).toMatchObject({
      from: 'lab@lab.example',
      raw: expect.stringContaining('\r\nSubject: ALERT (40): log_error\r\nFrom: Lab <lab@lab.example>\r\n'),
    });
  });

  test.each([
    { over: { email_addresses: ['ada@lab.example', 'x y'] }, said: 'EVENT_EMAIL_ALERTS.email_addresses: spaces are not allowed' },
    { over: { sender: 'a@b.example\r\nBcc: c@d.example' }, said: 'EVENT_EMAIL_ALERTS.sender: control and invisible' },
  ])('what is no address stops the start: $said', async ({ over, said }) => {
    await expect(startServer({ env: settings({ port: 1 }, over) })).rejects.toThrow(said);
  });
});
