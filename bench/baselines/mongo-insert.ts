/** The bare driver doing the inserts that the server does on MongoDB: the same documents and indexes, as durable. */
import { eventDocument } from '../../src/adapters/mongo/bson-write.ts';
import { collectionsOf, connect } from '../../src/adapters/mongo/connect.ts';
import { executionDocument } from '../../src/adapters/mongo/executions.ts';
import { ensureIndexes } from '../../src/adapters/mongo/indexes.ts';
import { eventRow } from './rows.ts';

export type MongoRequest =
  /** So many callers, each with one insert under way. */
  | { kind: 'single'; run: string; callers: number; seconds: number }
  /** Unordered inserts of 512, two under way. */
  | { kind: 'bulk'; run: string; count: number }
  /** Event, execution, and its end, 512 at a time, two under way. */
  | { kind: 'pipe'; run: string; count: number };
export interface MongoReply {
  seconds: number;
  done: number;
}

const BATCH = 512;
const UNDER_WAY = 2;
const [, , url = '', database = ''] = process.argv;
const client = await connect(url, null);
const all = collectionsOf(client.db(database), 'events');
await ensureIndexes(all);
let seq = 0;

function documentOf(n: number, run: string): ReturnType<typeof eventDocument> {
  const row = eventRow({ n, run });
  const document = eventDocument({ id: row[0], json: row.at(-1) as string, cause: null });
  document._hookwright = { seq: ++seq };
  return document;
}

async function single({ run, callers, seconds }: Extract<MongoRequest, { kind: 'single' }>): Promise<number> {
  const end = performance.now() + seconds * 1_000;
  let done = 0;
  const caller = async (own: number): Promise<void> => {
    for (let n = 0; performance.now() < end; n++) {
      await all.events.insertOne(documentOf(n * callers + own, run));
      done++;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, own) => caller(own)));
  return done;
}

/** Batches one after the other, `UNDER_WAY` at a time. */
async function batches(count: number, work: (from: number, until: number) => Promise<number>): Promise<number> {
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next = Math.min(count, from + BATCH);
      const written = await work(from, next); // before the sum is read: another worker adds to it meanwhile
      done += written;
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, worker));
  return done;
}

const range = (from: number, until: number): number[] => Array.from({ length: until - from }, (_, n) => from + n);

function bulk({ run, count }: { run: string; count: number }): Promise<number> {
  return batches(count, async (from, until) => {
    const documents = range(from, until).map((n) => documentOf(n, run));
    return (await all.events.insertMany(documents, { ordered: false })).insertedCount;
  });
}

function pipe({ run, count }: { run: string; count: number }): Promise<number> {
  return batches(count, async (from, until) => {
    const documents = range(from, until).map((n) => documentOf(n, run));
    const now = Date.now();
    const planned = documents.map(({ _id }) => {
      const base = { id: `${String(_id)}.1`, handlerId: 1, handlerVersion: 0, hook: 'event.on_ingest', state: 'leased' as const };
      return executionDocument(
        { ...base, createdAt: now, runAt: now, orderingKey: null },
        { id: String(_id), fired: false },
        ++seq,
        'bare',
      );
    });
    await all.events.insertMany(documents, { ordered: false });
    await all.executions.insertMany(planned, { ordered: false });
    const ends = planned.map(({ _id, subject }) => ({
      updateOne: {
        filter: { _id, state: 'leased' as const, attempt: 1 },
        update: {
          $set: { state: 'succeeded' as const, startedAt: now, finishedAt: now, output: JSON.stringify(subject) },
          $unset: { owner: 1 as const },
        },
      },
    }));
    return (await all.executions.bulkWrite(ends, { ordered: false })).modifiedCount;
  });
}

async function answer(request: MongoRequest): Promise<MongoReply> {
  const start = performance.now();
  const done = request.kind === 'single' ? await single(request) : request.kind === 'bulk' ? await bulk(request) : await pipe(request);
  return { seconds: (performance.now() - start) / 1_000, done };
}

process.on('message', (request: MongoRequest) => void answer(request).then((reply) => process.send?.(reply)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
