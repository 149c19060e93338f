import type { Leadership } from '../../ports/leadership.ts';
import { bounded, isDuplicate } from './faults.ts';
import type { Shared } from './shared.ts';

/** The lead is a document with an end, set and compared by the database's clock. */
export function leadershipOf({ all: { leaders }, presence }: Shared): Leadership {
  return {
    lead: (name, _now, ttlMs) =>
      bounded(async () => {
        const { owner } = presence;
        const free = { $or: [{ owner }, { $expr: { $lt: ['$until', '$$NOW'] } }] };
        const lease = [{ $set: { owner, until: { $add: ['$$NOW', ttlMs] } } }];
        try {
          // Where another leads, nothing is found, and the document that would be made is there already.
          await leaders.updateOne({ _id: name, ...free }, lease, { upsert: true });
          return true;
        } catch (error) {
          if (isDuplicate(error)) return false;
          throw error;
        }
      }),
  };
}
