import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { HOOKS } from '../../../hooks/index.ts';
import { cron } from '../../../src/adapters/cron/cron.ts';
import { nodeCryptography } from '../../../src/adapters/crypto.ts';
import { type ExactValue, parseExact } from '../../../src/core/json.ts';
import type { Caller } from '../../../src/core/key.ts';
import { type HandlerChange, handlerRegistry, type LiveHandlers } from '../../../src/engine/handlers.ts';
import { keyRing, type OwnedKeyRing } from '../../../src/engine/keys.ts';
import type { HandlerStore } from '../../../src/ports/handler-store.ts';
import { HandClock } from '../../support/store.ts';
import { callerOf, freshKeys, openStore, pickySandbox, registration, removeHandlers } from './engine-support.ts';

const ADMIN: Caller = { keyId: null, name: 'root', scopes: ['admin'] };
const ANONYMOUS: Caller = { keyId: null, name: 'anonymous', scopes: ['handlers:write'] };

let store: Awaited<ReturnType<typeof openStore>>;
let clock: HandClock;
let keys: OwnedKeyRing;
let sandbox: ReturnType<typeof pickySandbox>;
let handlers: LiveHandlers;
let allen: Caller;
let changes: [number, HandlerChange][];
let reports: unknown[];

const open = (handlerStore: HandlerStore = store.handlers): Promise<LiveHandlers> => {
  const report = (error: unknown): void => void reports.push(error);
  return handlerRegistry({ store: handlerStore, sandbox, keys, hooks: HOOKS, cron, now: clock.now, report });
};

