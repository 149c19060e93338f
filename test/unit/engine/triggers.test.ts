import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { HOOKS } from '../../../hooks/index.ts';
import { cron } from '../../../src/adapters/cron/cron.ts';
import { nodeCryptography } from '../../../src/adapters/crypto.ts';
import type { Caller } from '../../../src/core/key.ts';
import { handlerRegistry, type LiveHandlers } from '../../../src/engine/handlers.ts';
import { keyRing, type OwnedKeyRing } from '../../../src/engine/keys.ts';
import { planner } from '../../../src/engine/plan.ts';
import { type Triggers, type TriggersOptions, triggers } from '../../../src/engine/triggers.ts';
import type { FireResult, FiringPlan } from '../../../src/ports/queue.ts';
import { HandClock } from '../../support/store.ts';
import { callerOf, freshKeys, openStore, pickySandbox, registration, removeHandlers } from './engine-support.ts';

const HOOK = 'ctingress.on_complete';
const PAYLOAD = HOOKS.find(({ name }) => name === HOOK)?.sample ?? '';

let store: Awaited<ReturnType<typeof openStore>>;
let keys: OwnedKeyRing;
let handlers: LiveHandlers;
let allen: Caller;
let fired: { plan: FiringPlan; result: FireResult | null }[];
let lastId = 0;
let one: string;
const clock = new HandClock();

function open(queue: TriggersOptions['queue'] = store.queue): Triggers {
  const { match, isEmpty } = handlers;
  const plan = planner({
    match: match.bind(handlers),
    isEmpty: isEmpty.bind(handlers),
    reserve: () => false,
    hash: (text) => nodeCryptography.sha256(text).toHex(),
  });
  return triggers({
    hooks: HOOKS,
    planner: plan,
    queue,
    now: clock.now,
    newId: () => `made-${++lastId}`,
    onFired: (planned, result) => fired.push({ plan: planned, result }),
  });
}

async function register(name: string, fields: Parameters<typeof registration>[0] = {}): Promise<number> {
  return (await handlers.register(registration({ hook: HOOK, name, ...fields }), allen)).handler.id;
}

