import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import { LEASE_MS } from '../../../src/ports/queue.ts';
import { type Rig, startEngine } from '../../support/engine-rig.ts';
import { doing, emit, fail, ok, ScriptedSandbox } from '../../support/scripted-sandbox.ts';
import { type SharedTestStore, shareStore } from '../../support/shared-store.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';

let store: TestStore;
let shared: SharedTestStore;
let time: HandClock;
let servers: { rig: Rig; clock: HandClock }[];
let a: Rig;
let b: Rig;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(async () => {
  await store.clear();
  time = new HandClock();
  shared = shareStore(store, time);
  servers = [];
  a = await start('a');
  b = await start('b');
});
afterEach(async () => {
  for (const { rig } of servers) await rig.stop();
});

/** Each server has its own clock, so that one of them can stand still. */
async function start(name: string, script?: ConstructorParameters<typeof ScriptedSandbox>[0]): Promise<Rig> {
  const clock = new HandClock(time.now());
  const rig = await startEngine(store, { clock, ports: shared.server(name), sandbox: new ScriptedSandbox(script) });
  servers.push({ rig, clock });
  await rig.quiet();
  return rig;
}

/** Never heard of again: its time stands still, and nothing it asks the store comes back. */
function kill(rig: Rig): void {
  for (const name of Object.keys(rig.queue)) Object.assign(rig.queue, { [name]: () => new Promise(() => {}) });
  servers = servers.filter((one) => one.rig !== rig);
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    time.advance(100);
    for (const { clock } of servers) clock.advance(100);
    await a.quiet();
  }
}

const event = (_id: string, key?: string) => JSON.stringify({ _id, event_data: key === undefined ? {} : { key } });
const started = (): string[] => [...a.sandbox.started, ...b.sandbox.started];
const bothRun = (): void => {
  a.sandbox.script = () => ok();
  b.sandbox.script = () => ok();
};
const subject = (id: string): string => id.replace(/\.\d+$/, '');
const byKey = { orderingKey: 'event_data.key', concurrency: 10 };

describe('work', () => {
  test('events that come in here and there run each handler once', async () => {
    const ids = [await a.register({ name: 'one' }), await a.register({ name: 'two' })];
    await pass(1_000);
    bothRun();
    const all = Array.from({ length: 60 }, (_, n) => `e${n}`);
    for (const [n, id] of all.entries()) await (n % 2 === 0 ? a : b).engine.ingest.one(event(id));
    await pass(2_000);
    expect(started().sort()).toEqual(all.flatMap((id) => ids.map((handler) => `${id}.${handler}`)).sort());
    expect(b.sandbox.started.length).toBe(60);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 120, pending: 0, leased: 0 });
  });

  test('what a server that stops gives back, another takes at once', async () => {
    await a.register();
    await pass(1_000);
    b.sandbox.script = () => ok();
    await a.engine.ingest.many([event('e1'), event('e2')], 0);
    await a.sandbox.next();
    const stopped = a.stop();
    await pass(1_000);
    await stopped;
    expect(await store.queue.counts()).toMatchObject({ succeeded: 2 });
    expect(b.sandbox.started.map(subject)).toEqual(['e1', 'e2']);
  });

  test('mails go out once, whichever server sends them', async () => {
    await a.register({ notifyOnSuccess: 'good@example.org' });
    await pass(1_000);
    bothRun();
    for (let n = 0; n < 20; n++) await (n % 2 === 0 ? a : b).engine.ingest.one(event(`e${n}`));
    await pass(3_000);
    const sent = [...a.mails, ...b.mails].map(({ messageId }) => messageId);
    expect([sent.length, new Set(sent).size]).toEqual([20, 20]);
  });
});

