import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { MOVE_SETTING, markOf } from '../../core/move.ts';
import type { MovableStore } from '../../ports/movable.ts';
import { LEASE_MS } from '../../ports/queue.ts';
import { Claimer } from './claim.ts';
import { type Collections, collectionsOf, connect } from './connect.ts';
import { storeError } from './faults.ts';
import { refuseWhileMigrating } from './migration-lock.ts';
import { batchesOf, countOf } from './movable-read.ts';
import { writeRecords } from './movable-write.ts';
import { prepare, refuseOtherSchema } from './prepare.ts';
import { Presence } from './presence.ts';
import { Recovery } from './recover.ts';
import { type Shared, Stranded } from './shared.ts';
import { StateWriter } from './state.ts';
import { Tidier } from './tidier.ts';

export interface MongoMovableOptions {
  url: string;
  database: string;
  collection: string;
  /** For people; without credentials. */
  place: string;
  role: 'source' | 'target';
  standaloneAllowed: boolean;
  release: string;
  now: number;
  /** Tells that it waits for servers that may have died, for at most so long. */
  onWait(ms: number): void;
}

/** What a database keeps about itself and about servers at work. */
export const NOT_MOVED: ReadonlySet<string> = new Set(['servers', 'leaders', 'signals', 'schema', 'madsciVersions']);

