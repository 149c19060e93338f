import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { HOOKS } from '../../../hooks/index.ts';
import { cron } from '../../../src/adapters/cron/cron.ts';
import { nodeCryptography } from '../../../src/adapters/crypto.ts';
import type { Handler } from '../../../src/core/handler.ts';
import { type BuiltIn, installBuiltIns } from '../../../src/engine/built-ins.ts';
import { handlerRegistry, type LiveHandlers } from '../../../src/engine/handlers.ts';
import { keyRing, type OwnedKeyRing } from '../../../src/engine/keys.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';
import { callerOf, pickySandbox, registration } from './engine-support.ts';

const { hook: _hook, name: _name, enabled: _enabled, ...SOURCE } = registration({ filter: '{"log_level":40}' });
const WATCH: BuiltIn = { hook: 'event.on_ingest', name: 'watch', scopes: ['alerts:write', 'events:read'], wanted: SOURCE };
const NEWER: BuiltIn = { ...WATCH, wanted: { ...SOURCE, code: 'export default () => 2' } };
const NOT_WANTED: BuiltIn = { ...WATCH, wanted: null };

let store: TestStore;
let clock: HandClock;
/** A server: what is in memory of the store's keys and handlers. */
let server: { keys: OwnedKeyRing; handlers: LiveHandlers };

async function boot(): Promise<typeof server> {
  const report = (error: unknown): void => {
    throw error;
  };
  const keys = await keyRing({ store: store.keys, isShared: true, crypto: nodeCryptography, clock, report });
  const shared = { store: store.handlers, isShared: true, sandbox: pickySandbox(), keys, hooks: HOOKS, cron, now: clock.now, report };
  return { keys, handlers: await handlerRegistry(shared) };
}

/** The next start of a server, which finds the store as the last one left it. */
async function start(builtIn: BuiltIn, on?: typeof server): Promise<Handler | null> {
  server = on ?? (await boot());
  await installBuiltIns({ store: store.keys, ...server }, [builtIn]);
  return watch();
}
const watch = (): Handler | null => server.handlers.list(null).find(({ name }) => name === 'watch') ?? null;
const person = async () => (await callerOf(server.keys, 'allen', ['handlers:write'])).caller;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await store.clear();
  clock = new HandClock();
});
afterEach(async () => {
  await server.keys[Symbol.asyncDispose]();
});

