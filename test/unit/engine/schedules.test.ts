import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HandlerRegistration } from '../../../src/engine/handlers.ts';
import { type Rig, startEngine } from '../../support/engine-rig.ts';
import { ok, ScriptedSandbox } from '../../support/scripted-sandbox.ts';
import { shareStore } from '../../support/shared-store.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 2, 1);
const EVERY_MINUTE: Partial<HandlerRegistration> = { hook: 'schedule.cron', schedule: { cron: '* * * * *', timezone: 'UTC' } };

let store: TestStore;
let rig: Rig;
let clock: HandClock;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(async () => {
  await store.clear();
  clock = new HandClock(START + 500);
  rig = await start();
});
afterEach(() => rig.stop());

const start = (): Promise<Rig> => startEngine(store, { clock, sandbox: new ScriptedSandbox(() => ok()) });

async function tick(on: Rig = rig): Promise<void> {
  on.tick();
  for (let n = 0; n < 3; n++) await on.quiet();
}
/** Lets the time go on in steps, with a tick after each. */
async function pass(ms: number, step = 10_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(step);
    await tick();
  }
}
/** What ran, as minutes after the start. */
const ran = (): number[] => rig.sandbox.flights.flatMap(({ batch }) => batch.executions.map(({ input }) => minutesOf(input)));
const minutesOf = (input: string): number => (Date.parse((JSON.parse(input) as { scheduled_at: string }).scheduled_at) - START) / MINUTE;
const payloads = (): unknown[] => rig.sandbox.flights.flatMap(({ batch }) => batch.executions.map(({ input }) => JSON.parse(input)));
/** The executions that the store has, as minutes, whichever server made them. */
async function stored(): Promise<number[]> {
  const { items } = await store.queue.list({ hook: 'schedule.cron' }, { limit: 1_000, cursor: null });
  const inputs = await Promise.all(items.map(async ({ id }) => (await store.queue.get(id))?.input ?? ''));
  return inputs.map(minutesOf).sort((a, b) => a - b);
}

