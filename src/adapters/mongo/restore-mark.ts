import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import { EngineError } from '../../core/errors.ts';
import { DURABLE } from './connect.ts';
import { isDuplicate } from './faults.ts';

/** A collection that changes places; `staged` null: the backup has none of it. */
export interface Move {
  staged: string | null;
  live: string;
  replaced: string;
}
interface Mark {
  _id: 'restore';
  /** `swapping`: collections change places, and no server may start until they have. */
  state: 'staging' | 'swapping';
  owner: string;
  until: Date;
  moves: Move[];
}

const ID = 'restore';
const TTL_MS = 10_000;
const RENEW_MS = 2_000;
/** So long one that died is waited for. */
const PATIENCE_MS = TTL_MS + RENEW_MS;
const AGAIN_MS = 500;

export const marksOf = (db: Db): Collection<Mark> => db.collection<Mark>('hookwright_restore', { writeConcern: DURABLE });

/** Refuses a start on a database that is half one store and half another. */
export async function assertNotSwapping(db: Db): Promise<void> {
  const mark = await marksOf(db).findOne({ _id: ID });
  if (mark?.state === 'swapping')
    throw new Error(
      `A restore of the database ${db.databaseName} has not ended: some collections are the old ones and some are those of the backup. ` +
        'Run: hookwright backup restore --finish',
    );
}

/** One restore or rehearsal at a time: who holds the mark says so again and again while it lives. */
export class Holder implements AsyncDisposable {
  readonly #marks: Collection<Mark>;
  readonly #owner = randomBytes(8).toString('hex');
  #timer: NodeJS.Timeout | undefined;
  #isLost = false;

  private constructor(marks: Collection<Mark>) {
    this.#marks = marks;
  }

  static async take(db: Db): Promise<Holder> {
    const holder = new Holder(marksOf(db));
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await setTimeout(AGAIN_MS)) {
      if (!(await holder.#take())) continue;
      holder.#timer = setInterval(() => void holder.#renew().catch(() => {}), RENEW_MS).unref();
      return holder;
    }
    throw new EngineError('restore_refused', 'Another restore or rehearsal is under way on this database.');
  }

  async #take(): Promise<boolean> {
    const isFree = { $or: [{ $lte: ['$until', null] }, { $lt: ['$until', '$$NOW'] }] };
    const change = {
      $set: {
        owner: { $cond: [isFree, this.#owner, '$owner'] },
        until: { $cond: [isFree, { $add: ['$$NOW', TTL_MS] }, '$until'] },
        state: { $ifNull: ['$state', 'staging'] },
        moves: { $ifNull: ['$moves', []] },
      },
    };
    try {
      const mark = await this.#marks.findOneAndUpdate({ _id: ID }, [change], { upsert: true, returnDocument: 'after' });
      return mark?.owner === this.#owner;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  async #renew(): Promise<void> {
    const later = [{ $set: { until: { $add: ['$$NOW', TTL_MS] } } }];
    const { matchedCount } = await this.#marks.updateOne({ _id: ID, owner: this.#owner }, later);
    if (matchedCount === 0) this.#isLost = true;
  }

  /** The moves that an interrupted restore was about; null when there was none. */
  async pending(): Promise<Move[] | null> {
    const mark = await this.#marks.findOne({ _id: ID });
    return mark?.state === 'swapping' ? mark.moves : null;
  }

  /** From here on the new store counts. Throws when another took over because this process was silent for too long. */
  async commit(moves: Move[]): Promise<void> {
    await this.#set({ state: 'swapping', moves });
  }

  async uncommit(): Promise<void> {
    await this.#set({ state: 'staging', moves: [] });
  }

  async #set(change: Pick<Mark, 'state' | 'moves'>): Promise<void> {
    const { matchedCount } = await this.#marks.updateOne({ _id: ID, owner: this.#owner }, { $set: change });
    if (this.#isLost || matchedCount === 0) throw new EngineError('restore_refused', 'Another restore has taken over meanwhile.');
  }

  /** The mark goes only when nothing is left to do. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#marks.deleteOne({ _id: ID, owner: this.#owner, state: 'staging' });
    await this.#marks.updateOne({ _id: ID, owner: this.#owner }, { $set: { until: new Date(0) } });
  }
}
