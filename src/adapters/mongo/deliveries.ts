import type { Filter } from 'mongodb';
import type { Delivery, DeliveryKind } from '../../core/delivery.ts';
import { DELIVERY_LEASE_MS, type DeliveryLane, type DeliveryStore } from '../../ports/delivery-store.ts';
import type { Collections } from './connect.ts';
import type { DeliveryDocument } from './documents.ts';
import { bounded, steady } from './faults.ts';
import { beforeCursor, newestPage } from './paging.ts';
import type { Shared } from './shared.ts';

const LOCK = { lockedBy: 1, lockedUntil: 1 } as const;

/** Takes the locks of these servers away. Answers how many there were. */
export async function unlockDeliveries({ deliveries }: Collections, owners: readonly string[]): Promise<number> {
  return (await deliveries.updateMany({ lockedBy: { $in: [...owners] } }, { $unset: LOCK })).modifiedCount;
}

/** The outbox. A delivery that was handed to a server is locked for it, by the database's clock. */
export function deliveryStore(shared: Shared): DeliveryStore {
  const { deliveries } = shared.all;
  const mineOrNobodys = (): Filter<DeliveryDocument> => ({ $or: [{ lockedBy: shared.presence.owner }, { lockedBy: { $exists: false } }] });
  const free = (): Filter<DeliveryDocument> => ({
    $or: [{ lockedBy: shared.presence.owner }, { lockedBy: { $exists: false } }, { $expr: { $lt: ['$lockedUntil', '$$NOW'] } }],
  });

  const inLane = (lane: DeliveryLane): Filter<DeliveryDocument> =>
    lane === 'all' ? {} : { kind: lane === 'alerts' ? 'alert' : { $ne: 'alert' } };

  return {
    due: (now, limit, lane = 'all') =>
      steady(async () => {
        const filter = { state: 'pending' as const, nextAt: { $lte: now }, ...inLane(lane) };
        const candidates = await deliveries
          .find({ ...filter, ...free() }, { projection: { _id: 1 }, sort: { nextAt: 1, seq: 1 }, limit })
          .toArray();
        if (candidates.length === 0) return [];
        const { owner } = shared.presence;
        const ids = candidates.map(({ _id }) => _id);
        const lock = { lockedBy: owner, lockedUntil: { $add: ['$$NOW', DELIVERY_LEASE_MS] } };
        await deliveries.updateMany({ _id: { $in: ids }, ...filter, ...free() }, [{ $set: lock }]);
        const taken = await deliveries.find({ _id: { $in: ids }, ...filter, lockedBy: owner }, { sort: { nextAt: 1, seq: 1 } }).toArray();
        return taken.map(deliveryOf);
      }),
    nextDueAt: (lane = 'all') =>
      bounded(async () => {
        const pending = { state: 'pending' as const, nextAt: { $ne: null }, ...inLane(lane) };
        const first = { projection: { nextAt: 1 }, sort: { nextAt: 1 as const }, limit: 1 };
        const [next] = await deliveries.find({ ...pending, ...free() }, first).toArray();
        if (next !== undefined) return next.nextAt;
        // All are with other servers: should one of those die, its turn is over by then.
        const [locked] = await deliveries
          .find(pending, { projection: { nextAt: 1, lockedUntil: 1 }, sort: { lockedUntil: 1 }, limit: 1 })
          .toArray();
        return locked === undefined ? null : Math.max(locked.nextAt ?? 0, locked.lockedUntil?.getTime() ?? 0);
      }),
    record: (results) =>
      steady(async () => {
        const operations = results.map(({ id, ...ended }) => ({
          updateOne: {
            filter: { _id: id, state: 'pending' as const, ...mineOrNobodys() },
            update: { $set: ended, $unset: LOCK },
          },
        }));
        if (operations.length > 0) await deliveries.bulkWrite(operations, { ordered: false });
      }),
    resend: (id, now) =>
      bounded(async () => {
        const { matchedCount } = await deliveries.updateOne(
          { _id: id, state: { $ne: 'pending' } },
          {
            $set: { state: 'pending', attempts: 0, nextAt: now, lastError: null, sentAt: null },
            $unset: LOCK,
          },
        );
        if (matchedCount === 1) shared.signal('deliveries');
        if (matchedCount === 1) return 'requeued';
        return (await deliveries.countDocuments({ _id: id })) === 0 ? 'absent' : 'pending';
      }),
    waiting: () =>
      bounded(async () => {
        const byKind = [{ $match: { state: 'pending' } }, { $group: { _id: '$kind', n: { $sum: 1 } } }];
        const counted = await deliveries.aggregate<{ _id: DeliveryKind; n: number }>(byKind).toArray();
        return Object.fromEntries(counted.map(({ _id, n }) => [_id, n]));
      }),
    get: (id) =>
      bounded(async () => {
        const found = await deliveries.findOne({ _id: id });
        return found === null ? null : deliveryOf(found);
      }),
    list: ({ executionId, state }, page) =>
      bounded(async () => {
        const filter: Filter<DeliveryDocument> = {
          ...(executionId === undefined ? {} : { executionId }),
          ...(state === undefined ? {} : { state }),
          ...(page.cursor === null ? {} : { seq: { $lt: beforeCursor(page.cursor) } }),
        };
        const found = await deliveries.find(filter, { sort: { seq: -1 }, limit: page.limit + 1, projection: { attachments: 0 } }).toArray();
        return newestPage(found, page.limit, deliveryOf, ({ seq }) => seq);
      }),
  };
}

function deliveryOf({ _id, seq: _, lockedBy: __, lockedUntil: ___, ...rest }: DeliveryDocument): Delivery {
  return { id: _id, ...rest };
}
