import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { callerOf, type Rig, startEngine } from '../../support/engine-rig.ts';
import { doing, fail, ok, ScriptedSandbox } from '../../support/scripted-sandbox.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

let store: TestStore;
let rig: Rig;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(async () => {
  await store.clear();
  rig = await startEngine(store);
});
afterEach(() => rig.stop());

const event = (_id: string, key?: string) => ({ _id, event_data: key === undefined ? {} : { key } });
const byKey = { orderingKey: 'event_data.key' };
/** Subjects of executions, as their ids tell. */
const subjects = (ids: readonly string[]): string[] => ids.map((id) => id.replace(/\.\d+$/, ''));
async function postAll(...ids: string[]): Promise<void> {
  await rig.engine.ingest.many(
    ids.map((id) => JSON.stringify(event(id, id.split('-')[0]))),
    0,
  );
}
const states = async (handlerId: number, ...ids: string[]) =>
  Promise.all(ids.map(async (id) => (await rig.record(`${id}.${handlerId}`)).state));

describe('order', () => {
  test('starts the executions of a handler in the order of arrival', async () => {
    await rig.register({ concurrency: 5 });
    await postAll('c', 'a', 'd', 'b');
    const flight = await rig.sandbox.next();
    expect(subjects(flight.ids)).toEqual(['c', 'a', 'd', 'b']);
    expect(flight.batch).toMatchObject({ registrant: rig.caller.keyId, alone: false, handler: { name: 'h', version: 0, concurrency: 5 } });
    flight.end();
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ succeeded: 4 });
  });

  test('gives the sandbox what a run needs', async () => {
    const id = await rig.register();
    await rig.post({ _id: 'e', tags: ['own'], event_type: 'log_info', log_level: 30 });
    const { batch } = await rig.sandbox.next();
    expect(batch.executions).toEqual([
      {
        id: `e.${id}`,
        attempt: 1,
        input: await store.events.get('e'),
        tags: ['own', 'log_info', 'level:warning', expect.any(String)].slice(0, 3),
        emitPrefix: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{23}$/),
      },
    ]);
  });

  test('runs one execution of an ordering key at a time, in the order of arrival', async () => {
    await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1', 'a-2', 'b-1', 'a-3', 'b-2');
    const first = await rig.sandbox.next();
    expect(subjects(first.ids)).toEqual(['a-1', 'b-1']);
    first.end(ok(), first.ids.slice(0, 1));
    const second = await rig.sandbox.next();
    expect(subjects(second.ids)).toEqual(['a-2']);
    first.end();
    const third = await rig.sandbox.next();
    expect(subjects(third.ids)).toEqual(['b-2']);
    second.end();
    expect(subjects((await rig.sandbox.next()).ids)).toEqual(['a-3']);
  });

  test('a retry holds back the later ones of its key; other keys go on', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1', 'a-2', 'b-1');
    const first = await rig.sandbox.next();
    first.end((execution) => (execution === `a-1.${id}` ? fail() : ok()));
    await rig.quiet();
    await postAll('b-2', 'a-3');
    const second = await rig.sandbox.next();
    expect(subjects(second.ids)).toEqual(['b-2']);
    second.end();
    await rig.quiet();
    expect(rig.sandbox.underWay).toEqual([]);
    rig.clock.advance(549);
    await rig.quiet();
    expect(rig.sandbox.underWay).toEqual([]);
    rig.clock.advance(1);
    const third = await rig.sandbox.next();
    expect([subjects(third.ids), third.batch.executions[0]?.attempt]).toEqual([['a-1'], 2]);
    third.end();
    rig.sandbox.script = () => ok();
    await rig.engine.dispatcher.idle();
    expect(subjects(rig.sandbox.started)).toEqual(['a-1', 'b-1', 'b-2', 'a-1', 'a-2', 'a-3']);
  });

  test('a retry that is not held by an order lets the others pass', async () => {
    const id = await rig.register({ concurrency: 10 });
    await postAll('a-1', 'a-2');
    (await rig.sandbox.next()).end((execution) => (execution === `a-1.${id}` ? fail() : ok()));
    await postAll('a-3');
    (await rig.sandbox.next()).end();
    await rig.quiet();
    expect(await states(id, 'a-1', 'a-2', 'a-3')).toEqual(['pending', 'succeeded', 'succeeded']);
    rig.clock.advance(550);
    (await rig.sandbox.next()).end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a-1')).toEqual(['succeeded']);
  });

  test('order per key holds over a restart, also for a retry whose time has not come', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1', 'a-2');
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    const { clock } = rig;
    await rig.stop();
    rig = await startEngine(store, { clock });
    expect(await rig.engine.dispatcher.recover()).toBe(0);
    await rig.quiet();
    expect(rig.sandbox.started).toEqual([]);
    rig.clock.advance(10_000);
    (await rig.sandbox.next()).end();
    (await rig.sandbox.next()).end();
    await rig.engine.dispatcher.idle();
    expect(rig.sandbox.started).toEqual([`a-1.${id}`, `a-2.${id}`]);
  });

  test('goes on with a key when the retry that held it is canceled, or its event purged', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1', 'a-2', 'b-1', 'b-2');
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    await rig.engine.executions.cancel(`a-1.${id}`);
    const after = await rig.sandbox.next();
    expect(subjects(after.ids)).toEqual(['a-2']);
    after.end();
    await rig.quiet();
    // b-1 waits in memory; it runs although its event is gone, and b-2 after it.
    await store.events.archive({ ids: ['b-1'] }, 1);
    await store.events.purgeArchived(2);
    rig.sandbox.script = () => ok();
    rig.clock.advance(550);
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a-1', 'a-2', 'b-2')).toEqual(['canceled', 'succeeded', 'succeeded']);
  });

  test('keeps a key when time went on between the beginning of a claim and what it brings', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1');
    const flight = await rig.sandbox.next();
    const claim = rig.queue.claim;
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    rig.queue.claim = async (request) => {
      asked.resolve();
      await answer.promise;
      return claim(request);
    };
    rig.engine.dispatcher.wake(id, rig.clock.now());
    await asked.promise;
    rig.clock.advance(5);
    await postAll('a-2');
    answer.resolve();
    await rig.quiet();
    rig.clock.advance(1_000);
    await rig.quiet();
    expect(subjects(rig.sandbox.underWay)).toEqual(['a-1']);
    rig.sandbox.script = () => ok();
    flight.end();
    await rig.engine.dispatcher.idle();
    expect(subjects(rig.sandbox.started)).toEqual(['a-1', 'a-2']);
  });

  test('keeps the key of a retry whose claim was not answered, until it is put back', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1');
    const flight = await rig.sandbox.next();
    const claim = rig.queue.claim;
    let taken: Awaited<ReturnType<typeof claim>> | undefined;
    rig.queue.claim = async (request) => {
      taken ??= await claim(request);
      rig.queue.claim = claim;
      throw new Error('no answer');
    };
    flight.end(fail());
    await rig.quiet();
    await postAll('a-2');
    rig.clock.advance(1_000);
    await rig.quiet();
    expect([(await rig.record(`a-1.${id}`)).state, rig.sandbox.underWay]).toEqual(['leased', []]);
    rig.sandbox.script = () => ok();
    await store.queue.settle((taken?.leased ?? []).map(({ lease }) => ({ kind: 'released', lease })));
    rig.engine.dispatcher.wake(id, rig.clock.now());
    await rig.quiet();
    rig.clock.advance(1_000);
    await rig.engine.dispatcher.idle();
    expect(subjects(rig.sandbox.started)).toEqual(['a-1', 'a-1', 'a-2']);
  });

  test('gives up a retry that is purged while it waits in the store', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    await postAll('a-1', 'a-2');
    const claim = rig.queue.claim;
    rig.queue.claim = async (request) => {
      rig.queue.claim = claim;
      await store.events.archive({ ids: ['a-1'] }, 1);
      await store.events.purgeArchived(2);
      return claim(request);
    };
    (await rig.sandbox.next()).end(fail());
    (await rig.sandbox.next()).end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a-1', 'a-2')).toEqual(['canceled', 'succeeded']);
  });

  test('a retry comes back however much of its key waits in memory', async () => {
    const id = await rig.register({ ...byKey, concurrency: 10 });
    const ids = Array.from({ length: 9_000 }, (_, n) => `a-${n}`);
    await postAll(...ids);
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    rig.clock.advance(550);
    const again = await rig.sandbox.next();
    expect(again.batch.executions).toMatchObject([{ id: `a-0.${id}`, attempt: 2 }]);
  });
});

