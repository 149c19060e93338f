import { expect } from '@jest/globals';
import type { Key } from '../../src/core/key.ts';
import { type Options, suite, T0 } from './subject.ts';

const key = (id: string, over: Partial<Key> = {}): Key => ({
  id,
  name: `key ${id}`,
  scopes: ['events:read', 'admin'],
  hash: 'ab'.repeat(32),
  createdAt: T0,
  createdBy: 'start',
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  ...over,
});
const byId = (a: Key, b: Key): number => (a.id < b.id ? -1 : 1);

export function keyStoreConformance(adapter: string, options: Options): void {
  suite(`KeyStore: ${adapter}`, options, (it) => {
    it('keeps keys as they are given', async ({ keys }) => {
      const made = [key('b', { expiresAt: T0 + 5, name: 'Ünïcode "name" \u{1f9ea}' }), key('a', { scopes: [] }), key('__proto__')];
      for (const one of made) await keys.create(one);
      expect((await keys.all()).toSorted(byId)).toEqual(made.toSorted(byId));
    });

    it('has no keys at first', async ({ keys }) => {
      expect(await keys.all()).toEqual([]);
    });

    it('refuses a second key of the same id, and keeps the first', async ({ keys }) => {
      await keys.create(key('a', { name: 'first' }));
      await expect(keys.create(key('a', { name: 'second' }))).rejects.toThrow();
      expect(await keys.all()).toEqual([key('a', { name: 'first' })]);
    });

    it('revokes, and keeps the time of the first revocation', async ({ keys }) => {
      await keys.create(key('a'));
      await keys.create(key('b'));
      expect(await keys.revoke('a', T0 + 1)).toEqual(key('a', { revokedAt: T0 + 1 }));
      expect(await keys.revoke('a', T0 + 2)).toEqual(key('a', { revokedAt: T0 + 1 }));
      expect(await keys.revoke('nothing', T0)).toBeNull();
      expect((await keys.all()).toSorted(byId)).toEqual([key('a', { revokedAt: T0 + 1 }), key('b')]);
    });

    it('notes uses, and passes over keys that are not there', async ({ keys }) => {
      await keys.create(key('a'));
      await keys.create(key('b'));
      await keys.touch([
        { id: 'a', at: T0 + 3 },
        { id: 'nothing', at: T0 },
        { id: 'b', at: T0 + 4 },
      ]);
      await keys.touch([]);
      await keys.touch([{ id: 'a', at: T0 + 9 }]);
      expect((await keys.all()).toSorted(byId).map(({ lastUsedAt }) => lastUsedAt)).toEqual([T0 + 9, T0 + 4]);
    });

    it('loses no revocation to a use noted at the same time', async ({ keys }) => {
      await keys.create(key('a'));
      await Promise.all([keys.touch([{ id: 'a', at: T0 + 1 }]), keys.revoke('a', T0 + 2), keys.touch([{ id: 'a', at: T0 + 3 }])]);
      expect(await keys.all()).toMatchObject([{ revokedAt: T0 + 2, lastUsedAt: expect.any(Number) }]);
    });

    it('keeps the first value of a setting, and answers it to everyone', async ({ keys }) => {
      expect(await keys.keepSetting('manager_id', 'first')).toBe('first');
      expect(await keys.keepSetting('manager_id', 'second')).toBe('first');
      expect(await keys.keepSetting('other', '')).toBe('');
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => keys.keepSetting('race', `v${n}`)));
      expect(new Set(answers).size).toBe(1);
    });

    it('exchanges a setting only for the value that was read, so that one of several succeeds', async ({ keys }) => {
      expect(await keys.setting('record')).toBeNull();
      expect(await keys.exchangeSetting('record', 'something', 'a')).toBe(false);
      expect(await keys.exchangeSetting('record', null, 'a')).toBe(true);
      expect(await keys.exchangeSetting('record', null, 'b')).toBe(false);
      expect(await keys.setting('record')).toBe('a');
      const exchanged = await Promise.all(Array.from({ length: 10 }, (_, n) => keys.exchangeSetting('record', 'a', `v${n}`)));
      expect(exchanged.filter(Boolean)).toHaveLength(1);
      expect(await keys.setting('record')).toBe(`v${exchanged.indexOf(true)}`);
    });

    it('keeps keys and settings over a restart', async (subject) => {
      await subject.keys.create(key('a'));
      await subject.keys.keepSetting('manager_id', 'first');
      await using again = await subject.reopen();
      expect(await again.keys.all()).toEqual([key('a')]);
      expect(await again.keys.keepSetting('manager_id', 'second')).toBe('first');
    });
  });
}
