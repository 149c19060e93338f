import { pairUp } from '../../core/alert.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { Collections } from './connect.ts';
import { isDuplicate, steady } from './faults.ts';

/** A document for each text that alerts had; of two servers that change it at the same time one looks again. */
export function alertStore({ alertPairs }: Collections): AlertStore {
  const tryOnce = async (key: string, alert: { id: string; atUs: number }, now: number): Promise<boolean | null> => {
    const before = await alertPairs.findOne({ _id: key });
    const { isTwin, pairs } = pairUp(before?.pairs ?? [], alert);
    if (pairs === null) return isTwin;
    const change = { pairs, seenAt: new Date(now) };
    if (before !== null) {
      const { matchedCount } = await alertPairs.updateOne({ _id: key, rev: before.rev }, { $set: change, $inc: { rev: 1 } });
      return matchedCount === 1 ? isTwin : null;
    }
    try {
      await alertPairs.insertOne({ _id: key, rev: 0, ...change });
      return isTwin;
    } catch (error) {
      if (isDuplicate(error)) return null; // another server was first
      throw error;
    }
  };

  return {
    isTwin: (key, alert, now) =>
      steady(async () => {
        for (;;) {
          const answer = await tryOnce(key, alert, now);
          if (answer !== null) return answer;
        }
      }),
  };
}