beforeAll(async () => {
  store = await openStore();
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

beforeEach(async () => {
  keys = await keyRing({ store: freshKeys(store.keys), crypto: nodeCryptography, clock, report: () => {} });
  ({ caller: allen } = await callerOf(keys, 'allen'));
  const options = { store: store.handlers, sandbox: pickySandbox(), keys, hooks: HOOKS, cron, now: clock.now, report: () => {} };
  handlers = await handlerRegistry(options);
  fired = [];
  one = `given-${++lastId}`;
});
afterEach(async () => {
  await keys[Symbol.asyncDispose]();
  await removeHandlers(store);
});

describe('hooks', () => {
  test('B3 are listed, ctingress.on_complete among them', () => {
    expect(open().hooks()).toBe(HOOKS);
    expect(open().hook(HOOK)).toMatchObject({ name: HOOK, kind: 'external' });
  });

  test('that are not there are refused', () => {
    expect(() => open().hook('no.such')).toThrow(expect.objectContaining({ code: 'hook_not_found' }));
  });
});

describe('B8 a trigger', () => {
  test.each([
    { tags: ['red'], names: ['red', 'untagged'], why: 'any shared tag' },
    { tags: ['red', 'blue'], names: ['red', 'blue', 'untagged'], why: 'OR' },
    { tags: ['green'], names: ['untagged'], why: 'a handler without tags always runs' },
    { tags: [], names: ['red', 'blue', 'untagged'], why: 'detail 18: without tags all handlers of the hook' },
  ])('with tags $tags runs $names: $why', async ({ tags, names }) => {
    const ids = new Map([
      ['red', await register('red', { tags: ['red'] })],
      ['blue', await register('blue', { tags: ['blue', 'navy'] })],
      ['untagged', await register('untagged')],
    ]);
    await register('elsewhere', { hook: 'event.on_ingest' });
    const { executionIds, existing } = await open().trigger(HOOK, { id: one, payload: PAYLOAD, tags });
    expect(existing).toBe(false);
    expect(executionIds).toEqual(names.map((name) => `${one}.${ids.get(name)}`));
    expect(await store.queue.executionsOf(one)).toEqual(executionIds);
  });

  test('stores its payload as it is, to the last digit', async () => {
    await register('a', { filter: '{"DataSets.Streams.EndNs":1591844539983333333}' });
    const { executionIds } = await open().trigger(HOOK, { id: null, payload: PAYLOAD, tags: [] });
    const execution = await store.queue.get(executionIds[0] ?? '');
    expect(execution?.input).toBe(PAYLOAD);
    expect(execution?.input).toContain('1591844539983333333');
    expect(execution).toMatchObject({ eventId: `made-${lastId}`, hook: HOOK, state: 'pending', createdAt: clock.now() });
  });

  test('that reaches nobody is stored all the same, so that its id stays taken', async () => {
    expect(await open().trigger(HOOK, { id: one, payload: PAYLOAD, tags: [] })).toEqual({ id: one, executionIds: [], existing: false });
    await register('late');
    expect(await open().trigger(HOOK, { id: one, payload: PAYLOAD, tags: [] })).toEqual({ id: one, executionIds: [], existing: true });
  });

  test('of the same id again makes nothing new and answers the first executions', async () => {
    await register('a');
    const first = await open().trigger(HOOK, { id: one, payload: PAYLOAD, tags: [] });
    await register('b');
    const second = await open().trigger(HOOK, { id: one, payload: PAYLOAD, tags: [] });
    expect(second).toEqual({ ...first, existing: true });
    expect(fired.map(({ result }) => result?.kind)).toEqual(['stored', 'existing']);
  });

  test('tells what became of its plan, also when the store fails', async () => {
    await register('a');
    const failing = { ...store.queue, fire: () => Promise.reject(new Error('disk full')) };
    await expect(open(failing).trigger(HOOK, { id: one, payload: PAYLOAD, tags: [] })).rejects.toThrow('disk full');
    expect(fired).toMatchObject([{ plan: { firing: { id: one, cause: null }, executions: [{ handlerVersion: 0 }] }, result: null }]);
  });

  test('keeps each tag once', async () => {
    await open().trigger(HOOK, { id: one, payload: PAYLOAD, tags: ['a', 'b', 'a'] });
    expect(fired[0]?.plan.firing.tags).toEqual(['a', 'b']);
  });
});

describe('a trigger is refused', () => {
  const fire = (firing: { id?: string | null; payload?: string; tags?: string[] }, hook = HOOK) =>
    open().trigger(hook, { id: null, payload: PAYLOAD, tags: [], ...firing });

  test.each([
    ['event.on_ingest', 'hook_not_triggerable'],
    ['event.on_alert', 'hook_not_triggerable'],
    ['execution.on_failure', 'hook_not_triggerable'],
    ['no.such', 'hook_not_found'],
  ])('on %s: %s', async (hook, code) => {
    await expect(fire({}, hook)).rejects.toMatchObject({ code });
  });

  test.each([
    { firing: { id: '' }, pointer: '/id', why: 'an empty id' },
    { firing: { id: 'x'.repeat(201) }, pointer: '/id', why: 'a long id' },
    { firing: { id: 'a\nb' }, pointer: '/id', why: 'a control character in the id' },
    { firing: { id: 'a\ud800' }, pointer: '/id', why: 'half a character in the id' },
    { firing: { tags: Array.from({ length: 65 }, (_, n) => `t${n}`) }, pointer: '/tags', why: 'too many tags' },
    { firing: { tags: ['ok', ''] }, pointer: '/tags/1', why: 'an empty tag' },
    { firing: { tags: ['x'.repeat(201)] }, pointer: '/tags/0', why: 'a long tag' },
    { firing: { payload: '{}' }, pointer: '/payload/DataSets', why: 'a payload without its members' },
    { firing: { payload: '[]' }, pointer: '/payload', why: 'a payload of another type' },
    {
      firing: { payload: PAYLOAD.replace('1591844350000000000', '1.5') },
      pointer: '/payload/DataSets/0/Streams/0/StartNs',
      why: 'a fraction',
    },
    { firing: { payload: PAYLOAD.replace('1591844350000000000', '1e999') }, pointer: '/payload', why: 'an infinite number' },
    { firing: { payload: '{' }, pointer: '/payload', why: 'no JSON' },
    { firing: { payload: '['.repeat(1_000) + ']'.repeat(1_000) }, pointer: '/payload', why: 'a nest' },
  ])('with $why', async ({ firing, pointer }) => {
    await expect(fire(firing)).rejects.toMatchObject({
      code: 'invalid_request',
      faults: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
    expect(fired).toEqual([]);
  });

  test('with all faults at once', async () => {
    await expect(fire({ id: '', tags: [''], payload: '{}' })).rejects.toMatchObject({
      faults: ['/id', '/tags/0', '/payload/DataSets', '/payload/File', '/payload/RequestID', '/payload/SubmittedAt'].map((pointer) => ({
        pointer,
      })),
    });
  });
});
