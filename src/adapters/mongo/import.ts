import { BSON } from 'mongodb';
import { sameEvent } from '../../core/same-event.ts';
import type { EventImport, ImportedEvent, ImportResult } from '../../ports/event-import.ts';
import { readEvent } from './bson-read.ts';
import { eventDocument } from './bson-write.ts';
import { connect, DURABLE } from './connect.ts';
import { insertRaw } from './raw-insert.ts';
import { type MongoStoreOptions, openMongoStore } from './store.ts';

const RENEW_MS = 4_000;
const DUPLICATE_KEY = 11_000;
const LARGEST_COMMAND = 16_000_000;

/** Writes beside servers that run, and counts as one of them, so that no restore or migration begins meanwhile. */
export async function mongoImport(options: MongoStoreOptions & { database: string; collection: string }): Promise<EventImport> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openMongoStore(options));
  const timer = setInterval(() => void store.queue.renew(Date.now()).catch(() => {}), RENEW_MS);
  stack.defer(() => clearInterval(timer));
  const client = stack.use(await connect(options.url, null));
  const db = client.db(options.database);
  const collection = db.collection<{ _id: string }>(options.collection);

  async function insert(documents: readonly Buffer[]): Promise<Map<number, ImportResult | 'taken'>> {
    const faults = await insertRaw(db, options.collection, documents, { w: DURABLE.w, j: true });
    return new Map(faults.map(({ index, code, message }) => [index, code === DUPLICATE_KEY ? 'taken' : { refused: message }]));
  }
  async function stored(ids: readonly string[]): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for await (const bytes of collection.find({ _id: { $in: [...ids] } }, { raw: true })) {
      const { id, json } = readEvent(bytes as unknown as Buffer); // what `raw` answers
      texts.set(id, json);
    }
    return texts;
  }

  const owned = stack.move();
  return {
    async put(events) {
      const results: ImportResult[] = [];
      for (const portion of portions(events)) {
        const faults = await insert(portion.map(({ bytes }) => bytes));
        const taken = portion.filter((_, n) => faults.get(n) === 'taken').map(({ event }) => event.id);
        const before = taken.length === 0 ? new Map<string, string>() : await stored(taken);
        for (const [n, { event }] of portion.entries()) results.push(resultOf(faults.get(n), event, before));
      }
      return results;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function resultOf(fault: ImportResult | 'taken' | undefined, event: ImportedEvent, before: ReadonlyMap<string, string>): ImportResult {
  if (fault !== 'taken') return fault ?? 'stored';
  return sameEvent(before.get(event.id) ?? '', event.json, { timestamp: false, source: false }) ? 'duplicate' : 'conflict';
}

interface Written {
  event: ImportedEvent;
  bytes: Buffer;
}

/** As many at a time as one command takes. */
function* portions(events: readonly ImportedEvent[]): Generator<Written[]> {
  let [portion, size]: [Written[], number] = [[], 0];
  for (const event of events) {
    const bytes = documentOf(event);
    if (portion.length > 0 && size + bytes.length > LARGEST_COMMAND) {
      yield portion;
      [portion, size] = [[], 0];
    }
    portion.push({ event, bytes });
    size += bytes.length;
  }
  if (portion.length > 0) yield portion;
}

/** A document of MADSci stays as it is, byte for byte; a text becomes what MADSci would have stored. */
function documentOf(event: ImportedEvent): Buffer {
  if (event.bson !== null) return Buffer.from(event.bson);
  const document = eventDocument(event);
  if (event.archivedAtMs !== null) document['archived_at'] = new Date(event.archivedAtMs);
  if (document._hookwright?.json === undefined) delete document._hookwright;
  return Buffer.from(BSON.serialize(document));
}