describe('bounds', () => {
  test('has two batches of a handler under way, and sizes them by what its runs take', async () => {
    await rig.register({ concurrency: 3 });
    await postAll(...Array.from({ length: 200 }, (_, n) => `e${n}`));
    const [first, second] = [await rig.sandbox.next(), await rig.sandbox.next()];
    expect([first.ids.length, second.ids.length]).toEqual([32, 32]);
    await rig.quiet();
    expect(rig.sandbox.flights).toHaveLength(2);
    first.end(ok({ startedAt: 0, finishedAt: 1_000 }));
    // One second each: no more than the concurrency goes out together.
    expect((await rig.sandbox.next()).ids).toHaveLength(3);
    second.end(ok({ startedAt: 0, finishedAt: 1_000 }));
    expect((await rig.sandbox.next()).ids).toHaveLength(3);
  });

  test('a slow handler does not hold back another one', async () => {
    await rig.register({ name: 'slow' });
    const quick = await rig.register({ name: 'quick' });
    rig.sandbox.script = (_, { handler }) => (handler.id === quick ? ok() : 'hold');
    await postAll(...Array.from({ length: 100 }, (_, n) => `e${n}`));
    await rig.quiet();
    await rig.quiet();
    expect((await store.queue.list({ handlerId: quick, state: 'succeeded' }, { limit: 200, cursor: null })).items).toHaveLength(100);
  });

  test('what was noted as pending is claimed before new ones are leased at once: none overtakes', async () => {
    await rig.register();
    const claim = rig.queue.claim;
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    rig.queue.claim = async (request) => {
      asked.resolve();
      await answer.promise;
      return claim(request);
    };
    const id = await rig.register({ name: 'other' });
    await rig.engine.dispatcher.idle();
    rig.engine.dispatcher.wake(id, rig.clock.now());
    await asked.promise;
    await postAll('a', 'b');
    expect(await states(id, 'a', 'b')).toEqual(['pending', 'pending']);
    answer.resolve();
    rig.sandbox.script = () => ok();
    for (const flight of rig.sandbox.flights) flight.end();
    await rig.engine.dispatcher.idle();
    expect(subjects(rig.sandbox.started.filter((one) => one.endsWith(`.${id}`)))).toEqual(['a', 'b']);
  });

  test('runs what was there at the start, in order, whatever comes in meanwhile', async () => {
    const id = await rig.register();
    await rig.handlers.setEnabled(id, false, rig.caller);
    await rig.handlers.setEnabled(id, true, rig.caller);
    await postAll('a', 'b', 'c');
    await rig.quiet();
    const { clock } = rig;
    const sandbox = new ScriptedSandbox(() => ok());
    rig = await startEngine(store, { clock, sandbox });
    expect(await rig.engine.dispatcher.recover()).toBe(3);
    await postAll('d', 'e');
    await rig.engine.dispatcher.idle();
    expect(subjects(sandbox.started)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 5 });
  });

  test('what found no room in memory goes on when a handler that filled it is disabled', async () => {
    const big = await rig.register({ name: 'big', filter: '{"event_type":"log_info"}' });
    const small = await rig.register({ name: 'small', filter: '{"event_type":"test"}' });
    rig.sandbox.script = (_, { handler }) => (handler.id === small ? ok() : 'hold');
    const text = 'x'.repeat(1_000_000);
    for (let n = 0; n < 70; n++) await rig.post({ _id: `big${n}`, event_type: 'log_info', event_data: { text } });
    await rig.post({ _id: 'e', event_type: 'test' });
    await rig.quiet();
    expect(await states(small, 'e')).toEqual(['pending']);
    await rig.handlers.setEnabled(big, false, rig.caller);
    await rig.quiet();
    expect(await states(small, 'e')).toEqual(['succeeded']);
  });

  test('gives back what it counted for events that were not stored', async () => {
    await rig.register();
    rig.sandbox.script = () => ok();
    await rig.post(event('e'));
    await rig.engine.dispatcher.idle();
    await Promise.all(Array.from({ length: 20 }, () => rig.engine.ingest.one(JSON.stringify(event('e')))));
    await rig.engine.dispatcher.idle();
    expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
    expect(rig.sandbox.started).toHaveLength(1);
  });

  test('holds nothing for events whose commit failed', async () => {
    const id = await rig.register();
    const append = store.events.append;
    store.events.append = () => Promise.reject(new Error('disk full'));
    await expect(rig.post(event('e'))).rejects.toThrow('disk full');
    store.events.append = append;
    await rig.engine.dispatcher.idle();
    expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
    await rig.post(event('e'));
    expect((await rig.sandbox.next()).ids).toEqual([`e.${id}`]);
  });
});

