import { hash } from 'node:crypto';
import type { Collection, Filter } from 'mongodb';
import { executionIdPrefix } from '../../core/execution-id.ts';
import type { RetentionStore, Slice, Swept } from '../../ports/retention-store.ts';
import { archiveIds, purgeIds } from './archive.ts';
import type { Collections } from './connect.ts';
import type { DeliveryDocument, ExecutionDocument, FiringDocument } from './documents.ts';
import { BY_ID, bounded, steady } from './faults.ts';

interface Numbered {
  _id: string;
  seq: number;
  createdAt: number;
}

/** What may go when it ended before. What an outcome causes is written first. */
const ENDED = {
  executions: (before: number): Filter<ExecutionDocument> => ({
    state: { $in: ['succeeded', 'canceled'] },
    finishedAt: { $lt: before },
    effectsBy: { $exists: false },
  }),
  deliveries: (before: number): Filter<DeliveryDocument> => ({ state: 'sent', sentAt: { $lt: before } }),
};

export function retentionStore(all: Collections): RetentionStore {
  const { events, firings, executions } = all;
  const numbered = (what: Swept): Collection<Numbered> => all[what] as unknown as Collection<Numbered>;
  const projection = { seq: 1, createdAt: 1 } as const;

  return {
    async archiveOld({ beforeText, at, from, limit }) {
      const found = await bounded(() =>
        events
          .find(
            { event_timestamp: { $lt: beforeText, ...(from === null ? {} : { $gte: from }) }, archived: { $ne: true } },
            { projection: { event_timestamp: 1 }, sort: { event_timestamp: 1 }, limit, hint: { event_timestamp: 1 } },
          )
          .toArray(),
      );
      const ids = found.map(({ _id }) => _id);
      const count = ids.length === 0 ? 0 : await archiveIds(events, ids, at);
      // Those with the same text are found again, but for the ones that are archived now.
      return { count, next: ids.length < limit ? null : String(found.at(-1)?.['event_timestamp']) };
    },

    async purgeOld(before, limit) {
      const old = { archived: true, archived_at: { $lt: new Date(before) } };
      const found = await bounded(() => events.find(old, { projection: { _id: 1 }, limit }).toArray());
      return found.length === 0
        ? 0
        : purgeIds(
            events,
            found.map(({ _id }) => _id),
            new Date(before),
          );
    },

    async countOld({ beforeText, archivedBefore }) {
      const [archive, purge] = await Promise.all([
        events.countDocuments({ event_timestamp: { $lt: beforeText }, archived: { $ne: true } }),
        events.countDocuments({ archived: true, archived_at: { $lt: new Date(archivedBefore) } }),
      ]);
      return { archive, purge };
    },

    highest: (what) =>
      steady(
        async () =>
          (
            await numbered(what)
              .find({}, { projection, sort: { seq: -1 }, limit: 1 })
              .toArray()
          )[0]?.seq ?? 0,
      ),

    at: (what, number) =>
      steady(async () => {
        const [found] = await numbered(what)
          .find({ seq: { $gte: number } }, { projection, sort: { seq: 1 }, limit: 1 })
          .toArray();
        return found === undefined ? null : { number: found.seq, createdAt: found.createdAt };
      }),

    sweep: ({ what, before, below, from, limit }) =>
      steady(async (): Promise<Slice> => {
        const range = { seq: { $gt: from === null ? -1 : Number(from), $lt: below } };
        const found = await numbered(what)
          .find(range, { projection: { seq: 1 }, sort: { seq: 1 }, limit })
          .toArray();
        const last = found.at(-1);
        if (last === undefined) return { count: 0, next: null };
        const within = { seq: { $gt: range.seq.$gt, $lte: last.seq } };
        const { deletedCount } =
          what === 'executions'
            ? await executions.deleteMany({ ...within, ...ENDED.executions(before) }, { hint: { seq: 1 } })
            : await all.deliveries.deleteMany({ ...within, ...ENDED.deliveries(before) }, { hint: { seq: 1 } });
        return { count: deletedCount, next: found.length < limit ? null : String(last.seq) };
      }),

    sweepFirings: ({ before, from, limit }) =>
      steady(async (): Promise<Slice> => {
        const range: Filter<FiringDocument> = from === null ? {} : { _id: { $gt: from } };
        const found = await firings.find(range, { projection: { createdAt: 1 }, sort: BY_ID, limit }).toArray();
        const last = found.at(-1);
        if (last === undefined) return { count: 0, next: null };
        const old = found.filter(({ createdAt }) => createdAt < before).map(({ _id }) => _id);
        const gone = await without(executions, old);
        // One whose executions were planned and not yet written has an owner.
        const { deletedCount } = await firings.deleteMany({ _id: { $in: gone }, owner: { $exists: false } }, { hint: BY_ID });
        return { count: deletedCount, next: found.length < limit ? null : last._id };
      }),
  };
}

/** Those subjects of which there are no executions. */
async function without(executions: Collections['executions'], subjects: readonly string[]): Promise<string[]> {
  const gone: string[] = [];
  for (const id of subjects) {
    const prefix = executionIdPrefix(id, (text) => hash('sha1', text));
    // The slash is the character after the dot.
    const one = await executions.findOne({ _id: { $gte: prefix, $lt: `${prefix.slice(0, -1)}/` } }, { projection: { _id: 1 } });
    if (one === null) gone.push(id);
  }
  return gone;
}
