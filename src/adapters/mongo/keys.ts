import type { Key } from '../../core/key.ts';
import type { KeyStore } from '../../ports/key-store.ts';
import type { KeyDocument } from './documents.ts';
import { bounded, isDuplicate } from './faults.ts';
import type { Shared } from './shared.ts';

/** Revocation and use are members of their own, so that neither overwrites the other. */
export function keyStore(shared: Shared): KeyStore {
  const { keys, settings } = shared.all;
  return {
    all: () =>
      bounded(async () => {
        const found = await keys.find({}, { sort: { _id: 1 } }).toArray();
        return found.map(keyOf);
      }),
    create: ({ revokedAt, lastUsedAt, ...rest }) =>
      bounded(async () => {
        await keys.insertOne({ _id: rest.id, body: JSON.stringify(rest), revokedAt, lastUsedAt });
        shared.signal('keys');
      }),
    revoke: (id, at) =>
      bounded(async () => {
        const first = [{ $set: { revokedAt: { $ifNull: ['$revokedAt', at] } } }];
        const after = await keys.findOneAndUpdate({ _id: id }, first, { returnDocument: 'after' });
        shared.signal('keys');
        return after === null ? null : keyOf(after);
      }),
    touch: (uses) =>
      bounded(async () => {
        const operations = uses.map(({ id, at }) => ({ updateOne: { filter: { _id: id }, update: { $set: { lastUsedAt: at } } } }));
        if (operations.length > 0) await keys.bulkWrite(operations);
      }),
    keepSetting: (name, value) =>
      bounded(async () => {
        const kept = await settings
          .findOneAndUpdate({ _id: name }, { $setOnInsert: { value } }, { upsert: true, returnDocument: 'after' })
          .catch((error: unknown) => {
            if (isDuplicate(error)) return settings.findOne({ _id: name }); // another was first
            throw error;
          });
        return kept?.value ?? value;
      }),
    setting: (name) => bounded(async () => (await settings.findOne({ _id: name }))?.value ?? null),
    exchangeSetting: (name, before, after) =>
      bounded(async () => {
        if (before !== null) return (await settings.updateOne({ _id: name, value: before }, { $set: { value: after } })).matchedCount === 1;
        try {
          await settings.insertOne({ _id: name, value: after });
          return true;
        } catch (error) {
          if (isDuplicate(error)) return false;
          throw error;
        }
      }),
  };
}

function keyOf({ body, revokedAt, lastUsedAt }: KeyDocument): Key {
  return { ...(JSON.parse(body) as Omit<Key, 'revokedAt' | 'lastUsedAt'>), revokedAt, lastUsedAt };
}