describe('pausing', () => {
  test('a disabled handler gives back what has not started, and goes on when it is enabled', async () => {
    const id = await rig.register();
    await postAll(...Array.from({ length: 70 }, (_, n) => `e${n}`));
    const [first, second] = [await rig.sandbox.next(), await rig.sandbox.next()];
    await rig.handlers.setEnabled(id, false, rig.caller);
    first.end();
    second.giveBack();
    await rig.quiet();
    expect(await store.queue.counts()).toMatchObject({ succeeded: 32, pending: 38, leased: 0 });
    expect((await rig.record(`e69.${id}`)).attempt).toBe(0);
    await rig.engine.dispatcher.idle();
    rig.sandbox.script = () => ok();
    await rig.handlers.setEnabled(id, true, rig.caller);
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ succeeded: 70, pending: 0 });
    expect(subjects(rig.sandbox.started).slice(64)).toEqual(Array.from({ length: 38 }, (_, n) => `e${n + 32}`));
  });

  test('a handler whose key is revoked stops, also for what is leased already', async () => {
    const other = await callerOf(rig.keys);
    const id = await rig.register({}, other);
    await postAll(...Array.from({ length: 40 }, (_, n) => `e${n}`));
    const flight = await rig.sandbox.next();
    await rig.keys.revoke(other.keyId, rig.caller);
    flight.giveBack();
    for (const one of rig.sandbox.flights) one.giveBack();
    await rig.quiet();
    expect(await store.queue.counts()).toMatchObject({ pending: 40, leased: 0 });
    rig.sandbox.script = () => ok();
    await rig.register({});
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'e0', 'e39')).toEqual(['succeeded', 'succeeded']);
  });

  test('runs each execution on the version it was planned for', async () => {
    await rig.register();
    await postAll('a');
    const first = await rig.sandbox.next();
    await rig.register();
    await postAll('b');
    first.giveBack();
    rig.sandbox.script = () => ok();
    await rig.engine.dispatcher.idle();
    const versions = rig.sandbox.flights.slice(1).map(({ ids, batch }) => [subjects(ids)[0], batch.handler.version]);
    expect(versions.toSorted()).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  test('tries again when a version cannot be read', async () => {
    const id = await rig.register();
    await postAll('a');
    const first = await rig.sandbox.next();
    await rig.register();
    const read = store.handlers.version;
    store.handlers.version = () => Promise.reject(new Error('busy'));
    first.giveBack();
    await rig.quiet();
    store.handlers.version = read;
    expect(rig.logs.join()).toContain('version could not be read');
    rig.clock.advance(500);
    (await rig.sandbox.next()).end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a')).toEqual(['succeeded']);
  });

  test('gives back again what the store would not take back', async () => {
    const id = await rig.register();
    await postAll('a');
    const flight = await rig.sandbox.next();
    const settle = rig.queue.settle;
    rig.queue.settle = () => Promise.reject(new Error('disk full'));
    await rig.handlers.setEnabled(id, false, rig.caller);
    flight.giveBack();
    await rig.quiet();
    expect(await states(id, 'a')).toEqual(['leased']);
    rig.queue.settle = settle;
    rig.clock.advance(500);
    await rig.quiet();
    expect(await states(id, 'a')).toEqual(['pending']);
    await rig.handlers.setEnabled(id, true, rig.caller);
    (await rig.sandbox.next()).end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a')).toEqual(['succeeded']);
  });
});