describe('a server that dies', () => {
  test('what it held runs elsewhere within a lease and two seconds, and the attempt is noted as lost', async () => {
    const id = await a.register();
    await pass(1_000);
    await a.engine.ingest.one(event('e'));
    await a.sandbox.next();
    await pass(6_000);
    kill(a);
    b.sandbox.script = () => ok();
    await pass(LEASE_MS - 6_000);
    expect(b.sandbox.started).toEqual([]);
    await pass(6_000 + 2_000);
    expect(b.sandbox.started).toEqual([`e.${id}`]);
    expect(await b.record(`e.${id}`)).toMatchObject({
      state: 'succeeded',
      attempt: 2,
      attempts: [{ attempt: 1, outcome: { reason: 'lost' } }, { outcome: 'succeeded' }],
    });
  });

  test('a live run is never taken over, however long it takes', async () => {
    await a.register({ timeoutMs: 300_000 });
    await pass(1_000);
    await a.engine.ingest.one(event('e'));
    const flight = await a.sandbox.next();
    await pass(4 * LEASE_MS);
    flight.end();
    await pass(500);
    expect(started()).toHaveLength(1);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 1 });
  });

  test('one that only stood still: nothing of what it ended late is written, and it goes on afresh', async () => {
    const id = await a.register();
    await pass(1_000);
    await a.engine.ingest.one(event('e'));
    const flight = await a.sandbox.next();
    const still = servers.find(({ rig }) => rig === a);
    servers = servers.filter(({ rig }) => rig !== a);
    b.sandbox.script = () => doing(emit({ _id: 'effect', event_type: 'test' }), { op: 'state.increment', key: 'n', by: 1 });
    await pass(LEASE_MS + 2_000);
    expect(b.sandbox.started).toContain(`e.${id}`);
    flight.end(doing(emit({ _id: 'stale', event_type: 'test' }), { op: 'state.increment', key: 'n', by: 10 }));
    await a.quiet();
    expect(await store.events.get('stale')).toBeNull();
    expect(a.sandbox.evicted).toContain(id);
    if (still !== undefined) servers.push(still);
    bothRun();
    await pass(8_000);
    await a.engine.ingest.one(event('later'));
    await pass(1_000);
    expect(a.sandbox.started).toContain(`later.${id}`);
    expect(await store.queue.state(id, 'n')).not.toBe('10');
  });

  test('one that learns that its hold was lost breaks off what runs and drops what waits', async () => {
    const id = await a.register();
    await pass(1_000);
    await a.engine.ingest.many(
      Array.from({ length: 70 }, (_, n) => event(`e${n}`)),
      0,
    );
    await a.sandbox.next();
    const renew = a.queue.renew;
    a.queue.renew = async () => false;
    await pass(6_000);
    expect(a.sandbox.aborted).toContain(`e0.${id}`);
    expect(a.engine.dispatcher.load).toMatchObject({ held: 0 });
    expect(a.sandbox.evicted).toContain(id);
    a.queue.renew = renew;
    bothRun();
    for (const flight of b.sandbox.flights) flight.end();
    await pass(4_000);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 70, pending: 0, leased: 0 });
  });
});

describe('a store that does not answer', () => {
  test('outcomes wait and are written once it does; a run that outlasts the lease is broken off and runs again', async () => {
    const id = await a.register({ concurrency: 2 });
    await pass(1_000);
    const { sandbox } = a;
    kill(b);
    await a.engine.ingest.many([event('ended'), event('running')], 0);
    const flight = await sandbox.next();
    const own = { ...a.queue };
    for (const name of ['renew', 'settle', 'claim', 'recover', 'list'] as const)
      Object.assign(a.queue, { [name]: () => Promise.reject(new EngineError('store_unavailable', 'down')) });
    flight.end(ok({ output: '"kept"' }), [`ended.${id}`]);
    await pass(LEASE_MS + 1_000);
    expect(sandbox.aborted).toEqual([`running.${id}`]);
    Object.assign(a.queue, own);
    sandbox.script = () => ok();
    await pass(7_000);
    expect(await a.record(`ended.${id}`)).toMatchObject({ state: 'succeeded', output: '"kept"', attempt: 1 });
    expect(await a.record(`running.${id}`)).toMatchObject({ state: 'succeeded' });
    expect(a.engine.dispatcher.load).toMatchObject({ held: 0, batches: 0 });
  });
});

