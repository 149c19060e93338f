import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nodeCryptography } from '../../../src/adapters/crypto.ts';
import type { Caller } from '../../../src/core/key.ts';
import { keyRing, type OwnedKeyRing } from '../../../src/engine/keys.ts';
import type { Cryptography } from '../../../src/ports/crypto.ts';
import type { KeyStore } from '../../../src/ports/key-store.ts';
import { HandClock } from '../../support/store.ts';
import { callerOf, freshKeys, openStore } from './engine-support.ts';

const ADMIN: Caller = { keyId: null, name: 'root', scopes: ['admin'] };
const PRESET = 'a-preset-admin-key';

let sqlite: Awaited<ReturnType<typeof openStore>>;
let store: { keys: KeyStore };
let clock: HandClock;
let keys: OwnedKeyRing;
let reports: unknown[];

const open = (keyStore: KeyStore = store.keys): Promise<OwnedKeyRing> =>
  keyRing({ store: keyStore, crypto: nodeCryptography, clock, report: (error) => reports.push(error) });

beforeAll(async () => {
  sqlite = await openStore();
});
afterAll(async () => {
  await sqlite[Symbol.asyncDispose]();
});

beforeEach(async () => {
  store = { keys: freshKeys(sqlite.keys) };
  clock = new HandClock();
  reports = [];
  keys = await open();
});
afterEach(async () => {
  await keys[Symbol.asyncDispose]();
});