beforeAll(async () => {
  store = await openStore();
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

beforeEach(async () => {
  clock = new HandClock();
  keys = await keyRing({ store: freshKeys(store.keys), crypto: nodeCryptography, clock, report: () => {} });
  ({ caller: allen } = await callerOf(keys, 'allen'));
  sandbox = pickySandbox();
  reports = [];
  handlers = await open();
  changes = [];
  handlers.onChange((id, change) => changes.push([id, change]));
});
afterEach(async () => {
  await keys[Symbol.asyncDispose]();
  await removeHandlers(store);
});

function matched(registry: LiveHandlers, document: ExactValue = {}, tags: string[] = ['x'], hook = 'event.on_ingest'): number[] {
  return registry.match(hook, { tags: () => tags, document: () => document }).map(({ id }) => id);
}

describe('registering', () => {
  test('makes a handler with version 0, stored, indexed and announced', async () => {
    const { handler, replaced } = await handlers.register(registration({ tags: ['x'], config: '{"n":1}' }), allen);
    expect(replaced).toBe(false);
    expect(handler).toMatchObject({ name: 'check', hook: 'event.on_ingest', enabled: true, createdBy: 'allen', createdAt: clock.now() });
    expect(handler.current).toMatchObject({ version: 0, javascript: 'js:export default () => 1', keyId: allen.keyId, config: '{"n":1}' });
    expect(handlers.get(handler.id)).toBe(handler);
    expect(await store.handlers.all()).toEqual([handler]);
    expect(matched(handlers)).toEqual([handler.id]);
    expect(changes).toEqual([[handler.id, 'put']]);
  });

  test('B5 the same hook and name replaces: same id, version + 1, created kept, updated set, old isolates evicted', async () => {
    const first = (await handlers.register(registration({ tags: ['a'] }), allen)).handler;
    clock.advance(1_000);
    const { caller: bob } = await callerOf(keys, 'bob');
    const { handler, replaced } = await handlers.register(registration({ tags: ['b'], code: 'v1' }), bob);
    expect(replaced).toBe(true);
    expect(handler).toMatchObject({
      id: first.id,
      createdAt: first.createdAt,
      createdBy: 'allen',
      updatedAt: clock.now(),
      updatedBy: 'bob',
    });
    expect(handler.current).toMatchObject({ version: 1, code: 'v1' });
    expect(matched(handlers, {}, ['a'])).toEqual([]);
    expect(matched(handlers, {}, ['b'])).toEqual([first.id]);
    expect(sandbox.evicted).toEqual([first.id]);
  });

  test('B5 another hook of the same name is another handler', async () => {
    const one = await handlers.register(registration(), allen);
    const two = await handlers.register(registration({ hook: 'event.on_alert' }), allen);
    expect(two.handler.id).not.toBe(one.handler.id);
    expect(handlers.list(null).map(({ id }) => id)).toEqual([one.handler.id, two.handler.id]);
    expect(handlers.list('event.on_alert')).toEqual([two.handler]);
    expect(handlers.list('no.such')).toEqual([]);
  });

  test('B10 the code acts with the key of who registered last', async () => {
    const { caller: bob, keyId } = await callerOf(keys, 'bob');
    await handlers.register(registration(), allen);
    expect((await handlers.register(registration(), bob)).handler.current.keyId).toBe(keyId);
  });

  test('B10 nobody registers without a key, whatever the scopes', async () => {
    await expect(handlers.register(registration(), ANONYMOUS)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(sandbox.compiled).toEqual([]);
  });

  test('at the same time happens in the order of the calls', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => handlers.register(registration({ code: `v${n}` }), allen)));
    expect(results.map(({ handler }) => handler.current.version)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(handlers.get(results[0]?.handler.id ?? 0).current.code).toBe('v19');
    expect(await store.handlers.all()).toEqual(handlers.list(null));
  });

  test('goes on after a registration that failed', async () => {
    const [bad, good] = await Promise.allSettled([
      handlers.register(registration({ code: '!!' }), allen),
      handlers.register(registration(), allen),
    ]);
    expect([bad?.status, good?.status]).toEqual(['rejected', 'fulfilled']);
  });

  test.each([
    { fields: { hook: 'event.on_nothing' }, faults: ['/hook'], why: 'an unknown hook' },
    { fields: { code: 'x'.repeat(262_145) }, faults: ['/code'], why: 'code beyond its bound' },
    { fields: { code: 'ä'.repeat(131_073) }, faults: ['/code'], why: 'code beyond its bound in bytes' },
    { fields: { config: `{"a":"${'x'.repeat(65_536)}"}` }, faults: ['/config'], why: 'a large config' },
    { fields: { filter: `{"a":"${'x'.repeat(65_536)}"}` }, faults: ['/filter'], why: 'a large filter' },
    { fields: { notifyOnSuccess: 'a@b@c' }, faults: ['/notify_on_success'], why: 'a bad success address' },
    { fields: { notifyOnFailure: 'a@example.org, b@example.org' }, faults: ['/notify_on_failure'], why: 'two failure addresses' },
    {
      fields: { notifyOnSuccess: '', hook: 'x', code: 'x'.repeat(300_000) },
      faults: ['/hook', '/code', '/notify_on_success'],
      why: 'several faults',
    },
  ])('refuses $why and stores nothing', async ({ fields, faults }) => {
    await expect(handlers.register(registration(fields), allen)).rejects.toMatchObject({
      code: 'invalid_request',
      faults: faults.map((pointer) => ({ pointer })),
    });
    expect(await store.handlers.all()).toEqual([]);
    expect(handlers.list(null)).toEqual([]);
    expect(sandbox.compiled).toEqual([]);
  });

  test.each([
    { filter: '{"a":{"$where":"1"}}', code: 'selector_operator_refused' },
    { filter: '{"a":{"$regex":"(a)\\\\1"}}', code: 'selector_regex_unsupported' },
    { filter: '[]', code: 'selector_invalid' },
  ])('refuses the filter $filter before the code is looked at', async ({ filter, code }) => {
    await expect(handlers.register(registration({ filter }), allen)).rejects.toMatchObject({ code });
    expect(sandbox.compiled).toEqual([]);
  });

  test.each([
    {
      code: '!!',
      faults: [{ pointer: '/code', detail: 'Unexpected token', line: 2, column: 5 }],
      message: 'line 2, column 5: Unexpected token',
    },
    { code: '??', faults: [{ pointer: '/code', detail: 'No default export' }], message: 'No default export' },
  ])('refuses code that does not compile with its place: $message', async ({ code, faults, message }) => {
    await expect(handlers.register(registration({ code }), allen)).rejects.toMatchObject({
      code: 'handler_source_invalid',
      message,
      faults,
    });
    expect(await store.handlers.all()).toEqual([]);
  });

  test('that the store refuses changes nothing in memory', async () => {
    const registry = await open({ ...store.handlers, put: () => Promise.reject(new Error('disk full')) });
    await expect(registry.register(registration(), allen)).rejects.toThrow('disk full');
    expect(registry.list(null)).toEqual([]);
    expect(registry.isEmpty('event.on_ingest')).toBe(true);
  });
});

describe('switching on and off', () => {
  test('decides whether firings reach the handler, and survives a restart', async () => {
    const { handler } = await handlers.register(registration(), allen);
    clock.advance(10);
    expect(await handlers.setEnabled(handler.id, false, allen)).toMatchObject({ enabled: false, updatedAt: clock.now() });
    expect(handlers.stateOf(handlers.get(handler.id))).toBe('disabled');
    expect(handlers.isEmpty('event.on_ingest')).toBe(true);
    expect(matched(await open())).toEqual([]);
    await handlers.setEnabled(handler.id, true, allen);
    expect(matched(handlers)).toEqual([handler.id]);
    expect(matched(await open())).toEqual([handler.id]);
    expect(changes).toEqual([
      [handler.id, 'put'],
      [handler.id, 'state'],
      [handler.id, 'state'],
    ]);
  });

  test('to what it is already changes and announces nothing', async () => {
    const { handler } = await handlers.register(registration(), allen);
    clock.advance(10);
    expect(await handlers.setEnabled(handler.id, true, allen)).toEqual(handler);
    expect(changes).toHaveLength(1);
  });

  test('registering again leaves it as it is', async () => {
    const { handler } = await handlers.register(registration(), allen);
    await handlers.setEnabled(handler.id, false, allen);
    await handlers.register(registration({ code: 'v1' }), allen);
    expect(handlers.get(handler.id)).toMatchObject({ enabled: false, current: { code: 'v1' } });
    expect(matched(handlers)).toEqual([]);
  });

  test('can be part of registering', async () => {
    const { handler } = await handlers.register(registration({ enabled: false }), allen);
    expect(handler.enabled).toBe(false);
    expect(await store.handlers.all()).toMatchObject([{ enabled: false }]);
    expect((await handlers.register(registration({ enabled: true }), allen)).handler.enabled).toBe(true);
    expect(matched(handlers)).toEqual([handler.id]);
  });
});

describe('versions', () => {
  const registerThree = async (): Promise<number> => {
    for (const code of ['v0', 'v1', 'v2']) await handlers.register(registration({ code, tags: [code] }), allen);
    return handlers.list(null)[0]?.id ?? 0;
  };

  test('are all kept, newest first', async () => {
    const id = await registerThree();
    expect((await handlers.versions(id)).map(({ version, code }) => [version, code])).toEqual([
      [2, 'v2'],
      [1, 'v1'],
      [0, 'v0'],
    ]);
  });

  test('are read one by one, the current one from memory', async () => {
    const id = await registerThree();
    const read: number[] = [];
    const noting: HandlerStore = {
      ...store.handlers,
      version(handlerId, version) {
        read.push(version);
        return store.handlers.version(handlerId, version);
      },
    };
    const registry = await open(noting);
    expect(await registry.versionOf(id, 2)).toBe(registry.get(id).current);
    expect(await registry.versionOf(id, 0)).toMatchObject({ code: 'v0' });
    expect(await registry.versionOf(id, 9)).toBeNull();
    expect(await registry.versionOf(id + 1, 0)).toBeNull();
    expect(read).toEqual([0, 9, 0]);
  });

  test('rolling back copies the one before, with the rights of whoever does it', async () => {
    const id = await registerThree();
    const { caller: bob, keyId } = await callerOf(keys, 'bob');
    clock.advance(5);
    const handler = await handlers.rollback(id, null, bob);
    expect(handler).toMatchObject({
      id,
      updatedBy: 'bob',
      current: { version: 3, code: 'v1', tags: ['v1'], keyId, createdBy: 'bob', createdAt: clock.now() },
    });
    expect(matched(handlers, {}, ['v1'])).toEqual([id]);
    expect(matched(handlers, {}, ['v2'])).toEqual([]);
    expect(sandbox.evicted).toContain(id);
    expect((await handlers.rollback(id, 0, bob)).current).toMatchObject({ version: 4, code: 'v0' });
  });

  test('rolling back needs a key, and a version that is there', async () => {
    const id = await registerThree();
    await expect(handlers.rollback(id, null, ANONYMOUS)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(handlers.rollback(id, 7, allen)).rejects.toMatchObject({ code: 'version_not_found' });
    const { handler } = await handlers.register(registration({ name: 'new' }), allen);
    await expect(handlers.rollback(handler.id, null, allen)).rejects.toMatchObject({ code: 'version_not_found' });
  });

  test('rolling back keeps the handler switched off', async () => {
    const id = await registerThree();
    await handlers.setEnabled(id, false, allen);
    expect(await handlers.rollback(id, null, allen)).toMatchObject({ enabled: false });
  });
});

describe('deregistering', () => {
  test('B7 takes it out everywhere; the name begins anew with another id', async () => {
    const { handler } = await handlers.register(registration(), allen);
    await handlers.deregister(handler.id, allen);
    expect(() => handlers.get(handler.id)).toThrow(expect.objectContaining({ code: 'handler_not_found' }));
    expect(handlers.isEmpty('event.on_ingest')).toBe(true);
    expect(await store.handlers.all()).toEqual([]);
    expect(sandbox.evicted).toEqual([handler.id]);
    expect(changes.at(-1)).toEqual([handler.id, 'removed']);
    const again = (await handlers.register(registration(), allen)).handler;
    expect(again.id).toBeGreaterThan(handler.id);
    expect(again.current.version).toBe(0);
  });

  test('twice at the same time: the second finds nothing', async () => {
    const { handler } = await handlers.register(registration(), allen);
    const results = await Promise.allSettled([handlers.deregister(handler.id, allen), handlers.deregister(handler.id, allen)]);
    expect(results).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'handler_not_found' } }]);
  });
});

