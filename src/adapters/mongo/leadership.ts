import type { Leadership } from '../../ports/leadership.ts';
import { isDuplicate, steady } from './faults.ts';
import type { Shared } from './shared.ts';

/** The lead is a document with an end, set and compared by the database's clock. */
export function leadershipOf({ all: { leaders }, presence }: Pick<Shared, 'all' | 'presence'>): Leadership {
  return {
    lead: (name, _now, ttlMs) =>
      steady(async () => {
        const { owner } = presence;
        // An upsert takes no $expr in its filter, so the update decides: where another leads, it leaves everything as it is.
        const isFree = { $or: [{ $eq: ['$owner', owner] }, { $lte: ['$until', null] }, { $lt: ['$until', '$$NOW'] }] };
        const until = { $add: ['$$NOW', ttlMs] };
        const lease = [{ $set: { owner: { $cond: [isFree, owner, '$owner'] }, until: { $cond: [isFree, until, '$until'] } } }];
        try {
          const after = await leaders.findOneAndUpdate({ _id: name }, lease, { upsert: true, returnDocument: 'after' });
          return after?.owner === owner;
        } catch (error) {
          if (isDuplicate(error)) return false;
          throw error;
        }
      }),
  };
}
