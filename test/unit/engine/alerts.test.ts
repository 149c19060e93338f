import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../src/core/execution.ts';
import type { ExecutionRecord } from '../../../src/ports/queue.ts';
import { callerOf, type Rig, startEngine } from '../../support/engine-rig.ts';
import { doing } from '../../support/scripted-sandbox.ts';
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

const raise = (over: Partial<Extract<Effect, { op: 'alert' }>> = {}): Effect => ({
  op: 'alert',
  event: null,
  to: null,
  importance: null,
  line: 7,
  column: 3,
  ...over,
});
const CRITICAL = { log_level: 50, alert: true, event_type: 'log_critical', event_data: { message: 'x' } };
const deliveries = async () => (await store.deliveries.list({}, { limit: 100, cursor: null })).items;

/** Posts an event, whose handler does this. */
async function run(members: { _id: string } & Record<string, unknown>, ...effects: Effect[]): Promise<ExecutionRecord> {
  const [handler] = rig.handlers.list(null);
  await rig.post(members);
  (await rig.sandbox.next()).end(doing(...effects));
  await rig.quiet();
  return rig.record(`${members._id}.${handler?.id}`);
}

describe('ctx.alerts.raise', () => {
  test('writes a mail in the commit of the outcome, and sends it', async () => {
    await rig.register();
    expect(await run({ _id: 'e', event_data: [1.0] }, raise())).toMatchObject({ state: 'succeeded' });
    expect(await deliveries()).toMatchObject([
      {
        kind: 'alert',
        to: 'alerts@lab.example',
        executionId: expect.stringMatching(/^e\./),
        state: 'sent',
        subject: 'ALERT (EventLogLevel.INFO): EventType.UNKNOWN',
      },
    ]);
    expect(rig.mails).toMatchObject([{ headers: { Importance: 'Normal', 'X-Priority': '5', 'X-MADSci-Event-ID': 'e' } }]);
  });

  test('M3 tells each address of an event once: raised twice, by two handlers, replayed', async () => {
    await rig.register({ name: 'one' });
    await rig.register({ name: 'two' });
    await rig.post({ _id: 'e' });
    for (let n = 0; n < 2; n++) (await rig.sandbox.next()).end(doing(raise(), raise({ importance: 'High' })));
    await rig.quiet();
    expect(rig.mails).toHaveLength(1);
    for (const handler of rig.handlers.list(null)) {
      await rig.engine.executions.replay(`e.${handler.id}`);
      (await rig.sandbox.next()).end(doing(raise()));
      await rig.quiet();
    }
    expect(rig.mails).toHaveLength(1);
    expect(await deliveries()).toHaveLength(1);
  });

  test('names its own addresses and importance', async () => {
    await rig.register();
    await run({ _id: 'e' }, raise({ to: ['ada@lab.example', 'ben@lab.example'], importance: 'Low' }));
    expect(rig.mails.map(({ to, headers }) => [to, headers?.['X-Priority']])).toEqual([
      ['ada@lab.example', '3'],
      ['ben@lab.example', '3'],
    ]);
  });

  test('is about another event too: its text counts, and without an id it gets one that a repeated run gives again', async () => {
    await rig.register();
    await run({ _id: 'e' }, raise({ event: '{"log_level":40,"event_data":{"of":"its own"}}' }), raise({ event: '{"_id":"o"}' }));
    const [own, other] = rig.mails.map(({ headers }) => headers?.['X-MADSci-Event-ID'] ?? '');
    expect(own).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(other).toBe('o');
    expect(rig.mails[0]?.text).toContain('"of": "its own"');
  });

  test.each([
    { what: raise({ importance: 'urgent' }), message: 'alerts.raise: importance is High, Normal, Low' },
    { what: raise({ to: ['a@b.example, c@d.example'] }), message: /^alerts\.raise: one address per field/ },
    { what: raise({ event: '{"log_level":41}' }), message: /^alerts\.raise: log_level: / },
  ])('is refused, with its place in the source and without any effect: $message', async ({ what, message }) => {
    await rig.register();
    const error = { reason: 'rejected', message: expect.stringMatching(message), line: 7, column: 3 };
    expect(await run({ _id: 'e' }, raise(), what)).toMatchObject({ state: 'dead', error });
    expect(await deliveries()).toEqual([]);
  });

  test('needs the scope alerts:write', async () => {
    await rig.register({}, await callerOf(rig.keys, ['handlers:write', 'events:write']));
    const error = { reason: 'permission', message: 'alerts.raise needs a key with the scope alerts:write.', line: 7, column: 3 };
    expect(await run({ _id: 'e' }, raise())).toMatchObject({ state: 'dead', error });
    await rig.register({}, await callerOf(rig.keys, ['alerts:write']));
    expect(await run({ _id: 'f' }, raise())).toMatchObject({ state: 'succeeded' });
  });

  test('that reaches nobody says what to set', async () => {
    await rig.stop();
    rig = await startEngine(store, { alertAddresses: [] });
    await rig.register();
    expect(await run({ _id: 'e' }, raise())).toMatchObject({
      state: 'dead',
      error: { message: expect.stringContaining('set EVENT_EMAIL_ALERTS') },
    });
    expect(await run({ _id: 'f' }, raise({ to: ['ada@lab.example'] }))).toMatchObject({ state: 'succeeded' });
    expect(rig.mails).toMatchObject([{ to: 'ada@lab.example' }]);
  });
});

describe('M56 the two posts of log_alert', () => {
  const times = ['2026-03-01T00:00:00.000100', '2026-03-01T00:00:00.004321'];
  const one = (n: number, over: object = {}) => ({ _id: `e${n}`, event_timestamp: times[(n + 1) % 2], ...CRITICAL, ...over });

  test('are one alert; two calls are two', async () => {
    await rig.register();
    for (const n of [1, 2, 3, 4]) expect(await run(one(n), raise())).toMatchObject({ state: 'succeeded' });
    expect(rig.mails.map(({ headers }) => headers?.['X-MADSci-Event-ID'])).toEqual(['e1', 'e3']);
  });

  test('stay one over a restart and a replay of either', async () => {
    const handler = await rig.register();
    await run(one(1), raise());
    await rig.stop();
    rig = await startEngine(store);
    await run(one(2), raise());
    for (const id of ['e2', 'e1']) {
      await rig.engine.executions.replay(`${id}.${handler}`);
      (await rig.sandbox.next()).end(doing(raise()));
      await rig.quiet();
    }
    expect(rig.mails).toEqual([]);
    expect(await deliveries()).toMatchObject([{ executionId: `e1.${handler}`, state: 'sent' }]);
  });

  test('are two where one of them differs in more than id and time', async () => {
    await rig.register();
    await run(one(1), raise());
    await run(one(2, { event_data: { message: 'y' } }), raise());
    await run(one(4, { alert: false }), raise());
    expect(rig.mails).toHaveLength(3);
  });

  test('are decided when the store is there again, once', async () => {
    await rig.register();
    const real = store.alerts.isTwin;
    let asked = 0;
    store.alerts.isTwin = async (...args) => {
      if (asked++ === 0) throw new Error('gone');
      return real(...args);
    };
    try {
      await rig.post(one(1));
      (await rig.sandbox.next()).end(doing(raise()));
      await rig.quiet();
      expect(await deliveries()).toEqual([]);
      rig.clock.advance(100);
      await rig.quiet();
      expect(await deliveries()).toHaveLength(1);
    } finally {
      store.alerts.isTwin = real;
    }
  });
});
