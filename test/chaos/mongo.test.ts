import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { allItems, type Execution, items, register } from '../e2e/steps.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { ADMIN_KEY, api, eventually, type ServerProcess, startServer } from '../support/server.ts';

/** How many servers are killed. A sample by default; `CHAOS_ROUNDS=20` makes it 50,000 events and 20 kills. */
const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 2);
const EVENTS = Math.min(50_000, ROUNDS * 2_500);
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const BATCH = 25;
const CLIENTS = 4;
const HANDLERS = ['one', 'two', 'three'];

jest.setTimeout(120_000 + ROUNDS * 60_000);

/** Numbers from 0 up to 1 that a seed repeats (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Counts its runs, emits one event each, and answers the count when it is asked. */
const COUNTING = `export default async (event, ctx) => {
  if (event.event_data.ask) return (await ctx.state.get('n')) ?? 0;
  if (event.event_data.n % 50 === 0) await ctx.sleep(200);
  await ctx.state.increment('n', 1);
  await ctx.events.emit({ event_type: 'test', event_data: { ran: event._id, by: ctx.handler.name } });
};`;

/** Servers on one database, of which one is killed now and then and started again. */
class Fleet implements AsyncDisposable {
  readonly servers: ServerProcess[] = [];
  readonly #env: Record<string, string>;
  constructor(env: Record<string, string>) {
    this.#env = env;
  }
  async add(): Promise<ServerProcess> {
    const server = await startServer({ env: this.#env });
    this.servers.push(server);
    return server;
  }
  any(random: number): ServerProcess {
    return this.servers[Math.floor(random * this.servers.length)] as ServerProcess;
  }
  async kill(server: ServerProcess): Promise<void> {
    this.servers.splice(this.servers.indexOf(server), 1);
    await server.kill('SIGKILL');
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

/** Posts events in batches, each until some server has answered for all of it; answers what was acknowledged. */
async function client(pick: () => ServerProcess, ids: readonly string[]): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH);
    const lines = batch.map((_id) => JSON.stringify({ _id, event_type: 'test', event_data: { n: Number(_id.slice(1)) } }));
    while (!(await postLines(pick(), lines.join('\n')))) await pause(100);
    acknowledged.push(...batch);
  }
  return acknowledged;
}

async function postLines(server: ServerProcess, body: string): Promise<boolean> {
  try {
    const headers = { 'Content-Type': 'application/x-ndjson', Authorization: `Bearer ${ADMIN_KEY}` };
    const response = await fetch(`${server.url}/events`, { method: 'POST', headers, body, signal: AbortSignal.timeout(20_000) });
    const { stored, duplicate } = (await response.json()) as { stored?: number; duplicate?: number };
    return response.status === 200 && (stored ?? 0) + (duplicate ?? 0) === body.split('\n').length;
  } catch {
    return false; // it was killed meanwhile
  }
}

const executions = (server: ServerProcess, query: string): Promise<Execution[]> => allItems(server, `/executions?${query}`);

/** Whether nothing waits or runs, and so many succeeded. */
async function hasEnded(server: ServerProcess, wanted: number): Promise<boolean> {
  for (const state of ['leased', 'pending']) if ((await items(server, `/executions?state=${state}&limit=1`)).length > 0) return false;
  return (await count(server, { 'event_data.ran': { $exists: true } })) >= wanted;
}

const count = async (server: ServerProcess, selector: object): Promise<number> =>
  (await allItems(server, '/events/query', selector)).length;

/** How often the handler was counted, as it says itself. */
async function counted(server: ServerProcess, handlerId: number): Promise<number> {
  const { body } = await api(server, 'POST', '/event', { event_type: 'test', event_data: { ask: true } });
  return eventually(async () => {
    const [one] = await items(server, `/executions?handler_id=${handlerId}&event_id=${body._id}&state=succeeded`);
    return one === undefined ? null : (await api(server, 'GET', `/executions/${one.id}`)).body.output;
  });
}

describe('servers that are killed', () => {
  let mongod: Mongod;
  beforeAll(async () => {
    mongod = await startReplicaSet();
  });
  afterAll(async () => mongod?.[Symbol.asyncDispose]());

  test(`${EVENTS} events with ${HANDLERS.length} handlers, ${ROUNDS} kills, seed ${SEED}`, async () => {
    const random = randomFrom(SEED);
    await using fleet = new Fleet({ EVENT_DB_URL: mongod.url, LOG_LEVEL: 'error', RUNNERS: '2' });
    const first = await fleet.add();
    await fleet.add();
    const filter = { $or: [{ 'event_data.n': { $exists: true } }, { 'event_data.ask': true }] };
    const handlers = await Promise.all(HANDLERS.map((name) => register(first, { name, code: COUNTING, filter, concurrency: 4 })));
    await pause(1_500); // until both know them

    const startedAt = performance.now();
    const all = Array.from({ length: EVENTS }, (_, n) => `e${n}`);
    const clients = Array.from({ length: CLIENTS }, (_, n) =>
      client(
        () => fleet.any(random()),
        all.filter((_, place) => place % CLIENTS === n),
      ),
    );
    let [underWay, isPosting] = [0, true];
    const posted = Promise.all(clients).finally(() => {
      isPosting = false;
    });
    for (let round = 0; round < ROUNDS && isPosting; round++) {
      await pause(500 + 2_500 * random());
      await fleet.add();
      await fleet.kill(fleet.any(random()));
      underWay += (await executions(fleet.any(0), 'state=leased')).length;
    }
    const acknowledged = (await posted).flat();
    const [server] = fleet.servers as [ServerProcess];
    // What a killed server stored may get its executions only when its lease has ended.
    await eventually(
      async () => ((await hasEnded(server, HANDLERS.length * acknowledged.length)) ? true : null),
      60_000 + EVENTS * 4,
    ).catch(
      () => undefined, // the audit says what is missing
    );
    const tookMs = performance.now() - startedAt;

    expect(await count(server, { 'event_data.n': { $exists: true } })).toBe(acknowledged.length);
    let lost = 0;
    for (const handler of handlers) {
      const done = await executions(server, `handler_id=${handler}&state=succeeded`);
      const ran = new Set(done.map(({ event_id }) => event_id));
      const missing = acknowledged.filter((id) => !ran.has(id));
      const states = await Promise.all(
        missing.slice(0, 3).map(async (id) => (await api(server, 'GET', `/executions?event_id=${id}`)).body.items),
      );
      expect({ missing, states }).toEqual({ missing: [], states: [] });
      expect(done).toHaveLength(acknowledged.length);
      lost += done.reduce((sum, { attempt }) => sum + attempt - 1, 0);
    }
    for (const handler of handlers) expect(await counted(server, handler)).toBe(acknowledged.length);
    expect(lost).toBeLessThanOrEqual(underWay);
    expect(await count(server, { 'event_data.ran': { $exists: true } })).toBe(HANDLERS.length * acknowledged.length);
    process.stdout.write(
      `seed ${SEED}: ${acknowledged.length} events, ${HANDLERS.length * acknowledged.length} executions in ${Math.round(tookMs / 1_000)} s, ` +
        `${ROUNDS} kills, ${lost} attempts cut off of ${underWay} under way, 0 missed, 0 doubled\n`,
    );
  });
});

test('a set of three that fails over under load: nothing that was answered is lost', async () => {
  await using mongod = await startReplicaSet(3);
  await using server = await startServer({ env: { EVENT_DB_URL: mongod.url, LOG_LEVEL: 'error' } });
  const handler = await register(server, { name: 'h', code: 'export default () => 1;', filter: { 'event_data.n': { $exists: true } } });
  const acknowledged: string[] = [];
  let [isOver, refused, slowest, longestGap, lastAt] = [false, 0, 0, 0, performance.now()];
  const lane = async (name: number): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const _id = `e${name}-${n}`;
      const from = performance.now();
      const { status } = await api(server, 'POST', '/event', { _id, event_type: 'test', event_data: { n } });
      slowest = Math.max(slowest, performance.now() - from);
      if (status === 200) {
        acknowledged.push(_id);
        longestGap = Math.max(longestGap, performance.now() - lastAt);
        lastAt = performance.now();
      } else {
        expect(status).toBe(503);
        refused++;
        await pause(50);
      }
    }
  };
  const lanes = Promise.all(Array.from({ length: 8 }, (_, name) => lane(name)));
  for (let round = 0; round < Math.min(5, ROUNDS); round++) {
    await pause(2_000);
    await mongod.stepDown();
    await pause(6_000);
  }
  isOver = true;
  await lanes;
  const missing = async (): Promise<string[]> => {
    const ran = new Set((await executions(server, `handler_id=${handler}&state=succeeded`)).map(({ event_id }) => event_id));
    return acknowledged.filter((id) => !ran.has(id));
  };
  await eventually(async () => ((await missing()).length === 0 ? true : null), 60_000).catch(() => undefined); // the audit says what is missing
  const left = await missing();
  const states = await Promise.all(left.slice(0, 5).map(async (id) => (await api(server, 'GET', `/executions?event_id=${id}`)).body.items));
  expect({ left, states }).toEqual({ left: [], states: [] });
  expect(slowest).toBeLessThan(5_500);
  for (const id of acknowledged) expect((await api(server, 'GET', `/event/${id}`)).status).toBe(200);
  process.stdout.write(
    `fail-over: ${acknowledged.length} stored, ${refused} refused, slowest answer ${Math.round(slowest)} ms, longest time without a success ${Math.round(longestGap)} ms\n`,
  );
});
