import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Execution, ended, items, post, register, request } from '../e2e/steps.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { parsePrometheus, sampleOf } from '../support/prometheus.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { smtpPeer } from '../support/smtp-peer.ts';

const mongod = mongodOfFile();
let database: string;
let made = 0;
beforeEach(() => {
  database = `servers_${++made}`;
});

const start = (env: Record<string, string> = {}): Promise<ServerProcess> =>
  startServer({ env: { EVENT_DB_URL: mongod.url, EVENT_DATABASE_NAME: database, ...env } });

/** Asks until the answer is the wanted one, and how long that took. */
async function until(look: () => Promise<boolean>, ms = 15_000): Promise<number> {
  const from = performance.now();
  await eventually(async () => ((await look()) ? true : null), ms);
  return performance.now() - from;
}

const ONCE = `export default async (event, ctx) => {
  await ctx.state.increment('runs', 1);
  await ctx.events.emit({ event_type: 'test', event_data: { ran: event._id, by: ctx.handler.name } });
};`;

async function all(server: ServerProcess, query: string): Promise<Execution[]> {
  const found: Execution[] = [];
  for (let cursor: string | null = null; ; ) {
    const more = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await api(server, 'GET', `/executions?${query}&limit=1000${more}`);
    found.push(...body.items);
    cursor = body.next_cursor;
    if (cursor === null) return found;
  }
}