describe('what comes back from the sandbox', () => {
  test('suspects run one by one, each alone, and the innocent pay no attempt', async () => {
    const id = await rig.register({
      concurrency: 3,
      retry: { maxAttempts: 1, backoff: { firstMs: 1, factor: 1, maxMs: 1 }, maxAgeMs: null },
    });
    await postAll('a', 'b', 'c', 'd');
    const first = await rig.sandbox.next();
    first.suspect(first.ids.slice(0, 3));
    first.giveBack();
    rig.sandbox.script = ({ id: execution }, { alone }) => (execution === `b.${id}` && alone ? fail('crashed_runner') : ok());
    await rig.engine.dispatcher.idle();
    const again = rig.sandbox.flights.slice(1).map(({ ids, batch }) => [...subjects(ids), batch.alone]);
    expect(again).toEqual([
      ['a', true],
      ['b', true],
      ['c', true],
      ['d', false],
    ]);
    expect(await states(id, 'a', 'b', 'c', 'd')).toEqual(['succeeded', 'dead', 'succeeded', 'succeeded']);
    expect((await rig.record(`a.${id}`)).attempt).toBe(1);
  });

  test('a suspect keeps its key, and stays a suspect when it comes back unrun', async () => {
    await rig.register({ ...byKey, concurrency: 3 });
    await postAll('a-1', 'a-2', 'b-1');
    (await rig.sandbox.next()).suspect();
    const [a, b] = [await rig.sandbox.next(), await rig.sandbox.next()];
    expect([subjects(a.ids), subjects(b.ids), a.batch.alone, b.batch.alone]).toEqual([['a-1'], ['b-1'], true, true]);
    b.end();
    await rig.quiet();
    expect(subjects(rig.sandbox.underWay)).toEqual(['a-1']);
    a.giveBack();
    const again = await rig.sandbox.next();
    expect([subjects(again.ids), again.batch.alone]).toEqual([['a-1'], true]);
    again.end();
    expect(subjects((await rig.sandbox.next()).ids)).toEqual(['a-2']);
  });

  test('what was given back runs again, before what came later', async () => {
    const id = await rig.register();
    await postAll('a', 'b');
    const first = await rig.sandbox.next();
    await postAll('c');
    first.giveBack();
    rig.sandbox.script = () => ok();
    for (const flight of rig.sandbox.flights) flight.end();
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ succeeded: 3 });
    expect((await rig.record(`a.${id}`)).attempt).toBe(1);
  });

  test('tells the sandbox what is settled, and forgets its state when a lease was lost', async () => {
    const id = await rig.register();
    await postAll('a', 'b');
    const flight = await rig.sandbox.next();
    await store.queue.cancel(`a.${id}`, 0);
    flight.end(doing({ op: 'state.increment', key: 'n', by: 1 }));
    await rig.engine.dispatcher.idle();
    expect(rig.sandbox.told).toEqual([`a.${id}`, `b.${id}`]);
    expect(rig.sandbox.evicted).toEqual([id]);
    expect(await store.queue.state(id, 'n')).toBe('1');
    expect(await states(id, 'a', 'b')).toEqual(['canceled', 'succeeded']);
  });
});