describe('order per key', () => {
  test('holds over servers: one of them runs the handler, in the order of the store', async () => {
    const id = await a.register(byKey);
    await pass(1_000);
    const ids = Array.from({ length: 12 }, (_, n) => `k-${String(n).padStart(2, '0')}`);
    bothRun();
    for (const [n, one] of ids.entries()) await (n % 2 === 0 ? a : b).engine.ingest.one(event(one, 'k'));
    await pass(5_000);
    expect([a.sandbox.started, b.sandbox.started].filter((list) => list.length > 0)).toEqual([ids.map((one) => `${one}.${id}`)]);
  });

  test('holds when the clock of the server that stores is ahead of the one that runs', async () => {
    const id = await a.register(byKey);
    await pass(1_000);
    await a.engine.ingest.one(event('k-1', 'k'));
    await pass(300);
    servers[1]?.clock.advance(700);
    await b.engine.ingest.one(event('k-2', 'k'));
    await a.engine.ingest.one(event('k-3', 'k'));
    await pass(300);
    expect(a.sandbox.underWay).toEqual([`k-1.${id}`]);
    const first = await a.sandbox.next();
    bothRun();
    first.end();
    await pass(2_000);
    expect([a.sandbox.started, b.sandbox.started]).toEqual([[`k-1.${id}`, `k-2.${id}`, `k-3.${id}`], []]);
  });

  test('a retry holds back what other servers stored after it', async () => {
    const id = await a.register(byKey);
    await pass(1_000);
    await a.engine.ingest.one(event('k-1', 'k'));
    await pass(1_000);
    const first = a.sandbox.started.length > 0 ? a : b;
    const flight = await first.sandbox.next();
    flight.end(fail());
    await (first === a ? b : a).engine.ingest.one(event('k-2', 'k'));
    await pass(500);
    expect(started()).toEqual([`k-1.${id}`]);
    bothRun();
    await pass(3_000);
    expect(first.sandbox.started).toEqual([`k-1.${id}`, `k-1.${id}`, `k-2.${id}`]);
  });

  test('holds when the server that ran it dies: what it held comes first', async () => {
    const id = await a.register(byKey);
    await pass(1_000);
    await a.engine.ingest.one(event('k-1', 'k'));
    await pass(300);
    expect(a.sandbox.started).toEqual([`k-1.${id}`]);
    await b.engine.ingest.one(event('k-2', 'k'));
    await pass(3_000);
    kill(a);
    b.sandbox.script = () => ok();
    await pass(LEASE_MS + 2_000);
    expect(b.sandbox.started).toEqual([`k-1.${id}`, `k-2.${id}`]);
  });

  test('the turn goes over when its server has nothing left to do', async () => {
    await a.register(byKey);
    await pass(1_000);
    bothRun();
    await a.engine.ingest.one(event('k-1', 'k'));
    await pass(6_000);
    kill(a);
    await b.engine.ingest.one(event('k-2', 'k'));
    await pass(1_500);
    expect(b.sandbox.started.map(subject)).toEqual(['k-2']);
  });
});

