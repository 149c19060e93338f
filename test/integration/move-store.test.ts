import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MoveMark, Reached } from '../../src/core/move.ts';
import { type MoveParts, moveStore } from '../../src/engine/move-store.ts';
import { type MovableStore, RECORD_KINDS, type RecordKind } from '../../src/ports/movable.ts';
import { type Dump, dump, fill, MARK, type Place, SAMPLES } from '../conformance/movable-store.suite.ts';
import { T0 } from '../conformance/subject.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { mongoPlace, sqlitePlace } from '../support/places.ts';
import { randomDump } from '../support/random-dump.ts';

const RUNS = Number(process.env['MOVE_RUNS'] ?? 10);
const SEED = Number(process.env['MOVE_SEED'] ?? 20260301);

let mongod: Mongod;
const places: Place[] = [];
beforeAll(async () => {
  mongod = await startReplicaSet();
});
afterAll(async () => {
  for (const place of places) await place[Symbol.asyncDispose]();
  await mongod?.[Symbol.asyncDispose]();
});
const kept = <P extends Place>(place: P): P => {
  places.push(place);
  return place;
};
const newPlaces = { sqlite: () => kept(sqlitePlace()), mongo: () => kept(mongoPlace(mongod.url)) };
type Kind = keyof typeof newPlaces;

let moves = 0;
const partsOf = (source: MovableStore, target: MovableStore, over: Partial<MoveParts> = {}): MoveParts => ({
  source,
  target,
  startOver: false,
  newId: () => `move ${++moves}`,
  now: () => T0,
  digest: () => createHash('sha256'),
  report: () => {},
  signal: new AbortController().signal,
  ...over,
});
async function moveBetween(from: Place, to: Place, over: Partial<MoveParts> = {}): Promise<Awaited<ReturnType<typeof moveStore>>> {
  await using source = await from.asRecords('source');
  await using target = await to.asRecords('target');
  return await moveStore(partsOf(source, target, over));
}
/** Fills an empty place with records, as if a server had written them. */
async function put(place: Place, all: Dump): Promise<void> {
  await using store = await place.asRecords('target');
  await fill(store, all);
  await store.complete();
  await store.setMark(null);
}
async function contents(place: Place): Promise<{ mark: MoveMark | null; all: Dump }> {
  await using store = await place.asRecords('target');
  return { mark: await store.mark(), all: await dump(store) };
}
/** A store that ends its process, so to speak, at one of its writes: before it, or after it and before the answer. */
function dying(store: MovableStore, at: number, when: 'before' | 'after'): MovableStore {
  let writes = 0;
  const write: MovableStore['write'] = async (kind, records, mark) => {
    const isLast = ++writes === at;
    if (!isLast || when === 'after') await store.write(kind, records, mark);
    if (isLast) throw new Error('killed');
  };
  return Object.assign(Object.create(store) as MovableStore, { place: store.place, write });
}

test.each<[Kind, Kind]>([
  ['sqlite', 'mongo'],
  ['mongo', 'sqlite'],
  ['sqlite', 'sqlite'],
  ['mongo', 'mongo'],
])('moves everything from %s to %s, and tells what it compared', async (from, to) => {
  const [source, target] = [newPlaces[from](), newPlaces[to]()];
  await put(source, SAMPLES);
  const steps: string[] = [];
  const result = await moveBetween(source, target, {
    report: ({ step, kind, done, total }) => steps.push(`${step} ${kind} ${done}/${total}`),
  });
  expect(result).toMatchObject({ kind: 'moved', continued: false });
  expect(result.kind === 'moved' && result.kinds.map(({ kind, count }) => [kind, count])).toEqual(
    RECORD_KINDS.map((kind) => [kind, SAMPLES[kind].length]),
  );
  expect(steps).toContain('copy events 3/3');
  expect(steps).toContain('check events 3/3');
  expect(await contents(target)).toMatchObject({ mark: { state: 'filled' }, all: SAMPLES });
  expect(await contents(source)).toMatchObject({ mark: { state: 'moved' }, all: SAMPLES });
});