describe('canceling', () => {
  test('ends what is under way, and what waits never starts', async () => {
    const id = await rig.register();
    await postAll(...Array.from({ length: 70 }, (_, n) => `e${n}`));
    await rig.sandbox.next();
    await rig.engine.executions.cancel(`e0.${id}`);
    await rig.engine.executions.cancel(`e69.${id}`);
    expect(rig.sandbox.aborted).toEqual([`e0.${id}`]);
    rig.sandbox.script = () => ok();
    for (const flight of rig.sandbox.flights) flight.end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'e0', 'e1', 'e69')).toEqual(['canceled', 'succeeded', 'canceled']);
    expect(rig.sandbox.started).not.toContain(`e69.${id}`);
    expect(rig.engine.dispatcher.load).toMatchObject({ held: 0, batches: 0 });
  });

  test('frees the key of what was under way', async () => {
    const id = await rig.register(byKey);
    await postAll('a-1', 'a-2');
    await rig.sandbox.next();
    await rig.engine.executions.cancel(`a-1.${id}`);
    const next = await rig.sandbox.next();
    expect(subjects(next.ids)).toEqual(['a-2']);
    next.end();
    await rig.engine.dispatcher.idle();
  });

  test('runs again what is replayed after it was canceled under way, on the current version', async () => {
    const id = await rig.register();
    await postAll('a');
    await rig.sandbox.next();
    await rig.engine.executions.cancel(`a.${id}`);
    await rig.register();
    await rig.engine.executions.replay(`a.${id}`);
    const again = await rig.sandbox.next();
    expect(again.batch).toMatchObject({ handler: { version: 1 }, executions: [{ id: `a.${id}`, attempt: 2 }] });
    again.end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a')).toEqual(['succeeded']);
  });
});