describe('a handler on schedule.cron', () => {
  test('runs at each instant of its schedule, once', async () => {
    await rig.register(EVERY_MINUTE);
    await pass(5 * MINUTE);
    expect(ran()).toEqual([1, 2, 3, 4, 5]);
    expect(await store.queue.counts()).toMatchObject({ succeeded: 5, pending: 0, leased: 0 });
  });

  test('is told the instant, the one before, and its schedule', async () => {
    const id = await rig.register(EVERY_MINUTE);
    await pass(2 * MINUTE);
    const schedule = { cron: '* * * * *', timezone: 'UTC' };
    expect(payloads()).toEqual([
      { scheduled_at: '2026-03-01T00:01:00.000Z', previous_at: null, ...schedule },
      { scheduled_at: '2026-03-01T00:02:00.000Z', previous_at: '2026-03-01T00:01:00.000Z', ...schedule },
    ]);
    expect(await rig.record(`cron-${id}-20260301T000100Z.${id}`)).toMatchObject({
      state: 'succeeded',
      hook: 'schedule.cron',
      handlerId: id,
    });
  });

  test('does not run when another one is due', async () => {
    const daily = await rig.register({ ...EVERY_MINUTE, name: 'daily', schedule: { cron: '0 7 * * *', timezone: 'UTC' }, tags: ['x'] });
    const other = await rig.register({ ...EVERY_MINUTE, name: 'other' });
    await pass(3 * MINUTE);
    expect(rig.sandbox.flights.map(({ batch }) => batch.handler.id)).toEqual([other, other, other]);
    expect(rig.sandbox.flights.some(({ batch }) => batch.handler.id === daily)).toBe(false);
  });

  test('has its own tags, whatever they are', async () => {
    await rig.register({ ...EVERY_MINUTE, tags: ['night', 'report'] });
    await pass(MINUTE);
    expect(rig.sandbox.flights[0]?.batch.executions[0]?.tags).toEqual(['night', 'report']);
  });

  test('runs on its own clock, also over a change of it', async () => {
    clock.jump(Date.UTC(2026, 9, 24, 12) - clock.now());
    await rig.register({ ...EVERY_MINUTE, schedule: { cron: '30 1 * * *', timezone: 'Europe/London' } });
    await pass(48 * HOUR, 10 * MINUTE);
    expect(payloads().map((payload) => (payload as { scheduled_at: string }).scheduled_at)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  test('runs each second when it is asked to', async () => {
    await rig.register({ ...EVERY_MINUTE, schedule: { cron: '* * * * * *', timezone: 'UTC' } });
    await pass(5_000, 1_000);
    expect(payloads()).toHaveLength(5);
  });

  test('keeps the order of its key', async () => {
    await rig.register({ ...EVERY_MINUTE, orderingKey: 'timezone' });
    await pass(2 * MINUTE);
    expect(ran()).toEqual([1, 2]);
  });
});

describe('what is not to run', () => {
  test('a disabled one does not, and what it missed is not made up for', async () => {
    const id = await rig.register(EVERY_MINUTE);
    await pass(MINUTE);
    await rig.handlers.setEnabled(id, false, rig.caller);
    await pass(5 * MINUTE);
    await rig.handlers.setEnabled(id, true, rig.caller);
    await pass(2 * MINUTE);
    expect(ran()).toEqual([1, 7, 8]);
    expect(payloads().at(1)).toMatchObject({ previous_at: '2026-03-01T00:01:00.000Z' });
  });

  test('one that is registered disabled does not', async () => {
    await rig.register({ ...EVERY_MINUTE, enabled: false });
    await pass(2 * MINUTE);
    expect(ran()).toEqual([]);
  });

  test('one whose key was revoked does not', async () => {
    const id = await rig.register(EVERY_MINUTE, rig.caller);
    await pass(MINUTE);
    await rig.keys.create({ name: 'other admin', scopes: ['admin'], expiresAt: null }, rig.caller);
    await rig.keys.revoke(rig.caller.keyId, rig.caller);
    await pass(3 * MINUTE);
    expect(ran()).toEqual([1]);
    expect(rig.engine.schedules.nextRuns(rig.handlers.get(id), 5)).toEqual([]);
  });

  test('one that was deregistered does not, and its plan goes with it', async () => {
    const id = await rig.register(EVERY_MINUTE);
    await rig.register({ ...EVERY_MINUTE, name: 'other', schedule: { cron: '0 0 * * *', timezone: 'UTC' } });
    await pass(MINUTE);
    await rig.handlers.deregister(id, rig.caller);
    await pass(3 * MINUTE);
    expect(ran()).toEqual([1]);
    expect((await store.schedules.all()).map(({ handlerId }) => handlerId)).not.toContain(id);
  });

  test('one that was replaced runs by its new schedule at once', async () => {
    const id = await rig.register({ ...EVERY_MINUTE, schedule: { cron: '0 0 * * *', timezone: 'UTC' } });
    await pass(MINUTE);
    expect(await store.schedules.all()).toMatchObject([{ handlerId: id, nextAt: START + 24 * HOUR }]);
    await rig.register(EVERY_MINUTE);
    await tick();
    expect(await store.schedules.all()).toMatchObject([{ handlerId: id, nextAt: START + 2 * MINUTE }]);
    await pass(MINUTE);
    expect(ran()).toEqual([2]);
  });

  test('nothing ticks while there is no schedule', async () => {
    await rig.register();
    await pass(MINUTE);
    expect(await store.schedules.all()).toEqual([]);
  });
});

describe('a server that was down', () => {
  test('makes up for the last run that it missed, once', async () => {
    await rig.register(EVERY_MINUTE);
    await pass(2 * MINUTE);
    await rig.stop();
    clock.advance(10 * MINUTE);
    rig = await start();
    await tick();
    expect(ran()).toEqual([12]);
    expect(payloads()).toMatchObject([{ previous_at: '2026-03-01T00:02:00.000Z' }]);
    expect(rig.logs).toEqual([]);
    await pass(MINUTE);
    expect(await stored()).toEqual([1, 2, 12, 13]);
  });

  test('says so when it is more than a minute late', async () => {
    await rig.register({ ...EVERY_MINUTE, schedule: { cron: '0 * * * *', timezone: 'UTC' } });
    await tick();
    await rig.stop();
    clock.advance(HOUR + 5 * MINUTE);
    rig = await start();
    await tick();
    expect(rig.logs).toEqual(['info: a scheduled run that was missed is made up for']);
  });

  test('fires once what it had fired when it died before it could note it', async () => {
    const id = await rig.register(EVERY_MINUTE);
    await tick();
    const [planned] = await store.schedules.all();
    await pass(MINUTE);
    await rig.stop();
    if (planned === undefined) throw new Error('nothing planned');
    await store.schedules.put([planned]);
    rig = await start();
    await pass(MINUTE);
    expect(await stored()).toEqual([1, 2]);
    expect(await store.schedules.all()).toMatchObject([{ handlerId: id, nextAt: START + 3 * MINUTE, previousAt: START + 2 * MINUTE }]);
  });

  test('makes up for it also when the handler got other code meanwhile', async () => {
    await rig.register({ ...EVERY_MINUTE, schedule: { cron: '0 * * * *', timezone: 'UTC' } });
    await tick();
    await rig.stop();
    clock.advance(HOUR + 5 * MINUTE);
    rig = await start();
    await rig.register({ ...EVERY_MINUTE, schedule: { cron: '0 * * * *', timezone: 'UTC' }, code: 'export default () => 2' });
    await tick();
    expect(ran()).toEqual([60]);
  });

  test('does not make up for what came while the handler was off', async () => {
    const id = await rig.register(EVERY_MINUTE);
    await pass(MINUTE);
    await rig.handlers.setEnabled(id, false, rig.caller);
    await rig.stop();
    clock.advance(5 * MINUTE);
    rig = await start();
    await tick();
    clock.advance(5 * MINUTE);
    await rig.handlers.setEnabled(id, true, rig.caller);
    await pass(MINUTE);
    expect(await stored()).toEqual([1, 12]);
  });

  test('fires what came between a registration and a crash before it was planned', async () => {
    await rig.register(EVERY_MINUTE);
    await rig.stop();
    clock.advance(90_000);
    rig = await start();
    await tick();
    expect(ran()).toEqual([1]);
  });

  test('fires nothing while the store fails, and what is due afterwards', async () => {
    await rig.register(EVERY_MINUTE);
    await pass(MINUTE);
    const { fire } = rig.queue;
    rig.queue.fire = () => Promise.reject(new Error('disk full'));
    await pass(2 * MINUTE);
    expect(rig.logs).toContain('warn: schedules could not be looked at; they are tried again');
    rig.queue.fire = fire;
    await pass(MINUTE);
    // The third is the last that was missed.
    expect(ran()).toEqual([1, 3, 4]);
  });
});

test('what fails for one handler holds up no other', async () => {
  const ids: number[] = [];
  for (let n = 0; n < 60; n++) ids.push(await rig.register({ ...EVERY_MINUTE, name: `h${n}` }));
  const { fire } = rig.queue;
  rig.queue.fire = (plan) => (plan.firing.id.startsWith(`cron-${ids[0]}-`) ? Promise.reject(new Error('not this one')) : fire(plan));
  await pass(MINUTE);
  await tick();
  expect(rig.sandbox.flights.map(({ batch }) => batch.handler.id).sort((a, b) => a - b)).toEqual(ids.slice(1));
  rig.queue.fire = fire;
  await tick();
  expect(rig.sandbox.flights.at(-1)?.batch.handler.id).toBe(ids[0]);
  expect(await stored()).toEqual(ids.map(() => 1));
});

describe('a clock that jumps', () => {
  beforeEach(async () => {
    await rig.register(EVERY_MINUTE);
    await pass(3 * MINUTE);
    expect(ran()).toEqual([1, 2, 3]);
  });

  test('an hour back: fires nothing twice, and goes on when the time has come again', async () => {
    clock.jump(-HOUR);
    await pass(HOUR, 30_000);
    // 0 and before were not fired yet: the handler is there, and these minutes come for the first time.
    const before = Array.from({ length: 57 }, (_, n) => n - 56);
    expect((await stored()).filter((minute) => minute >= 1)).toEqual([1, 2, 3]);
    expect(await stored()).toEqual([...before, 1, 2, 3]);
    await pass(2 * MINUTE);
    expect(ran().slice(-2)).toEqual([4, 5]);
  });

  test('an hour ahead: fires one, and goes on from there', async () => {
    clock.jump(HOUR);
    await pass(2 * MINUTE);
    expect(ran()).toEqual([1, 2, 3, 63, 64, 65]);
  });

  test('ten years ahead and back: fires one, and is not stuck for ten years', async () => {
    const years = 3_653 * 24 * HOUR;
    clock.jump(years);
    await tick();
    expect(ran()).toEqual([1, 2, 3, 3 + years / MINUTE]);
    clock.jump(-years);
    await pass(2 * MINUTE);
    expect(ran().slice(4)).toEqual([4, 5]);
    expect(payloads().at(4)).toMatchObject({ previous_at: null });
  });

  test('back while the server is down: is not stuck either', async () => {
    await rig.stop();
    clock.jump(-10 * HOUR);
    rig = await start();
    await pass(2 * MINUTE);
    expect(ran()).toEqual([-596, -595]);
  });
});

describe('several servers', () => {
  let other: Rig;

  beforeEach(async () => {
    await rig.stop();
    const shared = shareStore(store, clock);
    const server = (name: string) => startEngine(store, { clock, ports: shared.server(name), sandbox: new ScriptedSandbox(() => ok()) });
    rig = await server('a');
    other = await server('b');
  });
  afterEach(() => other.stop());

  const both = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000);
      await Promise.all([tick(rig), tick(other)]);
    }
  };

  test('fire once for all of them', async () => {
    await rig.register(EVERY_MINUTE);
    await both(3 * MINUTE);
    expect(await stored()).toEqual([1, 2, 3]);
  });

  test('go on when the one that led is gone', async () => {
    await rig.register(EVERY_MINUTE);
    await both(MINUTE);
    rig.tick = () => {};
    await both(2 * MINUTE);
    expect(await stored()).toEqual([1, 2, 3]);
    rig.tick = () => {};
  });

  test('fire once also when both believe that they lead', async () => {
    await rig.stop();
    await other.stop();
    const shared = shareStore(store, clock);
    const blind = (name: string) => ({ ...shared.server(name), leadership: { lead: async () => true } });
    rig = await startEngine(store, { clock, ports: blind('a'), sandbox: new ScriptedSandbox(() => ok()) });
    other = await startEngine(store, { clock, ports: blind('b'), sandbox: new ScriptedSandbox(() => ok()) });
    await rig.register(EVERY_MINUTE);
    await both(3 * MINUTE);
    expect(await stored()).toEqual([1, 2, 3]);
  });
});

