import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import type { ExecutionRecord, Settlement } from '../../../src/ports/queue.ts';
import { callerOf, type Rig, startEngine } from '../../support/engine-rig.ts';
import { doing, emit, fail, ok } from '../../support/scripted-sandbox.ts';
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

const ONCE = { maxAttempts: 1, backoff: { firstMs: 1_000, factor: 2, maxMs: 60_000 }, maxAgeMs: null };
const MAILS = { notifyOnSuccess: 'good@lab.example', notifyOnFailure: 'bad@lab.example' };

/** Posts one event and ends its only execution so. */
async function run(id: string, outcome: ReturnType<typeof ok>): Promise<ExecutionRecord> {
  const handler = rig.handlers.list(null)[0]?.id;
  await rig.post({ _id: id });
  (await rig.sandbox.next()).end(outcome);
  await rig.quiet();
  return rig.record(`${id}.${handler}`);
}
const deliveries = async () => (await store.deliveries.list({}, { limit: 100, cursor: null })).items;

describe('outcomes', () => {
  test('a success is settled with its output, logs and times', async () => {
    await rig.register();
    const logs = [{ level: 'info' as const, message: 'seen', at: 5 }];
    expect(await run('e', ok({ output: '"done"', logs, startedAt: 1.5, finishedAt: 2.5 }))).toMatchObject({
      state: 'succeeded',
      output: '"done"',
      logs,
      startedAt: 1.5,
      finishedAt: 2.5,
      error: null,
    });
  });

  test.each(['thrown', 'timeout', 'memory', 'crashed_runner'] as const)('%s is tried again, until the budget is spent', async (reason) => {
    const id = await rig.register();
    expect(await run('e', fail(reason))).toMatchObject({ state: 'pending', error: { reason }, runAt: rig.clock.now() + 550 });
    rig.clock.advance(550);
    (await rig.sandbox.next()).end(fail(reason));
    await rig.quiet();
    expect(await rig.record(`e.${id}`)).toMatchObject({ state: 'pending', runAt: rig.clock.now() + 1_100 });
    rig.clock.advance(1_100);
    (await rig.sandbox.next()).end(fail(reason));
    await rig.quiet();
    const record = await rig.record(`e.${id}`);
    expect(record).toMatchObject({ state: 'dead', attempt: 3, error: { reason, line: 1, column: 2 } });
    expect(record.attempts).toHaveLength(3);
    rig.clock.advance(1_000_000);
    await rig.quiet();
    expect(rig.sandbox.started).toHaveLength(3);
  });

  test.each(['output_too_large', 'permission', 'rejected', 'load_failed', 'expired'] as const)(
    '%s is final at once: a repetition cannot mend it',
    async (reason) => {
      await rig.register();
      expect(await run('e', fail(reason))).toMatchObject({ state: 'dead', attempt: 1, error: { reason } });
    },
  );

  test('is not tried again beyond its age', async () => {
    await rig.register({ retry: { ...ONCE, maxAttempts: 9, maxAgeMs: 600 } });
    expect(await run('e', fail())).toMatchObject({ state: 'pending' });
    rig.clock.advance(550);
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    expect(await store.queue.counts()).toMatchObject({ dead: 1 });
  });

  test('a replayed one has its whole budget again', async () => {
    const id = await rig.register({ retry: { ...ONCE, maxAttempts: 2 } });
    await run('e', fail());
    rig.clock.advance(550);
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    await rig.engine.executions.replay(`e.${id}`);
    (await rig.sandbox.next()).end(fail());
    await rig.quiet();
    expect(await rig.record(`e.${id}`)).toMatchObject({ state: 'pending', attempt: 3 });
  });
});