describe('stopping', () => {
  test('gives back what has not started, lets end what is under way, and loses nothing', async () => {
    const id = await rig.register();
    await postAll(...Array.from({ length: 70 }, (_, n) => `e${n}`));
    const [first, second] = [await rig.sandbox.next(), await rig.sandbox.next()];
    const stopped = rig.engine.stop();
    await rig.quiet();
    first.end();
    second.giveBack();
    await rig.quiet();
    await stopped;
    expect(await store.queue.counts()).toMatchObject({ succeeded: 32, pending: 38, leased: 0 });
    expect((await rig.record(`e69.${id}`)).attempts).toEqual([]);
  });

  test('waits for what is under way only so long', async () => {
    const id = await rig.register();
    await postAll('a');
    await rig.sandbox.next();
    const stopped = rig.engine.stop();
    await rig.quiet();
    rig.clock.advance(5_000);
    await stopped;
    expect(await states(id, 'a')).toEqual(['leased']);
  });

  test('takes nothing more in', async () => {
    await rig.engine.stop();
    await expect(rig.post(event('e'))).rejects.toMatchObject({ code: 'shutting_down' });
  });
});

describe('a store that fails', () => {
  test('claims again after a while', async () => {
    const id = await rig.register();
    await postAll('a');
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    const claim = rig.queue.claim;
    rig.queue.claim = () => Promise.reject(new Error('down'));
    rig.clock.advance(550);
    await rig.quiet();
    expect(rig.logs).toContain('warn: claiming failed');
    rig.queue.claim = claim;
    rig.clock.advance(500);
    (await rig.sandbox.next()).end();
    await rig.engine.dispatcher.idle();
    expect(await states(id, 'a')).toEqual(['succeeded']);
  });

  test('a retry that is claimed before its failure was told runs once', async () => {
    const id = await rig.register({ retry: { maxAttempts: 5, backoff: { firstMs: 0, factor: 1, maxMs: 0 }, maxAgeMs: null } });
    const settle = rig.queue.settle;
    const told = Promise.withResolvers<void>();
    await postAll('a');
    rig.queue.settle = async (settlements) => {
      const results = await settle(settlements);
      await told.promise;
      return results;
    };
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    rig.queue.settle = settle;
    rig.engine.dispatcher.wake(id, rig.clock.now());
    const again = await rig.sandbox.next();
    expect(again.batch.executions).toMatchObject([{ id: `a.${id}`, attempt: 2 }]);
    told.resolve();
    await rig.quiet();
    again.end();
    await rig.engine.dispatcher.idle();
    expect(await rig.record(`a.${id}`)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
  });
});
