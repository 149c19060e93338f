import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { dataFolder, type Execution, items, post, register } from '../e2e/steps.ts';
import { type MachineClock, machineClock } from '../support/machine-clock.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';

/** RELIABILITY 7: the machine's clock is set while events come in and handlers run. */
jest.setTimeout(180_000);

const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;
/** A lease and two seconds. */
const STUCK_MS = 17_000;

const RETRIED = {
  code: 'export default (event, ctx) => { if (ctx.execution.attempt === 1) throw new Error("the first is free"); };',
  retry: { max_attempts: 3, backoff: { first_ms: 1_000, factor: 1, max_ms: 1_000 } },
};
const HANDLERS = {
  quick: { code: 'export default (event, ctx) => ctx.events.emit({ event_type: "test", event_data: { ran: event._id } });' },
  flaky: RETRIED,
  ordered: { ...RETRIED, ordering_key: 'event_data.key' },
  /** Most of them wait, and go back to the store when the handler is switched off. */
  queued: { code: 'export default (event, ctx) => ctx.sleep(150);', concurrency: 1 },
  slow: { code: 'export default (event, ctx) => ctx.sleep(1_500);', limits: { timeout_ms: 5_000 }, notify_on_success: 'ada@lab.example' },
};
type Name = keyof typeof HANDLERS;

async function registerAll(server: ServerProcess): Promise<Map<Name, number>> {
  const ids = new Map<Name, number>();
  for (const [name, handler] of Object.entries(HANDLERS)) {
    const filter = { 'event_data.for': name };
    ids.set(name as Name, await register(server, { name, filter, concurrency: 8, ...handler }));
  }
  return ids;
}

/** Posts some for each handler, answers their ids. */
async function load(servers: readonly ServerProcess[], count: number): Promise<string[]> {
  const names = Object.keys(HANDLERS);
  const posts = Array.from({ length: count * names.length }, (_, n) => {
    const server = servers[n % servers.length] as ServerProcess;
    return post(server, { for: names[Math.floor(n / servers.length) % names.length], key: 'k' });
  });
  return Promise.all(posts);
}

async function executionsOf(server: ServerProcess, eventIds: readonly string[]): Promise<Execution[]> {
  const found = await Promise.all(eventIds.map((id) => items(server, `/executions?event_id=${id}`)));
  return found.flat();
}

/** Until each has succeeded; answers their executions. */
async function succeeded(server: ServerProcess, eventIds: readonly string[], ms = STUCK_MS): Promise<Execution[]> {
  let last: Execution[] = [];
  try {
    return await eventually(async () => {
      last = await executionsOf(server, eventIds);
      return last.length === eventIds.length && last.every(({ state }) => state === 'succeeded') ? last : null;
    }, ms);
  } catch {
    const open = last
      .filter(({ state }) => state !== 'succeeded')
      .map(({ id, handler_id, state, attempt }) => ({ id, handler_id, state, attempt }));
    throw new Error(`not done after ${ms} ms: ${JSON.stringify(open)}`);
  }
}

/** Two of those that fail once, one of all others. */
function expectAttempts(executions: readonly Execution[], handlers: ReadonlyMap<Name, number>): void {
  const retried = [handlers.get('flaky'), handlers.get('ordered')];
  for (const { attempt, handler_id } of executions) expect(attempt).toBe(retried.includes(handler_id) ? 2 : 1);
}

const JUMPS = [
  { name: 'an hour back', to: -HOUR },
  { name: 'two hours ahead', to: HOUR },
  { name: 'ten years ahead', to: 10 * YEAR },
  { name: 'and back again', to: 0 },
];