describe('made keys', () => {
  test('authenticate their holder with name and scopes', async () => {
    const { key, secret } = await keys.create({ name: 'allen', scopes: ['handlers:write', 'handlers:write'], expiresAt: null }, ADMIN);
    expect(secret).toMatch(/^hw_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect(key).toMatchObject({ name: 'allen', scopes: ['handlers:write'], createdBy: 'root', createdAt: clock.now(), revokedAt: null });
    expect(keys.authenticate(secret)).toEqual({ keyId: key.id, name: 'allen', scopes: ['handlers:write'] });
  });

  test('are different each time', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => callerOf(keys, 'x')));
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(20);
    expect(new Set(made.map(({ keyId }) => keyId)).size).toBe(20);
  });

  test('are stored only as a hash', async () => {
    const { key, secret } = await keys.create({ name: 'allen', scopes: ['admin'], expiresAt: null }, ADMIN);
    const [stored] = await store.keys.all();
    expect(stored).toEqual(key);
    expect(JSON.stringify(stored)).not.toContain(secret.slice(-43));
    expect(stored?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('work after a restart, and stay revoked', async () => {
    const one = await callerOf(keys, 'one');
    const two = await callerOf(keys, 'two');
    await keys.revoke(two.keyId, ADMIN);
    const again = await open();
    expect(again.authenticate(one.secret)).toEqual(one.caller);
    expect(again.authenticate(two.secret)).toBeNull();
  });

  test.each([
    ['a changed last character', (secret: string) => secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')],
    ['a cut secret', (secret: string) => secret.slice(0, -1)],
    ['an added character', (secret: string) => `${secret}A`],
    ['another id', (secret: string) => secret.replace(/hw_./, (head) => `hw_${head.endsWith('0') ? '1' : '0'}`)],
    ['no secret', (secret: string) => secret.slice(0, 20)],
    ['other case', (secret: string) => secret.toUpperCase()],
    ['nothing', () => ''],
    ['a very long text', (secret: string) => secret.repeat(100)],
  ])('are refused with %s', async (_what, change) => {
    const { secret } = await callerOf(keys, 'x');
    expect(keys.authenticate(change(secret))).toBeNull();
  });

  test('expire at their time', async () => {
    const { secret, keyId } = await callerOf(keys, 'x', ['events:read'], clock.now() + 1_000);
    expect(keys.liveScopes(keyId)).toEqual(['events:read']);
    clock.advance(999);
    expect(keys.authenticate(secret)).not.toBeNull();
    clock.advance(1);
    expect(keys.authenticate(secret)).toBeNull();
    expect(keys.liveScopes(keyId)).toBeNull();
  });

  test('cannot be made expired', async () => {
    await expect(callerOf(keys, 'x', ['admin'], clock.now())).rejects.toMatchObject({
      code: 'invalid_request',
      faults: [{ pointer: '/expires_at' }],
    });
  });

  test('are listed oldest first', async () => {
    for (const name of ['a', 'b', 'c']) {
      await callerOf(keys, name);
      clock.advance(1);
    }
    expect(keys.list().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('revoking', () => {
  test('ends a key at once, tells listeners, and does nothing the second time', async () => {
    const { secret, keyId } = await callerOf(keys, 'x');
    const revoked: string[] = [];
    keys.onRevoked((id) => revoked.push(id));
    const at = clock.now();
    expect(await keys.revoke(keyId, ADMIN)).toMatchObject({ id: keyId, revokedAt: at });
    clock.advance(5);
    expect(await keys.revoke(keyId, ADMIN)).toMatchObject({ revokedAt: at });
    expect(keys.authenticate(secret)).toBeNull();
    expect(keys.liveScopes(keyId)).toBeNull();
    expect(revoked).toEqual([keyId]);
  });

  test('refuses an unknown key', async () => {
    await expect(keys.revoke('nobody', ADMIN)).rejects.toMatchObject({ code: 'key_not_found' });
    expect(keys.liveScopes('nobody')).toBeNull();
  });

  test('refuses the last live admin key', async () => {
    const first = await callerOf(keys, 'first', ['admin']);
    const dead = await callerOf(keys, 'dead', ['admin'], clock.now() + 10);
    clock.advance(10);
    await expect(keys.revoke(first.keyId, ADMIN)).rejects.toMatchObject({ code: 'last_admin_key' });
    expect(await keys.revoke(dead.keyId, ADMIN)).toMatchObject({ revokedAt: clock.now() });
    await callerOf(keys, 'second', ['admin']);
    expect(await keys.revoke(first.keyId, ADMIN)).toMatchObject({ revokedAt: clock.now() });
  });

  test('leaves one of two admin keys that are revoked at the same time', async () => {
    const both = [await callerOf(keys, 'a', ['admin']), await callerOf(keys, 'b', ['admin'])];
    const results = await Promise.allSettled(both.map(({ keyId }) => keys.revoke(keyId, ADMIN)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(both.filter(({ secret }) => keys.authenticate(secret) !== null)).toHaveLength(1);
  });
});

describe('the first admin key', () => {
  test('is made and shown once', async () => {
    const { created, secret } = await keys.ensureAdminKey(null);
    expect(created).toBe(true);
    expect(keys.authenticate(secret ?? '')).toMatchObject({ scopes: ['admin'] });
    expect(await keys.ensureAdminKey(null)).toEqual({ created: false, secret: null });
    expect(await (await open()).ensureAdminKey(null)).toEqual({ created: false, secret: null });
  });

  test('is made anew when no admin key is live any more', async () => {
    await callerOf(keys, 'x', ['admin'], clock.now() + 10);
    expect(await keys.ensureAdminKey(null)).toEqual({ created: false, secret: null });
    clock.advance(10);
    expect(await keys.ensureAdminKey(null)).toMatchObject({ created: true });
  });

  test('can be preset, and is never shown', async () => {
    expect(await keys.ensureAdminKey(PRESET)).toEqual({ created: true, secret: null });
    expect(keys.authenticate(PRESET)).toMatchObject({ name: 'ADMIN_KEY', scopes: ['admin'] });
    expect(keys.authenticate(`${PRESET}!`)).toBeNull();
    expect(JSON.stringify(await store.keys.all())).not.toContain(PRESET);
  });

  test('stays the same key over restarts, so that its handlers stay', async () => {
    await keys.ensureAdminKey(PRESET);
    const before = keys.authenticate(PRESET);
    const again = await open();
    expect(await again.ensureAdminKey(PRESET)).toEqual({ created: false, secret: null });
    expect(again.authenticate(PRESET)).toEqual(before);
    expect(again.list()).toHaveLength(1);
  });

  test('replaces the preset before it, also after a restart', async () => {
    await keys.ensureAdminKey(PRESET);
    const revoked: string[] = [];
    const again = await open();
    again.onRevoked((id) => revoked.push(id));
    const [old] = again.list();
    expect(await again.ensureAdminKey(`${PRESET}-2`)).toEqual({ created: true, secret: null });
    expect(again.authenticate(PRESET)).toBeNull();
    expect(again.authenticate(`${PRESET}-2`)).not.toBeNull();
    expect(revoked).toEqual([old?.id]);
  });

  test('may go back to an earlier preset', async () => {
    for (const text of [PRESET, `${PRESET}-2`, PRESET]) await keys.ensureAdminKey(text);
    expect(keys.authenticate(PRESET)).not.toBeNull();
    expect(keys.authenticate(`${PRESET}-2`)).toBeNull();
  });

  test('stays when the setting goes', async () => {
    await keys.ensureAdminKey(PRESET);
    expect(await keys.ensureAdminKey(null)).toEqual({ created: false, secret: null });
    expect(keys.authenticate(PRESET)).not.toBeNull();
  });

  test('may be the text of a made admin key, which it then is', async () => {
    const { secret, keyId } = await callerOf(keys, 'x', ['admin']);
    expect(await keys.ensureAdminKey(secret)).toEqual({ created: false, secret: null });
    expect(keys.authenticate(secret)).toMatchObject({ keyId });
    expect(keys.list()).toHaveLength(1);
  });

  test('may be the text of a made key that is revoked: the setting wins', async () => {
    const { secret, keyId } = await callerOf(keys, 'x', ['handlers:write']);
    await keys.revoke(keyId, ADMIN);
    expect(await keys.ensureAdminKey(secret)).toEqual({ created: true, secret: null });
    expect(keys.authenticate(secret)).toMatchObject({ name: 'ADMIN_KEY', scopes: ['admin'] });
  });

  test('may be the text of a key of another installation', async () => {
    const foreign = `hw_0123456789abcdef_${'x'.repeat(43)}`;
    expect(await keys.ensureAdminKey(foreign)).toEqual({ created: true, secret: null });
    expect(keys.authenticate(foreign)).not.toBeNull();
  });

  test.each([
    ['short', 'x'.repeat(15)],
    ['long', 'x'.repeat(513)],
    ['blanks', 'sixteen chars and more'],
    ['line end', `${'x'.repeat(20)}\n`],
    ['not ASCII', 'ümläut-ümläut-ümläut'],
  ])('is refused when %s, without being quoted', async (_what, text) => {
    const error: unknown = await keys.ensureAdminKey(text).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(String(error)).not.toContain(text);
    expect(keys.list()).toEqual([]);
  });
});

describe('last use', () => {
  const stored = async (): Promise<(number | null)[]> => (await store.keys.all()).map(({ lastUsedAt }) => lastUsedAt);

  test('is seen at once and written down in batches', async () => {
    const { secret } = await callerOf(keys, 'x');
    const at = clock.now();
    keys.authenticate(secret);
    expect(keys.list()).toMatchObject([{ lastUsedAt: at }]);
    expect(await stored()).toEqual([null]);
    clock.advance(5_000);
    await store.keys.touch([]);
    expect(await stored()).toEqual([at]);
  });

  test('is written at most once a minute for each key', async () => {
    let writes = 0;
    const noteWrites = (count: number): void => {
      writes += count;
    };
    const counting: KeyStore = { ...store.keys, touch: async (uses) => noteWrites(uses.length) };
    await using ring = await open(counting);
    const one = await callerOf(ring, 'one');
    const two = await callerOf(ring, 'two');
    for (let i = 0; i < 600; i++) {
      ring.authenticate(one.secret);
      ring.authenticate(two.secret);
      clock.advance(100);
    }
    expect(writes).toBe(2);
    ring.authenticate(one.secret);
    clock.advance(5_000);
    expect(writes).toBe(3);
  });

  test('is written down on disposal, and leaves no timer', async () => {
    const { secret } = await callerOf(keys, 'x');
    keys.authenticate(secret);
    await keys[Symbol.asyncDispose]();
    expect(clock.timers.size).toBe(0);
    expect(await stored()).toEqual([clock.now()]);
  });

  test('that cannot be written is reported and harms nobody', async () => {
    const failing: KeyStore = { ...store.keys, touch: () => Promise.reject(new Error('disk full')) };
    const ring = await open(failing);
    const { secret } = await callerOf(ring, 'x');
    ring.authenticate(secret);
    await ring[Symbol.asyncDispose]();
    expect(reports).toHaveLength(1);
    expect(ring.authenticate(secret)).not.toBeNull();
  });

  test('is not noted for a refused secret', async () => {
    await callerOf(keys, 'x');
    keys.authenticate('hw_nobody');
    expect(clock.timers.size).toBe(0);
  });
});

describe('a key that could not be stored', () => {
  test('does not exist', async () => {
    const failing: KeyStore = { ...store.keys, create: () => Promise.reject(new Error('disk full')) };
    const ring = await open(failing);
    await expect(callerOf(ring, 'x')).rejects.toThrow('disk full');
    expect(ring.list()).toEqual([]);
  });
});

test('a wrong id is hashed and compared like a wrong secret, so that its time tells nothing', async () => {
  const calls: string[] = [];
  const noting: Cryptography = {
    ...nodeCryptography,
    sha256(text) {
      calls.push('hash');
      return nodeCryptography.sha256(text);
    },
    equalInConstantTime(a, b) {
      calls.push('compare');
      return nodeCryptography.equalInConstantTime(a, b);
    },
  };
  const { secret } = await callerOf(keys, 'x');
  const ring = await keyRing({ store: store.keys, crypto: noting, clock, report: () => {} });
  for (const text of [secret, `${secret.slice(0, -1)}_`, `hw_0123456789abcdef_${'A'.repeat(43)}`, 'nothing like it', '']) {
    calls.length = 0;
    ring.authenticate(text);
    expect(calls).toEqual(['hash', 'compare']);
  }
  await ring[Symbol.asyncDispose]();
});