const RENEW_MS = LEASE_MS / 3;
const LOOK_MS = 500;
/** A fail-over, or a database that is busy, does not end a move. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 100;

/** The database as records. For as long as it is open, this process is listed among the servers. */
export async function openMongoMovable(options: MongoMovableOptions): Promise<MovableStore> {
  await using stack = new AsyncDisposableStack();
  const { url, database, collection, role, standaloneAllowed, release, now } = options;
  await prepare(url, { database, collection }, standaloneAllowed, { release, now: () => now });
  const client = stack.use(await connect(url, null));
  const all = collectionsOf(client.db(database), collection);
  const presence = stack.use(await enter(all, options));
  await refuseWhileMigrating(all);
  await refuseOtherSchema(all, release);
  if (role === 'source') await recoverLeft(all, options);
  const owned = stack.move();
  return {
    place: options.place,
    ...movable(all, now, () => waitUntilAlone(all, presence.owner, options)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Movers name their process, so that one which was killed need not be waited for. */
const MOVER = 'move';
const moverName = (pid: number): string => `${MOVER} ${pid} ${hostname()}`;

/** Lists this process, and makes sure that nothing else is at work: what has died stays listed for the length of a lease. */
async function enter(all: Collections, { place, onWait }: MongoMovableOptions): Promise<{ owner: string } & AsyncDisposable> {
  const presence = new Presence(all, moverName(process.pid));
  await presence.enter();
  const renewal = setInterval(() => void presence.renew().catch(() => {}), RENEW_MS).unref();
  const leave = async (): Promise<void> => {
    clearInterval(renewal);
    await presence.leave().catch(() => {});
  };
  try {
    await waitUntilAlone(all, presence.owner, { place, onWait });
  } catch (error) {
    await leave();
    throw error;
  }
  return { owner: presence.owner, [Symbol.asyncDispose]: leave };
}

async function waitUntilAlone(
  all: Collections,
  owner: string,
  { place, onWait }: Pick<MongoMovableOptions, 'place' | 'onWait'>,
): Promise<void> {
  const until = new Map<string, number>();
  const end = performance.now() + LEASE_MS + 2 * LOOK_MS;
  for (let looks = 0; ; looks++) {
    const others = (await alive(all, owner)).filter(({ name }) => !isDeadMover(name));
    if (others.length === 0) return;
    const isRenewed = others.some(({ name, aliveUntil }) => (until.get(name) ?? aliveUntil) < aliveUntil);
    if (isRenewed || performance.now() > end) throw new Error(busy(place, others));
    for (const { name, aliveUntil } of others) until.set(name, aliveUntil);
    if (looks === 0) onWait(LEASE_MS);
    await sleep(LOOK_MS);
  }
}

function busy(place: string, others: readonly { name: string }[]): string {
  const count = others.filter(({ name }) => !name.startsWith(`${MOVER} `)).length;
  return count === 0
    ? `Another move is at work on ${place}. Wait until it has ended.`
    : `${count === 1 ? 'A server is' : `${count} servers are`} running on ${place}. Stop ${count === 1 ? 'it' : 'them'} first: what comes in during a move would be left behind.`;
}

async function alive({ servers }: Collections, owner: string): Promise<{ name: string; aliveUntil: number }[]> {
  const found = await servers.find({ _id: { $ne: owner }, $expr: { $gte: ['$aliveUntil', '$$NOW'] } }).toArray();
  return found.map(({ _id, aliveUntil }) => ({ name: _id, aliveUntil: aliveUntil.getTime() }));
}

function isDeadMover(name: string): boolean {
  const [, pid = '', host = ''] = /^move (\d+) (.*)~[0-9a-f]+$/.exec(name) ?? [];
  if (host !== hostname()) return false;
  if (Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** What servers left half done that were killed: everything of theirs is completed, or waits for whoever comes next. */
async function recoverLeft(all: Collections, { now }: MongoMovableOptions): Promise<void> {
  await using plansDone = new Tidier<{ kind: 'event' | 'firing'; id: string }>(async () => {});
  const shared: Shared = {
    all,
    presence: new Presence(all, moverName(process.pid)),
    sequence: { next: () => Promise.reject(new Error('nothing new is numbered here')) },
    stranded: new Stranded(),
    plansDone,
    signal: () => {},
  };
  await new Recovery(shared, new StateWriter(all), new Claimer(shared)).recover(now);
}

function movable(all: Collections, now: number, checkAlone: () => Promise<void>): Omit<MovableStore, 'place' | typeof Symbol.asyncDispose> {
  const { settings, counters, events, executions, deliveries } = all;
  const setMark: MovableStore['setMark'] = async (mark) => {
    if (mark === null) await settings.deleteOne({ _id: MOVE_SETTING });
    else await settings.updateOne({ _id: MOVE_SETTING }, { $set: { value: JSON.stringify(mark) } }, { upsert: true });
  };
  return {
    mark: async () => markOf((await settings.findOne({ _id: MOVE_SETTING }))?.value ?? null),
    setMark: (mark) => patiently(() => setMark(mark)),
    checkAlone,
    count: (kind) => patiently(() => countOf(all, kind, now)),
    read: (kind, after, limit) => batchesOf(all, kind, { after, limit, now }),
    write: (kind, records, mark) =>
      patiently(async () => {
        await writeRecords(all, kind, records);
        await setMark(mark);
      }),
    async complete() {
      const newest = async (find: Promise<{ seq?: number | undefined }[]>): Promise<number> => (await find)[0]?.seq ?? 0;
      const last = { sort: { seq: -1 }, projection: { seq: 1 }, limit: 1 } as const;
      const [event] = await events.find({}, { sort: { '_hookwright.seq': -1 }, projection: { '_hookwright.seq': 1 }, limit: 1 }).toArray();
      const highest = Math.max(
        0,
        event?._hookwright?.seq ?? 0,
        await newest(executions.find({}, last).toArray()),
        await newest(deliveries.find({}, last).toArray()),
      );
      await counters.updateOne({ _id: 'arrival' }, { $max: { value: highest } }, { upsert: true });
    },
    async clear() {
      await settings.deleteMany({ _id: { $ne: MOVE_SETTING } });
      for (const [name, collection] of Object.entries(all))
        if (name !== 'db' && name !== 'settings' && !NOT_MOVED.has(name)) await (collection as Collection).deleteMany({});
    },
  };
}

/** Tries again while the database changes its primary or is too busy to confirm; writing again changes nothing. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let wait = FIRST_WAIT_MS; ; wait *= 2) {
    try {
      return await work();
    } catch (error) {
      const known = storeError(error);
      const mayPass = 'code' in known && known.code === 'store_unavailable';
      if (!mayPass || performance.now() + wait > end) throw known;
    }
    await sleep(wait);
  }
}