describe('a built-in handler', () => {
  test('is registered at the first start, enabled, and acts with a key that has the scopes it needs and no secret', async () => {
    const handler = await start(WATCH);
    expect(handler).toMatchObject({
      hook: 'event.on_ingest',
      enabled: true,
      createdBy: 'built-in watch',
      current: { version: 0, ...SOURCE },
    });
    const key = server.keys.list().find(({ id }) => id === handler?.current.keyId);
    expect(key).toMatchObject({ name: 'built-in watch', scopes: ['alerts:write', 'events:read'], hash: '', revokedAt: null });
    expect(server.handlers.stateOf(handler as Handler)).toBe('enabled');
    for (const text of ['', key?.id ?? '', `hw_${key?.id}_${'A'.repeat(43)}`]) expect(server.keys.authenticate(text)).toBeNull();
  });

  test('is the same at every further start, also of another server on the store', async () => {
    const first = await start(WATCH);
    expect(await start(WATCH)).toEqual(first);
    const [one, two] = [await boot(), await boot()];
    await start(WATCH, one);
    expect(await start(WATCH, two)).toEqual(first);
    expect(server.keys.list().filter(({ hash }) => hash === '')).toHaveLength(1);
    await one.keys[Symbol.asyncDispose]();
  });

  test('is registered once by servers that all loaded an empty store before the first one registered', async () => {
    const [one, two] = [await boot(), await boot()];
    const first = await start(WATCH, one);
    expect(await start(WATCH, two)).toEqual(first);
    await one.keys[Symbol.asyncDispose]();
  });

  test('gets a new version when a release brings another source, and no other when it does not', async () => {
    const before = await start(WATCH);
    const after = await start(NEWER);
    expect(after).toMatchObject({ id: before?.id, current: { version: 1, code: 'export default () => 2' } });
    expect(await start(NEWER)).toMatchObject({ current: { version: 1 } });
  });

  test('acts with another key when a release needs other scopes', async () => {
    const before = await start(WATCH);
    const after = await start({ ...WATCH, scopes: ['alerts:write'] });
    expect(after).toMatchObject({ id: before?.id, current: { version: 1 } });
    expect(server.keys.liveScopes(after?.current.keyId ?? '')).toEqual(['alerts:write']);
  });

  test('comes back when the settings ask for it again', async () => {
    const first = await start(WATCH);
    expect(await start(NOT_WANTED)).toBeNull();
    expect(await start(NOT_WANTED)).toBeNull();
    const second = await start(WATCH);
    expect(second).toMatchObject({ enabled: true, current: { version: 0 } });
    expect(second?.id).not.toBe(first?.id);
    expect(await start(NEWER)).toMatchObject({ id: second?.id, current: { version: 1 } });
  });

  test('is not registered where the settings never asked for it', async () => {
    expect(await start(NOT_WANTED)).toBeNull();
    expect(server.keys.list()).toEqual([]);
  });

  test('is known as its own after a start that ended between registering it and writing that down', async () => {
    const handler = await start(WATCH);
    const name = 'built_in:event.on_ingest/watch';
    await store.keys.exchangeSetting(name, String(handler?.id), 'none');
    expect(await start(NEWER)).toMatchObject({ id: handler?.id, current: { version: 1 } });
    expect(await store.keys.setting(name)).toBe(String(handler?.id));
  });
});

describe("a person's change of a built-in handler wins for ever", () => {
  const changes: [string, () => Promise<unknown>][] = [
    [
      'replaced',
      async () => server.handlers.register(registration({ name: 'watch', code: 'export default () => "mine"' }), await person()),
    ],
    ['rolled back', async () => server.handlers.rollback(watch()?.id as number, 0, await person())],
    ['switched off', async () => server.handlers.setEnabled(watch()?.id as number, false, await person())],
    ['deregistered', async () => server.handlers.deregister(watch()?.id as number, await person())],
    ['cut off from its key', async () => server.keys.revoke(watch()?.current.keyId as string, await person())],
  ];
  test.each(changes)('%s', async (_what, change) => {
    await start(WATCH);
    await change();
    const left = watch();
    expect(await start(WATCH)).toEqual(left);
    expect(await start(NEWER)).toEqual(left);
    expect(await start(NOT_WANTED)).toEqual(left);
    expect(await start(NEWER)).toEqual(left);
  });

  test('and one that was switched off and on again is as it was: it is upgraded', async () => {
    const handler = await start(WATCH);
    await server.handlers.setEnabled(handler?.id as number, false, await person());
    await server.handlers.setEnabled(handler?.id as number, true, await person());
    expect(await start(NEWER)).toMatchObject({ id: handler?.id, current: { version: 1 } });
  });

  test('a handler that had the name before is left alone, and nothing comes in its place when it goes', async () => {
    server = await boot();
    await server.handlers.register(registration({ name: 'watch' }), await person());
    const theirs = watch();
    expect(await start(WATCH)).toEqual(theirs);
    await server.handlers.deregister(theirs?.id as number, await person());
    expect(await start(WATCH)).toBeNull();
  });

  test('a handler that had the name while the settings asked for nothing does not count', async () => {
    server = await boot();
    await server.handlers.register(registration({ name: 'watch' }), await person());
    expect(await start(NOT_WANTED)).toEqual(watch());
    await server.handlers.deregister(watch()?.id as number, await person());
    expect(await start(WATCH)).toMatchObject({ createdBy: 'built-in watch' });
  });
});