test(
  'any store moves to MongoDB and back, and is the same in both',
  async () => {
    const [first, second, third] = [newPlaces.sqlite(), newPlaces.mongo(), newPlaces.sqlite()];
    const emptied = async (place: Place): Promise<void> => {
      await using store = await place.asRecords('target');
      await store.clear();
      await store.setMark(null);
    };
    await fc.assert(
      fc.asyncProperty(randomDump, async (all) => {
        for (const place of [first, second, third]) await emptied(place);
        await put(first, all);
        const there = await moveBetween(first, second);
        expect((await contents(second)).all).toEqual(all);
        const back = await moveBetween(second, third);
        expect((await contents(third)).all).toEqual(all);
        expect(back).toEqual({ ...there });
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  },
  RUNS * 8_000 + 60_000,
);

/** 2,300 events and a few of everything: about fifteen writes. */
function large(): Dump {
  const events = Array.from({ length: 2_300 }, (_, n) => ({
    ...(SAMPLES.events[1] as Dump['events'][number]),
    seq: n + 10,
    id: `e${String(n).padStart(5, '0')}`,
  }));
  return { ...SAMPLES, events: events.map((one) => ({ ...one, json: one.json.replace('"_id":"a"', `"_id":"${one.id}"`) })) };
}

test.each<[Kind, Kind]>([
  ['sqlite', 'mongo'],
  ['mongo', 'sqlite'],
])(
  'goes on wherever it was cut off, from %s to %s',
  async (from, to) => {
    const all = large();
    const source = newPlaces[from]();
    await put(source, all);
    for (const when of ['before', 'after'] as const)
      for (let at = 1; at <= 13; at += 3) {
        const target = newPlaces[to]();
        {
          await using open = await source.asRecords('source');
          await open.setMark(null);
          await using filling = await target.asRecords('target');
          await expect(moveStore(partsOf(open, dying(filling, at, when)))).rejects.toThrow('killed');
          expect(await open.mark()).toMatchObject({ state: 'moving' });
          expect(await filling.mark()).toMatchObject({ state: 'filling' });
        }
        expect(await moveBetween(source, target)).toMatchObject({ kind: 'moved', continued: true });
        expect((await contents(target)).all).toEqual(all);
      }
  },
  120_000,
);

test('run again after the end, it says so and does nothing', async () => {
  const [source, target] = [newPlaces.sqlite(), newPlaces.mongo()];
  await put(source, SAMPLES);
  await moveBetween(source, target);
  expect(await moveBetween(source, target)).toEqual({ kind: 'done_before', at: T0 });
});

test('finishes when only the last mark is missing', async () => {
  const [source, target] = [newPlaces.sqlite(), newPlaces.sqlite()];
  await put(source, SAMPLES);
  await moveBetween(source, target);
  {
    await using from = await source.asRecords('source');
    await using store = await target.asRecords('target');
    const kind = RECORD_KINDS.at(-1) as RecordKind;
    const reached: Reached = { kind, after: null, count: await from.count(kind) };
    for await (const { after } of from.read(kind, null)) reached.after = after;
    await store.setMark({ ...((await store.mark()) as MoveMark), state: 'filling', reached });
  }
  expect(await moveBetween(source, target)).toMatchObject({ kind: 'moved', continued: true });
  expect(await contents(target)).toMatchObject({ mark: { state: 'filled' }, all: SAMPLES });
});

test.each<[Kind]>([['sqlite'], ['mongo']])(
  'notices a source (%s) that changed while it was moved, and switches nothing over',
  async (from) => {
    const [source, target] = [newPlaces[from](), newPlaces.sqlite()];
    await put(source, SAMPLES);
    {
      await using open = await source.asRecords('source');
      await using filling = await target.asRecords('target');
      const changing = Object.assign(Object.create(filling) as MovableStore, {
        place: filling.place,
        async complete() {
          await filling.complete();
          await open.write('state', [{ handlerId: 77, key: 'late', value: '1' }], MARK);
          await open.setMark({ ...MARK, state: 'moving' });
        },
      });
      await expect(moveStore(partsOf(open, changing))).rejects.toThrow(
        /4 values of state are in the source and 3 in the target.*--start-over/,
      );
      expect((await filling.mark())?.state).toBe('filling');
    }
    await expect(moveBetween(source, target)).rejects.toThrow(/another move|differ/);
    expect(await moveBetween(source, target, { startOver: true })).toMatchObject({ kind: 'moved', continued: false });
    expect((await contents(target)).all.state).toHaveLength(4);
  },
);

test('stops between two batches when it is asked to, and goes on later', async () => {
  const [source, target] = [newPlaces.sqlite(), newPlaces.mongo()];
  const all = large();
  await put(source, all);
  const stop = new AbortController();
  const report: MoveParts['report'] = ({ kind, done }) => {
    if (kind === 'events' && done >= 1_000) stop.abort();
  };
  await expect(moveBetween(source, target, { signal: stop.signal, report })).rejects.toThrow(/abort/i);
  expect(await contents(target)).toMatchObject({ mark: { state: 'filling', reached: { kind: 'events', count: 2_000 } } });
  expect(await moveBetween(source, target)).toMatchObject({ kind: 'moved', continued: true });
  expect((await contents(target)).all).toEqual(all);
});

test('refuses a target that is not empty, and leaves both as they were', async () => {
  const [source, target] = [newPlaces.sqlite(), newPlaces.mongo()];
  await put(source, SAMPLES);
  await put(target, { ...SAMPLES, events: [] });
  await expect(moveBetween(source, target)).rejects.toThrow(/not empty: it holds kept settings: 2/);
  expect((await contents(source)).mark).toBeNull();
  expect(await contents(target)).toMatchObject({ mark: null, all: { events: [] } });
});
