import type { Collections } from './connect.ts';
import { QUICK } from './connect.ts';

const NAME = 'arrival';

/** Numbers what arrives, over all servers, so that no clock decides the order. */
export interface Sequence {
  /** The first of `count` numbers that follow each other. */
  next(count: number): Promise<number>;
}

/**
 * The increment need not be confirmed by a majority: the writes that use its numbers come later in the same log, so when a fail-over
 * undoes it, they are undone too. Starts above everything stored, in case the counter was lost.
 */
export async function openSequence({ counters, events, executions }: Collections): Promise<Sequence> {
  const [event] = await events.find({}, { projection: { '_hookwright.seq': 1 }, sort: { '_hookwright.seq': -1 }, limit: 1 }).toArray();
  const [execution] = await executions.find({}, { projection: { seq: 1 }, sort: { seq: -1 }, limit: 1 }).toArray();
  const highest = Math.max(0, event?._hookwright?.seq ?? 0, execution?.seq ?? 0);
  await counters.updateOne({ _id: NAME }, { $max: { value: highest } }, { upsert: true });
  return {
    async next(count) {
      const counter = await counters.findOneAndUpdate(
        { _id: NAME },
        { $inc: { value: count } },
        { upsert: true, returnDocument: 'after', ...QUICK },
      );
      return (counter?.value ?? count) - count + 1;
    },
  };
}
