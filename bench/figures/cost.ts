import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MongoClient } from 'mongodb';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { register, settled, totalEvents, upload } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startSubject } from '../processes.ts';
import { ndjson, newRun } from '../sample-events.ts';
import { newDatabase } from '../store.ts';
import { TRIVIAL_HANDLER } from './pipe.ts';

/** Of /proc/…/stat: a hundredth of a second on every Linux. */
const TICK_US = 10_000;

interface Place {
  env: Record<string, string>;
  /** Bytes of events and of executions, indexes included. */
  bytes(folder: string): Promise<{ events: number; executions: number }>;
  /** Besides the server: the database, where it is a process of its own. */
  databasePid: number | null;
}

/** What an event and an execution take of the disk and of the processors. Processor time hardly depends on what else runs. */
export async function cost({ size, progress }: Bench): Promise<Figure[]> {
  const count = size === 'small' ? 30_000 : 300_000;
  const place = (await mongoPlace()) ?? sqlitePlace();
  await using server = await startSubject({ env: place.env });
  const once = async (what: string): Promise<Cpu> => {
    progress(what);
    const run = newRun();
    const body = ndjson(count, (n) => ({ n, run }));
    const before = cpuOf(server.pid, place.databasePid);
    await upload(server.url, body, count);
    if (handlerId !== null) await settled(server.url, handlerId);
    const after = cpuOf(server.pid, place.databasePid);
    return {
      server: (after.server - before.server) / count,
      runners: (after.runners - before.runners) / count,
      database: (after.database - before.database) / count,
    };
  };
  let handlerId: number | null = null;
  await once('warming up');
  const plain = await once('events');
  const small = await place.bytes(server.folder);
  handlerId = await register(server.url, { name: 'trivial', code: TRIVIAL_HANDLER });
  await once('warming up the handler');
  const handled = await once('events and executions');
  assertCount('events stored', await totalEvents(server.url), 4 * count);
  const large = await place.bytes(server.folder);

  const line = (name: string, unit: string, subject: number): Figure => ({
    name,
    unit,
    subject,
    baseline: null,
    ratio: null,
    target: null,
  });
  const database = (name: string, cpu: number): Figure[] => (place.databasePid === null ? [] : [line(name, 'µs', cpu)]);
  return [
    line('bytes of an event, indexes included', 'B', small.events / (2 * count)),
    line('bytes of an execution, indexes included', 'B', large.executions / (2 * count)),
    line('processor time of an event, server', 'µs', plain.server),
    ...database('processor time of an event, mongod', plain.database),
    line('processor time of an event and its execution, server', 'µs', handled.server),
    line('processor time of an event and its execution, runner', 'µs', handled.runners),
    ...database('processor time of an event and its execution, mongod', handled.database),
  ];
}

function sqlitePlace(): Place {
  return {
    env: {},
    databasePid: null,
    async bytes(folder) {
      using db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
      const sizes = db
        .prepare(
          'SELECT m.tbl_name AS name, sum(s.pgsize) AS bytes FROM dbstat s JOIN sqlite_schema m ON m.name = s.name GROUP BY m.tbl_name',
        )
        .all() as { name: string; bytes: number }[];
      const of = (name: string): number => sizes.find((each) => each.name === name)?.bytes ?? 0;
      return { events: of('events'), executions: of('executions') };
    },
  };
}

async function mongoPlace(): Promise<Place | null> {
  const place = newDatabase();
  if (place === null) return null;
  const { url, database } = place;
  const pid = await withDatabase(url, database, async (db) => Number((await db.admin().serverStatus())['pid']));
  return {
    env: { EVENT_DB_URL: url, EVENT_DATABASE_NAME: database },
    databasePid: pid,
    bytes: () =>
      withDatabase(url, database, async (db) => {
        await db.admin().command({ fsync: 1 });
        const [events, executions] = await Promise.all([sizeOf(db, 'events'), sizeOf(db, 'hookwright_executions')]);
        return { events, executions };
      }),
  };
}

type Db = ReturnType<MongoClient['db']>;

/** As MongoDB compresses it, indexes included. */
async function sizeOf(db: Db, collection: string): Promise<number> {
  const [found] = await db
    .collection(collection)
    .aggregate<{ storageStats: { totalSize: number } }>([{ $collStats: { storageStats: {} } }])
    .toArray()
    .catch(() => []); // it may not be there yet
  return found?.storageStats.totalSize ?? 0;
}

async function withDatabase<T>(url: string, database: string, work: (db: Db) => Promise<T>): Promise<T> {
  const client = await MongoClient.connect(url);
  try {
    return await work(client.db(database));
  } finally {
    await client.close();
  }
}

/** Microseconds so far. */
interface Cpu {
  server: number;
  runners: number;
  database: number;
}

function cpuOf(pid: number, databasePid: number | null): Cpu {
  const runners = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return {
    server: microseconds(pid),
    runners: runners.reduce((sum, child) => sum + microseconds(Number(child)), 0),
    database: databasePid === null ? 0 : microseconds(databasePid),
  };
}

function microseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