describe('effects', () => {
  test('emitted events are stored with their executions, which run at once', async () => {
    const id = await rig.register({ tags: ['log_info'] });
    await rig.post({ _id: 'e', event_type: 'log_info' });
    const first = await rig.sandbox.next();
    const [prefix] = first.batch.executions.map(({ emitPrefix }) => emitPrefix);
    first.end(
      doing(
        emit({ event_type: 'log_info', event_data: { n: 1 } }),
        emit({ event_type: 'log_debug' }),
        emit({ _id: 'own', event_type: 'test' }),
      ),
    );
    const second = await rig.sandbox.next();
    expect(second.ids).toEqual([`${prefix}000.${id}`]);
    second.end();
    await rig.engine.dispatcher.idle();
    expect(JSON.parse((await store.events.get(`${prefix}001`)) as string)).toMatchObject({ event_type: 'log_debug' });
    expect(await store.events.get('own')).not.toBeNull();
    expect(await store.events.total()).toBe(4);
  });

  test('a repeated run emits the same events, and a replay new ones', async () => {
    const id = await rig.register({ filter: '{"event_type":"test"}' });
    await rig.post({ _id: 'e', event_type: 'test' });
    const settle = rig.queue.settle;
    rig.queue.settle = async (settlements) => {
      await settle(settlements);
      throw new Error('the answer was lost');
    };
    (await rig.sandbox.next()).end(doing(emit({ event_type: 'log_info' })));
    await rig.quiet();
    rig.queue.settle = settle;
    rig.clock.advance(100);
    await rig.engine.dispatcher.idle();
    expect(await store.events.total()).toBe(2);
    await rig.engine.executions.replay(`e.${id}`);
    (await rig.sandbox.next()).end(doing(emit({ event_type: 'log_info' })));
    await rig.engine.dispatcher.idle();
    expect(await store.events.total()).toBe(3);
  });

  test('a second attempt would emit under the same ids as the first', async () => {
    await rig.register();
    await rig.post({ _id: 'e' });
    const first = await rig.sandbox.next();
    first.end(fail());
    await rig.quiet();
    rig.clock.advance(550);
    const second = await rig.sandbox.next();
    expect(second.batch.executions).toMatchObject([{ attempt: 2, emitPrefix: first.batch.executions[0]?.emitPrefix }]);
  });

  test('state and mails are written with the outcome', async () => {
    const id = await rig.register();
    const mail = { op: 'mail' as const, to: 'a@lab.example', subject: 's', text: 't', html: null };
    await run('e', doing({ op: 'state.set', key: 'k', value: '1' }, mail, mail, { op: 'state.increment', key: 'n', by: 2 }));
    expect([await store.queue.state(id, 'k'), await store.queue.state(id, 'n')]).toEqual(['1', '2']);
    expect(await deliveries()).toMatchObject([{ kind: 'mail' }, { kind: 'mail' }]);
    expect(rig.mails.map(({ to }) => to)).toEqual(['a@lab.example', 'a@lab.example']);
  });

  const faults: { name: string; effects: Parameters<typeof doing>; reason: string; message: RegExp }[] = [
    {
      name: 'an event that is none',
      effects: [emit({ event_type: 'no such type' })],
      reason: 'rejected',
      message: /events\.emit: event_type/,
    },
    { name: 'an event that is no object', effects: [emit([1])], reason: 'rejected', message: /events\.emit/ },
    {
      name: 'a mail to no address',
      effects: [{ op: 'mail', to: 'nobody', subject: '', text: '', html: null }],
      reason: 'rejected',
      message: /mail\.send/,
    },
  ];
  test.each(faults)('$name fails the run for good, and nothing else of it happens', async ({ effects, reason, message }) => {
    const id = await rig.register({ notifyOnSuccess: 'a@lab.example' });
    const record = await run('e', doing({ op: 'state.set', key: 'k', value: '1' }, emit({ event_type: 'test', _id: 'good' }), ...effects));
    expect(record).toMatchObject({ state: 'dead', attempt: 1, output: null, error: { reason, message: expect.stringMatching(message) } });
    expect(await store.queue.state(id, 'k')).toBeNull();
    expect(await store.events.get('good')).toBeNull();
    expect(await deliveries()).toEqual([]);
  });

  test('names the place of the emit that was refused', async () => {
    await rig.register();
    expect((await run('e', doing(emit({ log_level: 7 })))).error).toMatchObject({ line: 3, column: 5 });
  });

  test('a chain of events is cut off at depth 8', async () => {
    await rig.register();
    rig.sandbox.script = () => doing(emit({ event_type: 'test' }));
    await rig.post({ _id: 'e' });
    await rig.engine.dispatcher.idle();
    expect(await store.events.total()).toBe(9);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 8, dead: 1 });
    const [last] = (await store.queue.list({ state: 'dead' }, { limit: 1, cursor: null })).items;
    expect(last?.error).toMatchObject({ reason: 'rejected', message: expect.stringContaining('loop') });
  });

  test('a key without events:write emits nothing', async () => {
    await rig.register({}, await callerOf(rig.keys, ['events:read']));
    expect(await run('e', doing(emit({ event_type: 'test' })))).toMatchObject({ state: 'dead', error: { reason: 'permission', line: 3 } });
    expect(await run('f', doing({ op: 'state.increment', key: 'n', by: 1 }))).toMatchObject({ state: 'succeeded' });
  });

  test('a key that was revoked while its handler ran causes nothing', async () => {
    const caller = await callerOf(rig.keys);
    const id = await rig.register({}, caller);
    await rig.post({ _id: 'e' });
    const flight = await rig.sandbox.next();
    await rig.keys.revoke(caller.keyId, rig.caller);
    flight.end(doing({ op: 'state.set', key: 'k', value: '1' }));
    await rig.quiet();
    expect(await rig.record(`e.${id}`)).toMatchObject({ state: 'dead', error: { reason: 'permission' } });
    expect(await store.queue.state(id, 'k')).toBeNull();
  });

  test('nothing of a canceled run happens', async () => {
    const id = await rig.register(MAILS);
    await rig.post({ _id: 'e' });
    const flight = await rig.sandbox.next();
    await store.queue.cancel(`e.${id}`, 1);
    flight.end(doing({ op: 'state.set', key: 'k', value: '1' }, emit({ _id: 'x', event_type: 'test' })));
    await rig.engine.dispatcher.idle();
    expect([await store.queue.state(id, 'k'), await store.events.get('x'), await deliveries()]).toEqual([null, null, []]);
    expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
  });
});