describe('two servers on one database', () => {
  test('say where the data is without the password, and redact the setting', async () => {
    await using server = await start();
    const output = await eventually(async () => (server.output().includes('Try:') ? server.output() : null));
    expect(output).toMatch(new RegExp(`^  Data   MongoDB 127\\.0\\.0\\.1:\\d+, database ${database}$`, 'm'));
    const { body } = await api(server, 'GET', '/settings');
    expect(body.settings).toMatchObject({ event_db_url: '***REDACTED***', document_db_url: '***REDACTED***', database_name: database });
    expect((await request(server, 'GET', '/readyz')).status).toBe(200);
  });

  test('run each handler once per event, whichever took the event in', async () => {
    await using a = await start();
    await using b = await start();
    const filter = { 'event_data.job': { $exists: true } };
    const ids = [
      await register(a, { name: 'one', code: ONCE, filter, concurrency: 8 }),
      await register(b, { name: 'two', code: ONCE, filter, concurrency: 8 }),
    ];
    for (const server of [a, b]) await until(async () => (await items(server, '/handlers')).length === 2);
    const events = await Promise.all(Array.from({ length: 200 }, (_, job) => post(job % 2 === 0 ? a : b, { job })));
    for (const handler of ids) {
      const done = await eventually(async () => {
        const found = await all(a, `handler_id=${handler}&state=succeeded`);
        return found.length >= events.length ? found : null;
      }, 60_000);
      expect(done.map(({ event_id }) => event_id).sort()).toEqual([...events].sort());
      expect(done.every(({ attempt }) => attempt === 1)).toBe(true);
    }
    const { body } = await api(b, 'POST', '/events/query', { 'event_data.ran': { $exists: true } });
    expect(Object.keys(body)).toHaveLength(2 * events.length);
  });

  test('a run ends where it runs when the other server is asked to cancel it, or its handler is deregistered there', async () => {
    await using a = await start();
    await using b = await start();
    const held = async (): Promise<number | undefined> =>
      sampleOf(parsePrometheus((await request(a, 'GET', '/metrics')).text), 'hookwright_executions_held');
    const id = await register(a, {
      name: 'sleeper',
      code: 'export default async (event, ctx) => { await ctx.sleep(60_000); };',
      limits: { timeout_ms: 90_000 },
    });
    const running = async (): Promise<Execution> => {
      await post(a, {});
      return eventually(async () => (await items(a, `/executions?handler_id=${id}&state=leased`))[0] ?? null);
    };
    const first = await running();
    await until(async () => (await held()) === 1);
    await api(b, 'POST', `/executions/${encodeURIComponent(first.id)}/cancel`);
    await until(async () => (await held()) === 0);
    await running();
    await until(async () => (await held()) === 1);
    await api(b, 'DELETE', `/handlers/${id}`);
    await until(async () => (await held()) === 0);
    expect((await all(a, `handler_id=${id}`)).map(({ state }) => state)).toEqual(['canceled', 'canceled']);
  });

  test('know within a second what the other registered, replaced, switched, removed and revoked', async () => {
    await using a = await start();
    await using b = await start();
    const id = await register(a, { name: 'h', code: 'export default () => "one";' });
    const seen = async (): Promise<{ version: number; state: string } | null> => {
      const { status, body } = await api(b, 'GET', `/handlers/${id}`);
      return status === 200 ? body : null;
    };
    const times = [await until(async () => (await seen())?.version === 0)];
    await register(a, { name: 'h', code: 'export default () => "two";' });
    times.push(await until(async () => (await seen())?.version === 1));
    expect(await ended(b, id, await post(b, {}))).toMatchObject({ output: 'two' });
    await api(a, 'PATCH', `/handlers/${id}`, { enabled: false });
    times.push(await until(async () => (await seen())?.state === 'disabled'));
    await api(a, 'DELETE', `/handlers/${id}`);
    times.push(await until(async () => (await seen()) === null));
    const { body: made } = await api(a, 'POST', '/keys', { name: 'k', scopes: ['handlers:read'] });
    const answers = async (): Promise<number> => (await request(b, 'GET', '/handlers', { key: made.key ?? made.secret })).status;
    times.push(await until(async () => (await answers()) === 200));
    await api(a, 'DELETE', `/keys/${made.id}`);
    times.push(await until(async () => (await answers()) === 401));
    expect(Math.max(...times)).toBeLessThan(1_000 + 2_000); // a second, and what a busy machine adds
  });

  test('register the same name at once: one handler, its versions in sequence', async () => {
    await using a = await start();
    await using b = await start();
    const ids = await Promise.all(
      Array.from({ length: 10 }, (_, n) => register(n % 2 === 0 ? a : b, { name: 'same', code: `export default () => ${n};` })),
    );
    expect(new Set(ids).size).toBe(1);
    const versions = await items<{ version: number }>(a, `/handlers/${ids[0]}/versions`);
    expect(versions.map(({ version }) => version)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  test('keep the order of a key over both', async () => {
    await using a = await start();
    await using b = await start();
    const code = `export default async (event, ctx) => {
      const list = (await ctx.state.get('list')) ?? [];
      await ctx.state.set('list', [...list, event.event_data.n]);
      await ctx.sleep(5);
      return [...list, event.event_data.n];
    };`;
    const id = await register(a, { name: 'ordered', code, ordering_key: 'event_data.key', concurrency: 10 });
    await until(async () => (await items(b, '/handlers')).length === 1);
    for (let n = 0; n < 40; n++) await post(n % 2 === 0 ? a : b, { key: 'k', n });
    await until(async () => (await all(a, `handler_id=${id}&state=succeeded`)).length === 40);
    const [last] = await all(a, `handler_id=${id}`);
    const { body } = await api(a, 'GET', `/executions/${last?.id}`);
    expect(body.output).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  test('when one is killed, the other runs what it held within a lease and a few seconds, and effects happen once', async () => {
    await using a = await start();
    const b = await start();
    const code = `export default async (event, ctx) => {
      await ctx.sleep(event.event_data.ms);
      await ctx.events.emit({ event_type: 'test', event_data: { ran: event.event_data.job } });
    };`;
    const filter = { 'event_data.job': { $exists: true } };
    const id = await register(a, { name: 'slow', code, filter, concurrency: 4, limits: { timeout_ms: 60_000 } });
    await until(async () => (await items(b, '/handlers')).length === 1);
    await Promise.all(Array.from({ length: 20 }, (_, job) => post(b, { job, ms: job < 4 ? 3_000 : 10 })));
    await b.kill('SIGKILL');
    const took = await until(async () => (await all(a, `handler_id=${id}&state=succeeded`)).length === 20, 60_000);
    expect(took).toBeLessThan(15_000 + 2_000 + 8_000); // the lease, the look, and the runs themselves
    const { body } = await api(a, 'POST', '/events/query', { 'event_data.ran': { $exists: true } });
    expect(Object.keys(body)).toHaveLength(20);
    const lost = (await all(a, `handler_id=${id}`)).filter(({ attempt }) => attempt > 1);
    expect(lost.length).toBeGreaterThan(0);
  });

  test('fire each instant of a schedule once, and go on with it when the one that fires is killed', async () => {
    const a = await start();
    const schedule = { cron: '* * * * * *', timezone: 'UTC' };
    const id = await register(a, { hook: 'schedule.cron', name: 'tick', code: 'export default (run) => run.scheduled_at;', schedule });
    await until(async () => (await all(a, `handler_id=${id}&state=succeeded`)).length >= 2);
    await using b = await start();
    const before = (await all(b, `handler_id=${id}`)).length;
    await until(async () => (await all(b, `handler_id=${id}&state=succeeded`)).length >= before + 3);
    await a.kill('SIGKILL');
    const left = (await all(b, `handler_id=${id}`)).length;
    const took = await until(async () => (await all(b, `handler_id=${id}`)).length >= left + 3, 60_000);
    expect(took).toBeLessThan(6_000 + 3_000 + 6_000); // the lead, three instants, and what a busy machine adds
    await api(b, 'DELETE', `/handlers/${id}`);
    const fired = await all(b, `handler_id=${id}`);
    expect(new Set(fired.map(({ event_id }) => event_id)).size).toBe(fired.length);
    expect(fired.every(({ event_id }) => /^cron-\d+-\d{8}T\d{6}Z$/.test(event_id))).toBe(true);
  });

  test('an admin key is made once when several start at the same time on an empty database', async () => {
    await using a = await start({ ADMIN_KEY: '' });
    const started = await Promise.all([start({ ADMIN_KEY: '' }), start({ ADMIN_KEY: '' })]);
    await until(async () => started.every((server) => server.output().includes('Try:')));
    const keys = [a, ...started].filter((server) => server.output().includes('Admin key'));
    expect(keys).toHaveLength(1);
    for (const server of started) await server[Symbol.asyncDispose]();
  });
});

describe('alerts of several servers', () => {
  test('M36 M56 that start together: one handler, one mail for each alert and address, whoever takes the events in', async () => {
    await using peer = await smtpPeer();
    const addresses = ['ada@lab.example', 'ben@lab.example'];
    const alerts = { smtp_server: '127.0.0.1', smtp_port: peer.port, use_tls: false, email_addresses: addresses };
    await using stack = new AsyncDisposableStack();
    const started = await Promise.all(Array.from({ length: 3 }, () => start({ EVENT_EMAIL_ALERTS: JSON.stringify(alerts) })));
    for (const server of started) stack.use(server);
    const any = (n: number): ServerProcess => started[n % started.length] as ServerProcess;
    for (const server of started)
      expect(await items(server, '/handlers')).toMatchObject([{ name: 'alerting', version: 0, state: 'enabled' }]);
    expect((await items<{ name: string }>(any(0), '/keys')).filter(({ name }) => name === 'built-in alerting')).toHaveLength(1);

    const pairs = Array.from({ length: 30 }, (_, pair) => pair);
    const sent = pairs.flatMap((pair) => {
      const event = { event_type: 'log_critical', log_level: 50, alert: true, event_data: { pair } };
      const twin = (which: string, ms: string) => ({ ...event, _id: `${which}${pair}`, event_timestamp: `2026-03-01T00:00:00.00${ms}` });
      const [first, second] = [twin('a', '1'), twin('b', '5')];
      // The same id goes to two servers, and its twin to the third, all at the same moment.
      return [first, first, second].map((one, n) => api(any(pair + n), 'POST', '/event', one));
    });
    for (const { status } of await Promise.all(sent)) expect(status).toBe(200);
    await eventually(async () => {
      const open = await Promise.all(
        ['/executions?state=pending', '/executions?state=leased', '/deliveries?state=pending'].map((path) => items(any(0), path)),
      );
      return open.flat().length === 0 && peer.mails.length >= pairs.length * addresses.length ? true : null;
    }, 60_000);
    const told = peer.mails.map(({ to, raw }) => `${/^X-MADSci-Event-ID: [ab](\d+)/m.exec(raw)?.[1]} ${to.join()}`);
    expect(told.sort()).toEqual(pairs.flatMap((pair) => addresses.map((address) => `${pair} ${address}`)).sort());
  });
});