describe('one server', () => {
  let clock: MachineClock;
  let server: ServerProcess;
  let handlers: Map<Name, number>;
  const all: string[] = [];
  beforeAll(async () => {
    clock = machineClock();
    server = await startServer({ env: { ...clock.env, EVENT_RETENTION_ENABLED: 'true', EVENT_SOFT_DELETE_AFTER_DAYS: '30' } });
    handlers = await registerAll(server);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    clock?.[Symbol.dispose]();
  });

  test.each(JUMPS)('$name: what waits and what comes runs in time', async ({ to }) => {
    const before = await load([server], 3);
    await api(server, 'PATCH', `/handlers/${handlers.get('queued')}`, { enabled: false });
    clock.set(to);
    await api(server, 'PATCH', `/handlers/${handlers.get('queued')}`, { enabled: true });
    const after = await load([server], 3);
    expectAttempts(await succeeded(server, [...before, ...after]), handlers);
    all.push(...before, ...after);
  });

  test('a second back in each second, five times', async () => {
    for (let second = 1; second <= 5; second++) {
      clock.set(-second);
      all.push(...(await load([server], 1)));
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await succeeded(server, all.slice(-25));
    clock.set(0);
  });

  test('nothing ran twice, no mail is missing, and the order is that of arrival', async () => {
    const each = all.length / Object.keys(HANDLERS).length;
    const found = async (selector: object): Promise<{ _id: string }[]> =>
      (await api(server, 'POST', '/events/query?limit=1000', selector)).body.items;
    expect(await found({ 'event_data.ran': { $exists: true } })).toHaveLength(each);
    expect(await found({ 'event_data.for': { $exists: true } })).toHaveLength(all.length);
    const sent = async (): Promise<number> => (await items(server, '/deliveries?limit=1000&state=sent')).length;
    await eventually(async () => ((await sent()) === each ? true : null), STUCK_MS);
    const listed = await items(server, `/executions?handler_id=${handlers.get('queued')}&limit=1000`);
    const arrived = (await found({ 'event_data.for': 'queued' })).map(({ _id }) => _id);
    expect(listed.map(({ event_id }) => event_id)).toEqual(arrived.reverse());
  });

  test('retention deletes nothing because the clock says that ten years have passed', async () => {
    clock.set(10 * YEAR);
    expect(await api(server, 'POST', '/retention/run', {})).toMatchObject({ status: 409 });
    clock.set(0);
    expect(Object.keys((await api(server, 'GET', '/events/archived')).body)).toEqual([]);
  });

  test('the clock was put back while the server was stopped: what waited runs at the start', async () => {
    using folder = dataFolder();
    using ahead = machineClock(HOUR);
    const first = await startServer({ folder: folder.path, env: ahead.env });
    const ids = await registerAll(first);
    const before = await load([first], 5);
    const waiting = `/executions?handler_id=${ids.get('flaky')}&state=pending`;
    await eventually(async () => ((await items(first, waiting)).length === 5 ? true : null));
    await first.kill('SIGKILL');
    ahead.set(0);
    await using again = await startServer({ folder: folder.path, env: ahead.env });
    await succeeded(again, before);
  });
});

describe('two servers on one MongoDB, 30 seconds apart', () => {
  let mongod: Mongod;
  let clocks: [MachineClock, MachineClock];
  let servers: [ServerProcess, ServerProcess];
  let handlers: Map<Name, number>;
  const all: string[] = [];
  beforeAll(async () => {
    mongod = await startReplicaSet();
    clocks = [machineClock(30), machineClock()];
    const start = ({ env }: MachineClock): Promise<ServerProcess> =>
      startServer({ env: { ...env, EVENT_DB_URL: mongod.url, EVENT_RETENTION_ENABLED: 'true' } });
    servers = [await start(clocks[0]), await start(clocks[1])];
    handlers = await registerAll(servers[0]);
    await register(servers[0], {
      hook: 'schedule.cron',
      name: 'tick',
      code: 'export default (run) => run.scheduled_at;',
      schedule: { cron: '* * * * * *', timezone: 'UTC' },
    });
    // What was registered at one server is known at the other within a second.
    await eventually(async () => ((await items(servers[1], '/handlers')).length === handlers.size + 1 ? true : null));
  });
  afterAll(async () => {
    for (const server of servers ?? []) await server[Symbol.asyncDispose]();
    for (const clock of clocks ?? []) clock[Symbol.dispose]();
    await mongod?.[Symbol.asyncDispose]();
  });

  test.each([{ name: 'as they are', to: 30 }, ...JUMPS])('the clock of one $name: each event runs once, in time', async ({ to }) => {
    clocks[0].set(to);
    const events = await load(servers, 2);
    expectAttempts(await succeeded(servers[1], events), handlers);
    all.push(...events);
  });

  test('they go by one clock: events of both are stamped alike, and a schedule fires each second once', async () => {
    clocks[0].set(HOUR);
    const stamps = [];
    for (const server of servers) {
      const id = await post(server, { for: 'nobody' });
      stamps.push(Date.parse(`${(await api(server, 'GET', `/event/${id}`)).body.event_timestamp}Z`));
    }
    for (const stamp of stamps) expect(Math.abs(stamp - Date.now())).toBeLessThan(STUCK_MS);
    const fired = (await items(servers[1], '/executions?hook=schedule.cron&limit=1000')).map(({ event_id }) => event_id);
    expect(new Set(fired).size).toBe(fired.length);
    expect(fired.length).toBeGreaterThan(3);
    const last = /T(\d{2})(\d{2})(\d{2})Z$/.exec(fired[0] ?? '');
    const seconds = Number(last?.[1]) * HOUR + Number(last?.[2]) * 60 + Number(last?.[3]);
    const now = (Date.now() / 1_000) % (24 * HOUR);
    expect(Math.abs(now - seconds)).toBeLessThan(STUCK_MS / 1_000);
  });

  test('the one that is ahead is killed: the other takes over within a lease', async () => {
    clocks[0].set(30);
    const events = await load([servers[0]], 2);
    await servers[0].kill('SIGKILL');
    await succeeded(servers[1], events, STUCK_MS + 5_000); // and the runs themselves
    all.push(...events);
    const found = await items(servers[1], `/executions?handler_id=${handlers.get('quick')}&limit=1000`);
    expect(new Set(found.map(({ event_id }) => event_id)).size).toBe(all.length / Object.keys(HANDLERS).length);
  });
});
