import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { items, register, request } from '../e2e/steps.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { type Damage, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

jest.setTimeout(180_000);

const ANSWER_MS = 5_000;
/** What the network and a busy machine may add to a bound that the server keeps. */
const SLACK_MS = 500;
const OUTAGE_MS = 8_000;

let mongod: Mongod;
let proxy: TcpProxy;
let server: ServerProcess;
let handler: number;
beforeAll(async () => {
  mongod = await startReplicaSet();
  const { hostname, port } = new URL(mongod.url.replace('mongodb:', 'http:'));
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  // Direct: else the driver would ask the member for its own address and go past the proxy.
  server = await startServer({
    env: { EVENT_DB_URL: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`, LOG_LEVEL: 'error' },
  });
  const filter = { 'event_data.n': { $exists: true } };
  handler = await register(server, { name: 'h', code: 'export default (event) => event.event_data.n;', filter });
});
afterAll(async () => {
  await proxy?.set('pass');
  await server?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await mongod?.[Symbol.asyncDispose]();
});

interface Answer {
  id: string;
  status: number;
  ms: number;
  retryAfter: string | null;
}
let posted = 0;
async function post(): Promise<Answer> {
  const id = `e${++posted}`;
  const from = performance.now();
  const response = await fetch(`${server.url}/event`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/problem+json' },
    body: JSON.stringify({ _id: id, event_type: 'test', event_data: { n: posted } }),
  });
  const body = (await response.json()) as { code?: string };
  if (response.status !== 200) expect(['store_unavailable', 'overloaded']).toContain(body.code);
  return { id, status: response.status, ms: performance.now() - from, retryAfter: response.headers.get('retry-after') };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Posts one event after the other in several lanes until `isOver`, whatever the answers are. */
async function load(isOver: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      answers.push(await post());
      await pause(20);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return answers;
}

/**
 * Answers of a route that needs no store tell how long the event loop of the server was held up. What held up this process is taken off: it
 * has run many test files and collects their garbage, for half a second at a time.
 */
async function slowestPing(isOver: () => boolean): Promise<number> {
  const own = monitorEventLoopDelay({ resolution: 5 });
  own.enable();
  let slowest = 0;
  while (!isOver()) {
    const from = performance.now();
    await request(server, 'GET', '/healthz');
    slowest = Math.max(slowest, performance.now() - from);
    await pause(15);
  }
  own.disable();
  return Math.max(0, slowest - own.max / 1e6);
}

describe.each<{ damage: Damage; delayMs?: number }>([
  { damage: 'refuse' },
  { damage: 'reset' },
  { damage: 'deaf' },
  { damage: 'black-hole' },
  { damage: 'delay', delayMs: 5_000 },
])('a database behind a network that does: $damage', ({ damage, ...options }) => {
  test('requests are answered 503 in time, it goes on by itself after the heal, and nothing that was answered is lost', async () => {
    const first = await post();
    expect(first.status).toBe(200);
    let isOver = false;
    const loaded = load(() => isOver);
    const pinged = slowestPing(() => isOver);
    await pause(300);
    await proxy.set(damage, options);
    await pause(OUTAGE_MS);
    expect((await request(server, 'GET', '/readyz')).status).toBe(503);
    expect(JSON.parse((await request(server, 'GET', '/health')).text)).toMatchObject({ healthy: false, db_connected: false });
    await proxy.set('pass');
    const healed = performance.now();
    await eventually(async () => ((await post()).status === 200 ? true : null), 20_000);
    const firstSuccessMs = performance.now() - healed;
    await pause(500);
    isOver = true;
    const [answers, slowest] = await Promise.all([loaded, pinged]);

    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ status, retryAfter }) => status === 503 && retryAfter !== null)).toBe(true);
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS + SLACK_MS);
    expect(firstSuccessMs).toBeLessThan(5_000 + SLACK_MS);
    expect(slowest).toBeLessThan(200 + SLACK_MS);
    const acknowledged = answers.filter(({ status }) => status === 200).map(({ id }) => id);
    for (const id of acknowledged) expect((await api(server, 'GET', `/event/${id}`)).status).toBe(200);
    await expectEachStoredEventToHaveRun();
    process.stdout.write(
      `${damage}: slowest answer ${Math.round(Math.max(...answers.map(({ ms }) => ms)))} ms, first success ${Math.round(firstSuccessMs)} ms after the heal, ` +
        `slowest /healthz ${Math.round(slowest)} ms, ${acknowledged.length} stored, ${refused.length} refused\n`,
    );
  });
});

/** Also those whose client was told that they failed: whatever is stored has its executions, and they end. */
async function expectEachStoredEventToHaveRun(): Promise<void> {
  const stored = await api(server, 'POST', '/events/query', { 'event_data.n': { $exists: true } });
  const ids = Object.keys(stored.body).sort();
  await eventually(async () => {
    const { body } = await api(server, 'GET', `/executions?handler_id=${handler}&state=pending&limit=1`);
    const { body: leased } = await api(server, 'GET', `/executions?handler_id=${handler}&state=leased&limit=1`);
    return body.items.length + leased.items.length === 0 ? true : null;
  }, 40_000);
  const ran = new Set<string>();
  for (let cursor = ''; ; ) {
    const { body } = await api(server, 'GET', `/executions?handler_id=${handler}&state=succeeded&limit=1000${cursor}`);
    for (const { event_id } of body.items) ran.add(event_id);
    if (body.next_cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
  expect(ids.filter((id) => !ran.has(id))).toEqual([]);
  expect(await items(server, `/executions?handler_id=${handler}&state=dead`)).toEqual([]);
}
