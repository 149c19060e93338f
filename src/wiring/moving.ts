import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { openSqliteMovable } from '../adapters/sqlite/movable.ts';
import { ulidFactory } from '../adapters/system/ids.ts';
import { localTime } from '../adapters/system/local-time.ts';
import type { Config } from '../config.ts';
import { type MoveProgress, type MoveResult, moveStore } from '../engine/move-store.ts';
import type { MovableStore } from '../ports/movable.ts';
import { RELEASE } from '../release.ts';
import { hostsOf } from './store-place.ts';

/** A store by its place, whatever the settings say. */
export type StorePlace =
  | { kind: 'sqlite'; folder: string }
  | { kind: 'mongodb'; url: string; database: string; collection: string; standaloneAllowed: boolean };

/** The store that the settings name. */
export function configuredPlace(config: Config): StorePlace {
  const { EVENT_DB_URL: url, DATA_DIR: folder } = config;
  return url === undefined ? { kind: 'sqlite', folder } : mongoPlaceOf(config, url);
}

export function mongoPlaceOf(config: Config, url: string, names: { database?: string; collection?: string } = {}): StorePlace {
  const { database = config.EVENT_DATABASE_NAME, collection = config.EVENT_COLLECTION_NAME } = names;
  return { kind: 'mongodb', url, database, collection, standaloneAllowed: config.ALLOW_STANDALONE_MONGODB };
}

/** For people: never with credentials. */
export function placeName(place: StorePlace): string {
  return place.kind === 'sqlite'
    ? `the data folder ${resolve(place.folder)}`
    : `MongoDB ${hostsOf(place.url)}, database ${place.database}, collection ${place.collection}`;
}

export interface MoveOptions {
  from: StorePlace;
  to: StorePlace;
  startOver: boolean;
  report(progress: MoveProgress): void;
  say(line: string): void;
  signal: AbortSignal;
}

/** Moves everything; what is open is closed in any case. */
export async function move({ from, to, startOver, report, say, signal }: MoveOptions): Promise<MoveResult> {
  if (placeName(from) === placeName(to)) throw new Error(`A store cannot be moved onto itself: both are ${placeName(from)}.`);
  await using source = await openMovable(from, 'source', say);
  await using target = await openMovable(to, 'target', say);
  return await moveStore({
    ...{ source, target, startOver, report, signal },
    newId: ulidFactory(),
    now: Date.now,
    digest: () => createHash('sha256'),
  });
}

/** Takes the mark away that keeps servers from a store which was moved, or whose move was given up. Answers whether there was one. */
export async function release(place: StorePlace, say: (line: string) => void): Promise<'released' | 'unmarked' | 'partial'> {
  await using store = await openMovable(place, 'source', say);
  const mark = await store.mark();
  if (mark === null || mark.state === 'filled') return 'unmarked';
  if (mark.state === 'filling') return 'partial';
  await store.setMark(null);
  return 'released';
}

async function openMovable(place: StorePlace, role: 'source' | 'target', say: (line: string) => void): Promise<MovableStore> {
  const now = Date.now();
  if (place.kind === 'sqlite') {
    const { folder } = place;
    return openSqliteMovable({ folder, role, release: RELEASE, now, naiveOffsetMinutes: localTime().naiveOffsetMinutes });
  }
  const { openMongoMovable } = await import('../adapters/mongo/movable.ts');
  const onWait = (ms: number): void => say(`Waiting up to ${Math.ceil(ms / 1_000)} s for a server that may have been killed ...`);
  return openMongoMovable({ ...place, place: placeName(place), role, release: RELEASE, now, onWait });
}
