import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, copyFileSync, createReadStream, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { DATABASE_FILE, openForReading } from '../../src/adapters/sqlite/open.ts';
import { totalEvents } from '../client.ts';
import { assertCount, type Bench, Broken, type Figure, type Progress } from '../figure.ts';
import { startSubject, temporaryFolder, track } from '../processes.ts';
import { newRun } from '../sample-events.ts';
import { newDatabase } from '../store.ts';
import { answerTimes, whileBusy } from './archive.ts';
import { bareDriver } from './mongo.ts';
import { fill } from './read-scale.ts';

const COMMAND = new URL('../../bin/hookwright.js', import.meta.url).pathname;
/** RELIABILITY G11. */
const SECONDS_PER_MILLION = 60;
const QUIET_MS = 3_000;

/** A store that is filled, how a command finds it, and what is done by hand with as many events. */
interface Filled {
  settings: Record<string, string>;
  /** What a server needs besides, in its environment. */
  env: Record<string, string>;
  folder: string;
  bare: Record<'create' | 'verify' | 'restore', { name: string; run(): Promise<number> | number }>;
}

/** Making, reading and putting back a backup with the command, each against the same bytes by hand; and what posts notice of the first. */
export async function backup({ size, progress }: Bench): Promise<Figure[]> {
  const count = size === 'small' ? 100_000 : 1_000_000;
  using home = temporaryFolder();
  const place = newDatabase();
  const filled = place === null ? onSqlite(home.path, count, progress) : await onMongo(home.path, place, count, progress);
  const settings = { ...filled.settings, backup_dir: join(home.path, 'backups') };
  const figures: Figure[] = [];
  const done = async (name: keyof Filled['bare'], ms: number): Promise<void> => {
    const bare = filled.bare[name];
    progress(bare.name);
    const bareMs = await bare.run();
    figures.push({
      name: `backup ${name} of ${count} events : ${bare.name}`,
      unit: 's',
      subject: ms / 1_000,
      baseline: bareMs / 1_000,
      ratio: ms / bareMs,
      target: { of: 'subject', most: (SECONDS_PER_MILLION * count) / 1_000_000 },
    });
  };
  const command = (name: string, ...more: string[]): Promise<number> => {
    progress(`backup ${name}`);
    return commandMs(['backup', name, ...more], settings, home.path);
  };
  {
    await using server = await startSubject({ folder: filled.folder, env: filled.env });
    assertCount('events in the store', await totalEvents(server.url), count);
    const quiet = await answerTimes(server.url, new Promise((resolve) => setTimeout(resolve, QUIET_MS)));
    const work = command('create');
    const busy = await answerTimes(server.url, work);
    await done('create', await work);
    figures.push(whileBusy('a backup is made', { quiet, busy }));
  }
  await done('verify', await command('verify', 'latest'));
  await done('restore', await command('restore', 'latest'));
  return figures;
}

async function commandMs(args: readonly string[], settings: Record<string, string>, cwd: string): Promise<number> {
  const sets = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const start = performance.now();
  const child = track(
    spawn(process.execPath, [COMMAND, ...args, ...sets], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Broken(`hookwright ${args.join(' ')} ended with ${code}: ${said.slice(-500)}`);
  return performance.now() - start;
}

function onSqlite(home: string, count: number, progress: Progress): Filled {
  const folder = join(home, 'data');
  mkdirSync(folder);
  fill(folder, count, progress);
  const file = join(folder, DATABASE_FILE);
  const copied = { name: 'copying, syncing and hashing the file', run: () => copyMs(file, join(home, 'copy.db')) };
  return {
    settings: { data_dir: folder },
    env: {},
    folder,
    bare: { create: copied, verify: { name: 'reading all rows', run: () => readRowsMs(folder) }, restore: copied },
  };
}

async function copyMs(from: string, to: string): Promise<number> {
  const start = performance.now();
  copyFileSync(from, to);
  const file = openSync(to, 'r');
  fsyncSync(file);
  closeSync(file);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(to, { highWaterMark: 1_048_576 })) hash.update(chunk as Buffer);
  hash.digest('hex');
  return performance.now() - start;
}

function readRowsMs(folder: string): number {
  const db = openForReading(folder);
  const start = performance.now();
  let bytes = 0;
  for (const { doc } of db.prepare('SELECT doc FROM events').iterate()) bytes += (doc as string).length;
  if (bytes === 0) throw new Broken('there are no rows');
  const ms = performance.now() - start;
  db.close();
  return ms;
}

async function onMongo(home: string, place: { url: string; database: string }, count: number, progress: Progress): Promise<Filled> {
  const env = { EVENT_DB_URL: place.url, EVENT_DATABASE_NAME: place.database };
  const folder = join(home, 'data');
  mkdirSync(folder);
  {
    await using _ = await startSubject({ folder, env }); // which makes the collections
  }
  progress(`filling a store with ${count} events`);
  const insertMs = async (database: string): Promise<number> => {
    await using bare = await bareDriver({ ...place, database });
    const { seconds, done } = await bare.ask({ kind: 'bulk', run: newRun(), count });
    assertCount('inserted', done, count);
    return seconds * 1_000;
  };
  await insertMs(place.database);
  const read = { name: 'reading all documents as bytes', run: () => readDocumentsMs(place) };
  return {
    settings: { event_db_url: place.url, event_database_name: place.database },
    env,
    folder,
    bare: {
      create: read,
      verify: read,
      restore: { name: 'bare driver, inserts of 512, with the indexes', run: () => insertMs(`${place.database}_bare`) },
    },
  };
}

async function readDocumentsMs({ url, database }: { url: string; database: string }): Promise<number> {
  await using client = await MongoClient.connect(url);
  const start = performance.now();
  let bytes = 0;
  for await (const document of client.db(database).collection('events').find({}, { raw: true, batchSize: 2_000 }))
    bytes += (document as unknown as Buffer).length;
  if (bytes === 0) throw new Broken('there are no documents');
  return performance.now() - start;
}
