import { BSON, type Db, type Document, type IndexDescription } from 'mongodb';
import { EngineError } from '../../core/errors.ts';
import type { CopyFiles, OnProgress } from '../../ports/backup.ts';
import { fileNameOf, isStored, nameOfFile } from './backup-names.ts';
import { documentsOf } from './bson-stream.ts';
import { insertRaw, portionsOf } from './raw-insert.ts';

const LARGEST_METADATA = 16_777_216;
const AT_ONCE = 3;
/** Options of a collection that are put back; others belong to kinds of collections that a store has none of. */
const OPTIONS = ['collation', 'validator', 'validationLevel', 'validationAction'] as const;

/** A collection of a backup. `name` is the one that it has in this store. */
export interface Part {
  name: string;
  data: string;
  metadata: string | null;
  count: number;
}

/** The collections of a backup, by the names that they have in a store whose events are in `events`. */
export function partsOf({ manifest }: CopyFiles, events: string): Part[] {
  const paths = new Set(manifest.files.map(({ path }) => path));
  return Object.entries(manifest.counts).map(([name, count]) => {
    const base = `${fileNameOf(manifest.database)}/${fileNameOf(name)}`;
    const own = name === manifest.collection ? events : name;
    if (!paths.has(`${base}.bson`) || !isStored(own, events) || nameOfFile(fileNameOf(name)) !== name)
      throw new EngineError('backup_damaged', `The backup has no data of ${name}, or it is none of this store's collections.`);
    return { name: own, data: `${base}.bson`, metadata: paths.has(`${base}.metadata.json`) ? `${base}.metadata.json` : null, count };
  });
}

/** Fills a new collection with a part of a backup, index by index as it was, and counts what is in it. */
export async function stagePart(db: Db, name: string, part: Part, files: CopyFiles, onDone: (count: number) => void): Promise<void> {
  const { options, indexes } = await metadataOf(part, files);
  await db.createCollection(name, options);
  await insertAll(db, name, files.read(part.data), onDone);
  const [lasting, passing] = [indexes.filter((one) => !expires(one)), indexes.filter(expires)];
  if (lasting.length > 0) await db.collection(name).createIndexes(lasting);
  const count = await db.collection(name).countDocuments({}, { hint: '_id_' });
  if (count !== part.count) throw new EngineError('backup_damaged', `${part.name} has ${count} documents instead of ${part.count}.`);
  // These take documents away on their own.
  if (passing.length > 0) await db.collection(name).createIndexes(passing);
}

const expires = (index: IndexDescription): boolean => index.expireAfterSeconds !== undefined;

async function metadataOf(part: Part, files: CopyFiles): Promise<{ options: Document; indexes: IndexDescription[] }> {
  if (part.metadata === null) return { options: {}, indexes: [] };
  const text = await textOf(files.read(part.metadata));
  const { options = {}, indexes = [] } = BSON.EJSON.parse(text, { relaxed: true }) as { options?: Document; indexes?: IndexDescription[] };
  return {
    options: Object.fromEntries(OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
    indexes: indexes.filter(({ name }) => name !== '_id_').map(({ v: _v, ns: _ns, ...index }: Document) => index as IndexDescription),
  };
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    size += chunk.length;
    if (size > LARGEST_METADATA) throw new EngineError('backup_damaged', 'The description of a collection is too large.');
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** A few commands are under way at once, so that the database need not wait for the disk of this process. */
async function insertAll(db: Db, name: string, chunks: AsyncIterable<Uint8Array>, onDone: (count: number) => void): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const insert = async (portion: Buffer[]): Promise<void> => {
    const [fault] = await insertRaw(db, name, portion, { w: 1 });
    if (fault !== undefined) throw new Error(`a document was not taken: ${fault.message}`);
    onDone(portion.length);
  };
  try {
    for await (const portion of portionsOf(documentsOf(chunks))) {
      const one = insert(portion).finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}

export function progressOf(parts: readonly Part[], phase: string, onProgress: OnProgress): (count: number) => void {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  return (count) => {
    done += count;
    onProgress({ phase, done, total, unit: 'documents' });
  };
}
