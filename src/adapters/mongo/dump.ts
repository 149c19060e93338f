import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BSON, type ClientSession, type Db, type Document, type MongoClient, MongoServerError } from 'mongodb';
import { EngineError } from '../../core/errors.ts';
import { naiveDateText } from '../../core/json.ts';
import type { OnProgress } from '../../ports/backup.ts';
import { fileNameOf, isStored } from './backup-names.ts';

const WRITE_BYTES = 4_194_304;
const BATCH = 2_000;
/** The snapshot is gone from what the database keeps of its past. */
const TOO_OLD = new Set<unknown>([239, 246]);

interface Source {
  name: string;
  options: Document;
  uuid: string | null;
}
interface Dumped {
  consistent: boolean;
  counts: Record<string, number>;
}

/** Writes the store's collections as mongodump does, with what MADSci's tool puts beside them (M34), as they were at one moment. */
export async function dump(client: MongoClient, db: Db, events: string, to: string, onProgress: OnProgress): Promise<Dumped> {
  const sources = await sourcesOf(db, events);
  if (sources.length === 0) throw new EngineError('backup_failed', `There is nothing in the database ${db.databaseName} yet.`);
  const consistent = await hasSnapshots(db);
  const folder = join(to, fileNameOf(db.databaseName));
  await mkdir(folder, { mode: 0o700 });
  const total = await totalOf(db, sources);
  const counts: Record<string, number> = {};
  const checksum = createHash('sha256');
  await using session = consistent ? client.startSession({ snapshot: true }) : null;
  let [done, bytes] = [0, 0];
  for (const source of sources) {
    const metadata = await metadataOf(db, source);
    await writeFile(join(folder, `${fileNameOf(source.name)}.metadata.json`), metadata, { mode: 0o600 });
    const path = join(folder, `${fileNameOf(source.name)}.bson`);
    const written = await dumpCollection({ db, name: source.name, session, path, checksum }, (count) =>
      onProgress({ phase: 'copying', done: done + count, total: Math.max(total, done + count), unit: 'documents' }),
    );
    counts[source.name] = written.count;
    done += written.count;
    bytes += written.bytes + metadata.length;
  }
  await writeMadsciFiles(to, { database: db.databaseName, checksum: checksum.digest('hex'), bytes, collections: sources.length });
  return { consistent, counts };
}

/** In the order of their files' names, which is the one of MADSci's checksum. */
async function sourcesOf(db: Db, events: string): Promise<Source[]> {
  const found = await db.listCollections({ type: 'collection' }, { nameOnly: false }).toArray();
  return found
    .filter(({ name }) => isStored(name, events))
    .map((one) => ({ name: one.name, options: one.options ?? {}, uuid: one.info?.uuid?.toString('hex') ?? null }))
    .sort((a, b) => (`${fileNameOf(a.name)}.bson` < `${fileNameOf(b.name)}.bson` ? -1 : 1));
}

/** A mongod alone has no snapshots that last longer than one read. */
async function hasSnapshots(db: Db): Promise<boolean> {
  const hello = await db.admin().command({ hello: 1 });
  return hello['setName'] !== undefined || hello['msg'] === 'isdbgrid';
}

async function totalOf(db: Db, sources: readonly Source[]): Promise<number> {
  const counts = await Promise.all(sources.map(({ name }) => db.collection(name).estimatedDocumentCount()));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function metadataOf(db: Db, { name, options, uuid }: Source): Promise<string> {
  const indexes = await db.collection(name).listIndexes().toArray();
  return BSON.EJSON.stringify(
    { options, indexes, ...(uuid === null ? {} : { uuid }), collectionName: name, type: 'collection' },
    { relaxed: false },
  );
}

interface Piece {
  db: Db;
  name: string;
  session: ClientSession | null;
  path: string;
  checksum: Hash;
}

async function dumpCollection({ db, name, session, path, checksum }: Piece, onCount: (count: number) => void) {
  await using file = await open(path, 'wx', 0o600);
  let [count, bytes, size]: [number, number, number] = [0, 0, 0];
  let pieces: Buffer[] = [];
  const flush = async (): Promise<void> => {
    const block = Buffer.concat(pieces, size);
    checksum.update(block);
    await file.appendFile(block);
    bytes += size;
    [pieces, size] = [[], 0];
    onCount(count);
  };
  try {
    const cursor = db.collection(name).find({}, { raw: true, batchSize: BATCH, ...(session === null ? {} : { session }) });
    for await (const document of cursor) {
      const raw = document as unknown as Buffer; // what `raw` answers
      pieces.push(raw);
      size += raw.length;
      count++;
      if (size >= WRITE_BYTES) await flush();
    }
    await flush();
  } catch (error) {
    throw tooOld(error) ?? error;
  }
  return { count, bytes };
}

function tooOld(error: unknown): EngineError | null {
  if (!(error instanceof MongoServerError) || !TOO_OLD.has(error.code)) return null;
  const text =
    'The backup took longer than the database keeps its past. Let it keep more, for example an hour: ' +
    'db.adminCommand({ setParameter: 1, minSnapshotHistoryWindowInSeconds: 3600 }).';
  return new EngineError('backup_failed', text, { cause: error });
}

/** So that MADSci's tool lists the backup, checks it and puts it back. */
async function writeMadsciFiles(
  to: string,
  { database, checksum, bytes, collections }: { database: string; checksum: string; bytes: number; collections: number },
): Promise<void> {
  const metadata = {
    timestamp: naiveDateText(new Date()),
    database_version: null,
    backup_size: bytes,
    checksum,
    database_name: database,
    collections_count: collections,
  };
  await writeFile(join(to, 'backup_metadata.json'), JSON.stringify(metadata, null, 2), { mode: 0o600 });
  await writeFile(join(to, 'backup.checksum'), checksum, { mode: 0o600 });
}