describe('mails', () => {
  test('one for a success', async () => {
    await rig.register(MAILS);
    await run('e', ok({ output: '"all well"' }));
    expect(rig.mails).toHaveLength(1);
    expect(rig.mails[0]).toMatchObject({ to: 'good@lab.example', text: expect.stringMatching(/^all well\n/) });
  });

  test('none for a retry, and one when it is dead', async () => {
    await rig.register({ ...MAILS, retry: { ...ONCE, maxAttempts: 2 } });
    await run('e', fail('thrown', 'boom'));
    expect(await deliveries()).toEqual([]);
    rig.clock.advance(550);
    (await rig.sandbox.next()).end(fail('thrown', 'boom'));
    await rig.quiet();
    expect(rig.mails).toHaveLength(1);
    expect(rig.mails[0]).toMatchObject({ to: 'bad@lab.example', text: expect.stringContaining('boom') });
  });

  test('none when nobody asked for one', async () => {
    await rig.register({ retry: ONCE });
    await run('e', ok());
    await run('f', fail());
    expect(await deliveries()).toEqual([]);
  });

  test('one more for each replay', async () => {
    const id = await rig.register(MAILS);
    await run('e', ok());
    await rig.engine.executions.replay(`e.${id}`);
    (await rig.sandbox.next()).end(ok());
    await rig.quiet();
    expect(rig.mails).toHaveLength(2);
    expect(new Set(rig.mails.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test('one although its commit was tried twice', async () => {
    await rig.register(MAILS);
    const settle = rig.queue.settle;
    rig.queue.settle = async (settlements) => {
      rig.queue.settle = settle;
      await settle(settlements);
      throw new Error('the answer was lost');
    };
    await run('e', ok());
    rig.clock.advance(100);
    await rig.engine.dispatcher.idle();
    await rig.engine.delivering.idle();
    expect(await deliveries()).toHaveLength(1);
  });
});

describe('execution.on_failure', () => {
  test('fires once for a dead execution, with what failed', async () => {
    await rig.register({ retry: { ...ONCE, maxAttempts: 2 }, tags: [], name: 'failing' });
    const watcher = await rig.register({ hook: 'execution.on_failure', name: 'watcher' });
    await run('e', fail('thrown', 'boom'));
    expect(rig.sandbox.underWay).toEqual([]);
    rig.clock.advance(550);
    (await rig.sandbox.next()).end(fail('thrown', 'boom'));
    const flight = await rig.sandbox.next();
    expect(flight.batch.handler.id).toBe(watcher);
    expect(JSON.parse(flight.batch.executions[0]?.input as string)).toMatchObject({
      execution: { hook: 'event.on_ingest', event_id: 'e', attempt: 2 },
      handler: { name: 'failing' },
      error: { reason: 'thrown', message: 'boom', line: 1 },
      event: { _id: 'e' },
    });
    flight.end();
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ dead: 1, succeeded: 1 });
  });

  test('does not fire for the failure of a failure handler', async () => {
    await rig.register({ retry: ONCE });
    await rig.register({ hook: 'execution.on_failure', name: 'watcher', retry: ONCE });
    rig.sandbox.script = () => fail();
    await rig.post({ _id: 'e' });
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ dead: 2, pending: 0 });
  });

  test('fires for what a failure handler emitted only down to the depth bound', async () => {
    await rig.register({ retry: ONCE });
    await rig.register({ hook: 'execution.on_failure', name: 'watcher', retry: ONCE });
    rig.sandbox.script = (_, { handler }) => (handler.name === 'watcher' ? doing(emit({ event_type: 'test' })) : fail());
    await rig.post({ _id: 'e' });
    await rig.engine.dispatcher.idle();
    expect(await store.events.total()).toBeLessThanOrEqual(9);
    expect(await store.queue.counts()).toMatchObject({ pending: 0, leased: 0 });
  });

  test('fires nothing when its lease was lost', async () => {
    const id = await rig.register({ retry: ONCE });
    await rig.register({ hook: 'execution.on_failure', name: 'watcher' });
    await rig.post({ _id: 'e' });
    const flight = await rig.sandbox.next();
    await store.queue.cancel(`e.${id}`, 1);
    flight.end(fail());
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ canceled: 1, pending: 0, leased: 0 });
    expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
  });
});