describe('by hand', () => {
  test('runs at once, beside the schedule', async () => {
    const id = await rig.register(EVERY_MINUTE);
    const { id: firing, executionIds } = await rig.engine.schedules.runNow(id);
    await rig.quiet();
    expect(executionIds).toEqual([`${firing}.${id}`]);
    expect(payloads()).toMatchObject([{ scheduled_at: '2026-03-01T00:00:00.500Z', previous_at: null }]);
    await pass(MINUTE);
    expect(payloads()).toMatchObject([{}, { scheduled_at: '2026-03-01T00:01:00.000Z', previous_at: null }]);
  });

  test.each([
    { over: {}, code: 'handler_not_runnable', why: 'on another hook' },
    { over: { ...EVERY_MINUTE, enabled: false }, code: 'handler_not_runnable', why: 'that is disabled' },
  ])('refuses a handler $why', async ({ over, code }) => {
    const id = await rig.register(over);
    await expect(rig.engine.schedules.runNow(id)).rejects.toMatchObject({ code });
  });

  test('refuses a handler that is not there', async () => {
    await expect(rig.engine.schedules.runNow(99)).rejects.toMatchObject({ code: 'handler_not_found' });
  });
});

test('shows the next runs of a handler', async () => {
  const id = await rig.register({ ...EVERY_MINUTE, schedule: { cron: '0 7 * * MON', timezone: 'Europe/Berlin' } });
  expect(rig.engine.schedules.nextRuns(rig.handlers.get(id), 2).map((at) => new Date(at).toISOString())).toEqual([
    '2026-03-02T06:00:00.000Z',
    '2026-03-09T06:00:00.000Z',
  ]);
  await rig.handlers.setEnabled(id, false, rig.caller);
  expect(rig.engine.schedules.nextRuns(rig.handlers.get(id), 2)).toEqual([]);
});

describe('a registration is refused', () => {
  test.each([
    { over: { hook: 'schedule.cron' }, pointer: '/schedule', why: 'without a schedule' },
    { over: { schedule: { cron: '* * * * *', timezone: 'UTC' } }, pointer: '/schedule', why: 'with a schedule on another hook' },
    {
      over: { ...EVERY_MINUTE, schedule: { cron: '61 * * * *', timezone: 'UTC' } },
      pointer: '/schedule/cron',
      why: 'with a bad expression',
    },
    {
      over: { ...EVERY_MINUTE, schedule: { cron: '* * * * *', timezone: 'Mars/Base' } },
      pointer: '/schedule/timezone',
      why: 'in no time zone',
    },
    { over: { ...EVERY_MINUTE, filter: '{"timezone":"UTC"}' }, pointer: '/filter', why: 'with a filter' },
  ])('$why', async ({ over, pointer }) => {
    await expect(rig.register(over)).rejects.toMatchObject({ code: 'invalid_request', faults: [{ pointer }] });
    expect(rig.handlers.list(null)).toEqual([]);
  });
});