test.each([
  ['setEnabled', () => handlers.setEnabled(7, true, allen)],
  ['versions', () => handlers.versions(7)],
  ['rollback', () => handlers.rollback(7, null, allen)],
  ['deregister', () => handlers.deregister(7, allen)],
])('%s of an unknown handler is refused', async (_name, act) => {
  await expect((async () => act())()).rejects.toMatchObject({ code: 'handler_not_found' });
});

describe('keys', () => {
  test('a revoked key suspends its handlers at once, until somebody else registers them', async () => {
    const { handler } = await handlers.register(registration(), allen);
    await keys.revoke(allen.keyId ?? '', ADMIN);
    expect(handlers.stateOf(handlers.get(handler.id))).toBe('suspended');
    expect(matched(handlers)).toEqual([]);
    expect(changes.at(-1)).toEqual([handler.id, 'state']);
    expect(matched(await open())).toEqual([]);
    const { caller: bob } = await callerOf(keys, 'bob');
    await handlers.register(registration(), bob);
    expect(handlers.stateOf(handlers.get(handler.id))).toBe('enabled');
    expect(matched(handlers)).toEqual([handler.id]);
  });

  test('a revoked key leaves the handlers of others alone', async () => {
    const { caller: bob } = await callerOf(keys, 'bob');
    const { handler } = await handlers.register(registration(), bob);
    await keys.revoke(allen.keyId ?? '', ADMIN);
    expect(matched(handlers)).toEqual([handler.id]);
    expect(changes).toHaveLength(1);
  });

  test('an expired key suspends its handlers without a word', async () => {
    const { caller } = await callerOf(keys, 'guest', ['handlers:write'], clock.now() + 60_000);
    const { handler } = await handlers.register(registration(), caller);
    clock.advance(59_999);
    expect(matched(handlers)).toEqual([handler.id]);
    clock.advance(1);
    expect(matched(handlers)).toEqual([]);
    expect(handlers.stateOf(handler)).toBe('suspended');
  });

  test('switching a suspended handler on does not make it run', async () => {
    const { handler } = await handlers.register(registration({ enabled: false }), allen);
    await keys.revoke(allen.keyId ?? '', ADMIN);
    const switched = await handlers.setEnabled(handler.id, true, ADMIN);
    expect(handlers.stateOf(switched)).toBe('suspended');
    expect(matched(handlers)).toEqual([]);
  });
});

describe('matching', () => {
  test('B8 by tags and filter, with exact numbers', async () => {
    const { handler } = await handlers.register(registration({ filter: '{"n":1591844539983333333}' }), allen);
    expect(matched(handlers, parseExact('{"n":1591844539983333333}'))).toEqual([handler.id]);
    expect(matched(handlers, parseExact('{"n":1591844539983333334}'))).toEqual([]);
    expect(matched(handlers, {}, [], 'event.on_alert')).toEqual([]);
  });

  test('a stored filter that is not offered any more matches nothing and is reported', async () => {
    const { handler } = await handlers.register(registration(), allen);
    const { version: _version, ...version } = { ...handler.current, filter: '{"$where":"1"}' };
    await store.handlers.put({ hook: handler.hook, name: handler.name, version });
    const registry = await open();
    expect(matched(registry)).toEqual([]);
    expect(reports).toMatchObject([{ code: 'selector_operator_refused' }]);
    expect(registry.get(handler.id).current.filter).toBe('{"$where":"1"}');
  });
});