describe('what another server changed', () => {
  test.each([true, false])('is known within a second (signals come through: %s)', async (signalsWork) => {
    shared.signalsWork = signalsWork;
    const id = await a.register();
    await pass(1_000);
    expect(b.handlers.get(id)).toMatchObject({ current: { version: 0 } });
    await a.register({ code: 'export default () => 2' });
    await pass(1_000);
    expect(b.handlers.get(id)).toMatchObject({ current: { version: 1 } });
    expect(b.sandbox.evicted).toContain(id);
    await a.handlers.setEnabled(id, false, a.caller);
    await pass(1_000);
    expect(b.handlers.stateOf(b.handlers.get(id))).toBe('disabled');
    await a.handlers.setEnabled(id, true, a.caller);
    const { key, secret } = await a.keys.create({ name: 'k', scopes: ['admin'], expiresAt: null }, a.caller);
    await pass(1_000);
    expect(b.keys.authenticate(secret)?.keyId).toBe(key.id);
    await a.keys.revoke(key.id, a.caller);
    await a.keys.revoke(a.caller.keyId, a.caller);
    await pass(1_000);
    expect(b.keys.authenticate(secret)).toBeNull();
    expect(b.handlers.stateOf(b.handlers.get(id))).toBe('suspended');
    await a.handlers.deregister(id, a.caller);
    await pass(1_000);
    expect(b.handlers.find(id)).toBeNull();
  });

  test('stops what this server had of it', async () => {
    const id = await a.register();
    await pass(1_000);
    await b.engine.ingest.many(
      Array.from({ length: 70 }, (_, n) => event(`e${n}`)),
      0,
    );
    await b.sandbox.next();
    await a.handlers.setEnabled(id, false, a.caller);
    await pass(1_000);
    for (const flight of b.sandbox.flights) flight.giveBack();
    await pass(500);
    expect(await store.queue.counts()).toMatchObject({ pending: 70, leased: 0 });
    bothRun();
    await a.handlers.setEnabled(id, true, a.caller);
    await pass(2_000);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 70 });
  });

  test('is what a change is made on: a handler that another server has just switched', async () => {
    const id = await a.register();
    await a.handlers.setEnabled(id, false, a.caller);
    expect(await b.handlers.setEnabled(id, true, b.caller)).toMatchObject({ enabled: true });
    expect((await store.handlers.all()).find((handler) => handler.id === id)?.enabled).toBe(true);
  });

  test('the same name registered on both at once is one handler with its versions in sequence', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? a : b).register({ name: 'same' })));
    expect(new Set(ids).size).toBe(1);
    await pass(1_000);
    expect([a, b].map((rig) => rig.handlers.get(ids[0] ?? 0).current.version)).toEqual([9, 9]);
  });
});

describe('what is over', () => {
  test.each([true, false])('a run is broken off when another server is asked to cancel it (signals: %s)', async (signalsWork) => {
    shared.signalsWork = signalsWork;
    const id = await a.register();
    await pass(1_000);
    await a.engine.ingest.one(event('e'));
    await a.sandbox.next();
    expect(a.engine.dispatcher.running).toEqual([`e.${id}`]);
    await b.engine.executions.cancel(`e.${id}`);
    await pass(signalsWork ? 1_000 : 6_000);
    expect(a.sandbox.aborted).toEqual([`e.${id}`]);
    expect(a.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
    expect(await store.queue.counts()).toMatchObject({ canceled: 1, pending: 0, leased: 0 });
  });

  test('runs of a handler are broken off when it is deregistered, here and on the other server', async () => {
    const id = await a.register();
    await pass(1_000);
    await a.engine.ingest.one(event('e'));
    await b.engine.ingest.one(event('f'));
    await a.sandbox.next();
    await b.sandbox.next();
    await a.handlers.deregister(id, a.caller);
    await pass(1_000);
    expect([a.sandbox.aborted, b.sandbox.aborted]).toEqual([[`e.${id}`], [`f.${id}`]]);
    for (const rig of [a, b]) expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
    expect(await store.queue.counts()).toMatchObject({ canceled: 2, pending: 0, leased: 0 });
  });

  test('two servers that revoke the last two admin keys at the same moment leave one', async () => {
    const live = async () => (await store.keys.all()).filter(({ revokedAt, scopes }) => revokedAt === null && scopes.includes('admin'));
    for (const { id } of (await live()).slice(2)) await a.keys.revoke(id, a.caller);
    await pass(1_000);
    const [one, two] = await live();
    const both = Promise.allSettled([a.keys.revoke(one?.id as string, a.caller), b.keys.revoke(two?.id as string, b.caller)]);
    await pass(2_000);
    const results = await both;
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'last_admin_key' } });
    expect(await live()).toHaveLength(1);
  });
});