describe('a store that fails', () => {
  test('outcomes wait until it takes them, with all they cause', async () => {
    const id = await rig.register(MAILS);
    const settle = rig.queue.settle;
    rig.queue.settle = () => Promise.reject(new Error('disk full'));
    await rig.post({ _id: 'e' });
    (await rig.sandbox.next()).end(doing({ op: 'state.increment', key: 'n', by: 1 }));
    await rig.quiet();
    for (const wait of [100, 200, 500, 1_000, 2_000, 5_000, 5_000]) {
      rig.clock.advance(wait);
      await rig.quiet();
    }
    expect((await rig.record(`e.${id}`)).state).toBe('leased');
    rig.queue.settle = settle;
    rig.clock.advance(5_000);
    await rig.engine.dispatcher.idle();
    expect(await rig.record(`e.${id}`)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(await store.queue.state(id, 'n')).toBe('1');
    await rig.engine.delivering.idle();
    expect(rig.mails).toHaveLength(1);
  });

  /** Waits as long as an outcome is tried before it may be buried, and a little more. */
  async function tryOften(): Promise<void> {
    for (const wait of [100, 200, 500, 1_000, 2_000, 5_000, 5_000]) {
      rig.clock.advance(wait);
      await rig.quiet();
    }
  }
  const refuse = (isRefused: (settlement: Settlement) => boolean, error: Error): void => {
    const settle = rig.queue.settle;
    rig.queue.settle = (settlements) => (settlements.some(isRefused) ? Promise.reject(error) : settle(settlements));
  };

  test('what it never takes, while it takes other writes, is buried with the reason, and tells of it like any failure', async () => {
    const id = await rig.register({ ...MAILS, retry: { ...ONCE, maxAttempts: 5 } });
    const watcher = await rig.register({ hook: 'execution.on_failure', name: 'watcher' });
    refuse(({ kind }) => kind === 'succeeded', new Error('cannot be written'));
    await rig.post({ _id: 'e' });
    (await rig.sandbox.next()).end(doing({ op: 'state.increment', key: 'n', by: 1 }, emit({ _id: 'x', event_type: 'test' })));
    await rig.quiet();
    rig.sandbox.script = () => fail();
    await tryOften();
    expect(await rig.record(`e.${id}`)).toMatchObject({
      state: 'dead',
      attempt: 1,
      error: { reason: 'rejected', message: expect.stringContaining('does not take') },
    });
    expect([await store.queue.state(id, 'n'), await store.events.get('x')]).toEqual([null, null]);
    expect((await store.queue.list({ handlerId: watcher }, { limit: 9, cursor: null })).items).toHaveLength(1);
    await rig.engine.delivering.idle();
    expect(rig.mails).toHaveLength(1);
    expect(rig.mails[0]?.to).toBe('bad@lab.example');
  });

  test('what is too large for it is buried at once', async () => {
    const id = await rig.register();
    refuse(({ kind }) => kind === 'succeeded', new EngineError('body_too_large', 'MongoDB keeps documents of at most 16 MiB.'));
    expect(await run('e', ok())).toMatchObject({
      state: 'dead',
      error: { reason: 'output_too_large', message: expect.stringContaining('16 MiB') },
    });
    await rig.engine.dispatcher.idle();
    expect(rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
    expect((await rig.record(`e.${id}`)).attempt).toBe(1);
  });

  test('when it is the mail about the failure that cannot be written, the execution is dead without it', async () => {
    const id = await rig.register({ ...MAILS, retry: ONCE });
    refuse((settlement) => settlement.kind !== 'released' && settlement.deliveries.length > 0, new Error('cannot be written'));
    await rig.post({ _id: 'e' });
    (await rig.sandbox.next()).end(ok());
    await rig.quiet();
    await tryOften();
    await rig.engine.dispatcher.idle();
    expect(await rig.record(`e.${id}`)).toMatchObject({ state: 'dead', error: { reason: 'rejected' }, logs: [] });
    expect(await deliveries()).toEqual([]);
  });

  test('a full disk buries nothing, however long it lasts', async () => {
    const id = await rig.register();
    const settle = rig.queue.settle;
    rig.queue.settle = ([first, ...more]) => {
      if (first?.kind === 'dead') return settle([first, ...more]);
      return Promise.reject(new EngineError('store_full', 'The disk is full.'));
    };
    await rig.post({ _id: 'e' });
    (await rig.sandbox.next()).end(ok());
    await rig.quiet();
    for (let round = 0; round < 5; round++) await tryOften();
    expect((await rig.record(`e.${id}`)).state).toBe('leased');
    rig.queue.settle = settle;
    rig.clock.advance(5_000);
    await rig.engine.dispatcher.idle();
    expect((await rig.record(`e.${id}`)).state).toBe('succeeded');
  });

  test('one that it refuses for good does not hold the others back', async () => {
    const id = await rig.register({ concurrency: 10, orderingKey: 'event_data.key' });
    const settle = rig.queue.settle;
    const poison = `a-1.${id}`;
    rig.queue.settle = (settlements) =>
      settlements.some(({ lease }) => lease.executionId === poison) ? Promise.reject(new Error('cannot be written')) : settle(settlements);
    await rig.engine.ingest.many(
      ['a-1', 'b-1', 'c-1', 'b-2', 'a-2'].map((_id) => JSON.stringify({ _id, event_data: { key: _id[0] } })),
      0,
    );
    const first = await rig.sandbox.next();
    first.end((execution) => (execution.startsWith('c-1') ? fail() : ok()));
    await rig.quiet();
    rig.clock.advance(100);
    rig.sandbox.script = () => ok();
    await rig.quiet();
    expect((await rig.record(`b-2.${id}`)).state).toBe('succeeded');
    rig.clock.advance(550);
    await rig.quiet();
    expect((await rig.record(`c-1.${id}`)).state).toBe('succeeded');
    expect((await rig.record(poison)).state).toBe('leased');
    rig.queue.settle = settle;
    rig.clock.advance(10_000);
    await rig.engine.dispatcher.idle();
    expect(await store.queue.counts()).toMatchObject({ succeeded: 5 });
  });
});
