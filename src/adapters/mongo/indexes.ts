import type { Collection, CreateIndexesOptions, Document, IndexSpecification } from 'mongodb';
import { TWIN_MEMORY_MS } from '../../ports/alert-store.ts';
import type { Collections } from './connect.ts';

interface Index {
  key: Record<string, 1 | -1>;
  options?: CreateIndexesOptions;
}
const over = (...names: string[]): Index => ({ key: Object.fromEntries(names.map((name) => [name, 1])) });
const where = (index: Index, partialFilterExpression: Document, more: CreateIndexesOptions = {}): Index => ({
  ...index,
  options: { ...more, partialFilterExpression },
});

const SEQ = '_hookwright.seq';
const OWNED: Document = { owner: { $exists: true } };
const LOCKED: Document = { lockedBy: { $exists: true } };

/** MADSci's own (M30), then those that our order, cursors and recovery need. */
const EVENTS: readonly Index[] = [
  over('event_timestamp'),
  over('log_level'),
  over('archived'),
  over('archived', 'archived_at'),
  over(SEQ, '_id'),
  { key: { event_timestamp: -1, [SEQ]: -1, _id: -1 } },
  over('event_type'),
  where(over('source.node_id'), { 'source.node_id': { $exists: true } }),
  where(over('_hookwright.owner'), { '_hookwright.owner': { $exists: true } }),
];
/**
 * Most executions have ended, so what is asked about open ones has indexes that hold only these. The state is a key of them all the same:
 * so the database need not look at the documents to know it.
 */
const EXECUTIONS: readonly Index[] = [
  over('seq'),
  over('handlerId', 'seq'),
  where(over('state', 'handlerId', 'seq', 'runAt', '_id'), { state: 'pending' }),
  where(over('state', 'handlerId', 'runAt'), { state: 'pending' }),
  where(over('state', 'owner'), { state: 'leased' }),
  where(over('effectsBy'), { effectsBy: { $exists: true } }),
  where(over('state', 'seq'), { state: 'dead' }),
];

type AnyCollection = Collection<Document>;

/** A collection of ours is taken for one of plain documents: names of indexes are not typed. */
const wantedOf = (all: Collections): [AnyCollection, readonly Index[]][] =>
  [
    [all.events, EVENTS],
    [all.executions, EXECUTIONS],
    [all.firings, [where(over('owner'), OWNED)]],
    [all.handlers, [where(over('hook', 'name'), { live: true }, { unique: true })]],
    [all.versions, [over('handlerId', 'version')]],
    [all.state, [over('handlerId')]],
    [
      all.deliveries,
      [where(over('nextAt', 'seq'), { state: 'pending' }), where(over('lockedBy'), LOCKED), over('executionId'), over('seq')],
    ],
    [all.alertPairs, [{ key: { seenAt: 1 }, options: { expireAfterSeconds: TWIN_MEMORY_MS / 1_000 } }]],
  ] as unknown as [AnyCollection, readonly Index[]][];

/** Makes the indexes that are missing. One on the same members is taken as it is, whatever its name: MADSci may have made it. */
export async function ensureIndexes(all: Collections): Promise<void> {
  await Promise.all(wantedOf(all).map(([collection, wanted]) => ensure(collection, wanted)));
}

async function ensure(collection: AnyCollection, wanted: readonly Index[]): Promise<void> {
  for (const { key, options } of await missingOf(collection, wanted))
    await collection.createIndex(key as IndexSpecification, options ?? {});
}

async function missingOf(collection: AnyCollection, wanted: readonly Index[]): Promise<Index[]> {
  const there = await collection.indexes().catch(() => []); // the collection may not exist yet
  return wanted.filter((index) => !there.some((one) => isSame(one, index)));
}

/** In words, for people. */
export async function missingIndexes(all: Collections): Promise<string[]> {
  const missing = wantedOf(all).map(async ([collection, wanted]) =>
    (await missingOf(collection, wanted)).map(
      ({ key }) => `missing: the index of ${collection.collectionName} on ${Object.keys(key).join(', ')}`,
    ),
  );
  return (await Promise.all(missing)).flat();
}

function isSame(one: Document, { key, options }: Index): boolean {
  const condition = (given: unknown): string => JSON.stringify(given ?? null);
  return (
    JSON.stringify(one['key']) === JSON.stringify(key) &&
    condition(one['partialFilterExpression']) === condition(options?.partialFilterExpression)
  );
}
