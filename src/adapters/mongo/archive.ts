import type { Filter } from 'mongodb';
import type { EventStore } from '../../ports/event-store.ts';
import type { Collections } from './connect.ts';
import type { EventDocument } from './documents.ts';
import { bounded } from './faults.ts';

/** How many events one update or delete touches: each must end soon. */
const BATCH = 2_000;

type Archive = Pick<EventStore, 'archive' | 'purgeArchived'>;

type Events = Collections['events'];

/** Archiving sets MADSci's two members as MADSci does: `archived_at` becomes a date (M29). */
export const archiveIds = (events: Events, ids: readonly string[], at: number): Promise<number> =>
  bounded(async () => {
    const change = { $set: { archived: true, archived_at: new Date(at) } };
    const { modifiedCount } = await events.updateMany({ _id: { $in: [...ids] }, archived: { $ne: true } }, change);
    return modifiedCount;
  });

/** Those of them that were archived before. */
export const purgeIds = (events: Events, ids: readonly string[], before: Date): Promise<number> =>
  bounded(async () => {
    const { deletedCount } = await events.deleteMany({ _id: { $in: [...ids] }, archived: true, archived_at: { $lt: before } });
    return deletedCount;
  });

export function archiveOf({ events }: Collections): Archive {
  /** A batch after the other, so that no operation takes longer the more there is to do. */
  const inBatches = async (filter: Filter<EventDocument>, change: (ids: readonly string[]) => Promise<number>): Promise<number> => {
    let [count, ids]: [number, string[]] = [0, []];
    for await (const { _id } of events.find(filter, { projection: { _id: 1 }, batchSize: BATCH })) {
      ids.push(_id);
      if (ids.length < BATCH) continue;
      count += await change(ids);
      ids = [];
    }
    return ids.length === 0 ? count : count + (await change(ids));
  };

  return {
    async archive(what, at) {
      if (!('ids' in what))
        return inBatches({ event_timestamp: { $lt: what.beforeText }, archived: { $ne: true } }, (ids) => archiveIds(events, ids, at));
      let count = 0;
      for (let from = 0; from < what.ids.length; from += BATCH) count += await archiveIds(events, what.ids.slice(from, from + BATCH), at);
      return count;
    },
    purgeArchived(before) {
      const date = new Date(before);
      // Texts, which clients sent, are never below a date: those events stay (M67).
      return inBatches({ archived: true, archived_at: { $lt: date } }, (ids) => purgeIds(events, ids, date));
    },
  };
}
