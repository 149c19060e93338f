import { open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { openPlain } from './durable.ts';
import { faultOfMadsci, MADSCI_METADATA } from './madsci-backup.ts';

export interface FoundFile {
  path: string;
  kind: 'bson' | 'json' | 'lines';
  bytes: number;
  /** The content, unpacked. `onBytes`: how much of the file has been read. */
  chunks(onBytes: (count: number) => void): AsyncIterable<Uint8Array>;
}

const CHUNK = 1_048_576;
const DATA = /\.(bson|json|ndjson|jsonl)(\.gz)?$/;
/** What mongodump --archive begins with. */
const ARCHIVE = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);

/** The file of events that a path means: itself, or the one of the collection in a folder of mongodump or MADSci's backup tool. */
export async function findEvents(given: string, collection: string): Promise<FoundFile> {
  const path = resolve(given);
  const status = await stat(path).catch(() => null);
  if (status === null) throw new Error(`There is no ${path}.`);
  if (!status.isDirectory()) return fileAt(path);
  const found = await inFolder(path, collection);
  if (await isThere(join(path, MADSCI_METADATA))) {
    const fault = await faultOfMadsci(path);
    if (fault !== null) throw new Error(`The backup ${path} cannot be used: ${fault}.`);
  }
  return fileAt(found);
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Directly in the folder, or one below. */
async function inFolder(path: string, collection: string): Promise<string> {
  const names = [`${collection}.bson`, `${collection}.bson.gz`];
  const entries = await readdir(path, { withFileTypes: true });
  const folders = [path, ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))];
  const found: string[] = [];
  for (const folder of folders) for (const name of names) if (await isThere(join(folder, name))) found.push(join(folder, name));
  if (found.length === 1) return found[0] as string;
  if (found.length > 1) throw new Error(`There are several files of events: ${found.join(', ')}. Name one of them.`);
  if (entries.some(({ name }) => name === 'hookwright.db'))
    throw new Error(`${path} is a backup of a SQLite store. Put it back with hookwright backup restore.`);
  throw new Error(`There is no ${names[0]} in ${path}. Name the file, or give the collection with --collection.`);
}

async function fileAt(path: string): Promise<FoundFile> {
  const [, kind, packed] = DATA.exec(basename(path)) ?? [];
  await using handle = await openPlain(path).catch((error: unknown) => {
    throw new Error(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  });
  const { size } = await handle.stat();
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  if (buffer.equals(ARCHIVE))
    throw new Error(`${path} is an archive of mongodump. Make a folder of it: mongodump --out, or mongorestore it.`);
  if (kind === undefined)
    throw new Error(`${path} has none of the endings that are known: .bson, .json, .ndjson or .jsonl, each also with .gz.`);
  return {
    path,
    kind: kind === 'ndjson' || kind === 'jsonl' ? 'lines' : (kind as 'bson' | 'json'), // what DATA lets through
    bytes: size,
    chunks: (onBytes) => (packed === undefined ? read(path, onBytes) : unpacked(path, onBytes)),
  };
}

async function* read(path: string, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  await using handle = await open(path);
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return;
    onBytes(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

async function* unpacked(path: string, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  const source = Readable.from(read(path, onBytes), { objectMode: false });
  const gunzip = createGunzip({ chunkSize: CHUNK });
  source.on('error', (error) => gunzip.destroy(error));
  yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>;
}
