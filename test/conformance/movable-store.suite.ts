import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { MoveMark } from '../../src/core/move.ts';
import { type MovableStore, RECORD_KINDS, type RecordKind, type Records } from '../../src/ports/movable.ts';
import {
  claim,
  dead,
  delivery,
  event,
  execution,
  failure,
  leased,
  type Subject,
  store,
  submission,
  succeeded,
  T0,
  version,
} from './subject.ts';

/** One place for data, opened by a server or as records. */
export interface Place extends AsyncDisposable {
  /** Its data stays when it is disposed of. */
  asServer(): Promise<Subject>;
  asRecords(role: 'source' | 'target'): Promise<MovableStore>;
}

/** All records of a kind. */
export async function dumpOf<K extends RecordKind>(of: MovableStore, kind: K, after: string | null = null): Promise<Records[K][]> {
  const all: Records[K][] = [];
  for await (const { records } of of.read(kind, after)) all.push(...records);
  return all;
}
export type Dump = { [K in RecordKind]: Records[K][] };
export async function dump(of: MovableStore): Promise<Dump> {
  const kinds: [RecordKind, unknown][] = [];
  for (const kind of RECORD_KINDS) kinds.push([kind, await dumpOf(of, kind)]);
  return Object.fromEntries(kinds) as Dump;
}

export const MARK: MoveMark = { id: 'm1', state: 'filling', other: 'the data folder /somewhere', at: T0 };

/** One record of each kind with something in every member. */
export const SAMPLES: Dump = {
  settings: [
    { name: 'manager_id', value: '01JZ' },
    { name: 'other', value: '{"a":1}' },
  ],
  keys: [{ id: 'k1', body: '{"id":"k1","name":"key","scopes":["admin"],"hash":"ab"}', revokedAt: T0, lastUsedAt: null }],
  counters: [{ name: 'handlers', value: 9 }],
  handlers: [
    {
      id: 2,
      hook: 'h',
      name: 'n',
      enabled: false,
      version: 3,
      createdAt: T0,
      createdBy: 'a',
      updatedAt: T0 + 1,
      updatedBy: 'b',
      removedAt: null,
      body: '{"version":3}',
    },
    {
      id: 7,
      hook: 'h',
      name: 'gone',
      enabled: true,
      version: 0,
      createdAt: T0,
      createdBy: 'a',
      updatedAt: T0,
      updatedBy: 'a',
      removedAt: T0 + 5,
      body: '{"version":0}',
    },
  ],
  versions: [
    { handlerId: 2, version: 0, body: '{"version":0}' },
    { handlerId: 2, version: 2, body: '{"version":2}' },
  ],
  state: [
    { handlerId: 2, key: 'a:b', value: '{"x":1.0}' },
    { handlerId: 2, key: 'count', value: '5' },
    { handlerId: 10, key: '', value: 'null' },
  ],
  schedules: [
    { handlerId: 2, stamp: 'x', nextAt: T0 + 60_000, previousAt: null },
    { handlerId: 10, stamp: 'y', nextAt: null, previousAt: T0 },
  ],
  events: [
    {
      seq: -1,
      id: 'theirs',
      json: event({ _id: 'theirs', event_timestamp: '2025-01-01T00:00:00' }).json,
      archivedAt: null,
      cause: null,
      root: null,
      depth: 0,
    },
    {
      seq: 4,
      id: 'a',
      json: event('{"_id":"a","event_data":{"n":1591844539983333333,"x":1.0,"10":1,"9":[-0.0,1e-7]}}').json,
      archivedAt: null,
      cause: null,
      root: null,
      depth: 0,
    },
    {
      seq: 17,
      id: 'b',
      json: event({ _id: 'b', archived: true, archived_at: '2026-03-01T00:00:00.250' }).json,
      archivedAt: T0 + 250,
      cause: 'a.2',
      root: 'a',
      depth: 1,
    },
  ],
  firings: [{ id: 'f1', hook: 'h', payload: '{"big":12345678901234567890}', tags: ['t', 'u'], createdAt: T0, root: 'a', depth: 2 }],
  executions: [
    {
      ...{
        seq: 5,
        id: 'a.2',
        handlerId: 2,
        version: 3,
        hook: 'h',
        subject: 'a',
        fired: false,
        state: 'pending',
        attempt: 2,
        failures: 1,
        replays: 1,
      },
      ...{
        orderingKey: 'k',
        createdAt: T0,
        runAt: T0 + 60_000,
        startedAt: T0 + 0.25,
        finishedAt: T0 + 1.5,
        output: null,
        logs: '[{"text":"x"}]',
      },
      ...{ error: '{"reason":"thrown"}', attempts: ['{"attempt":1,"startedAt":1.25}', '{"attempt":2}'] },
    },
    {
      ...{
        seq: 9,
        id: 'f1.2',
        handlerId: 2,
        version: 0,
        hook: 'h',
        subject: 'f1',
        fired: true,
        state: 'succeeded',
        attempt: 1,
        failures: 0,
        replays: 0,
      },
      ...{
        orderingKey: null,
        createdAt: T0,
        runAt: T0,
        startedAt: T0,
        finishedAt: T0 + 1,
        output: '{"y":2.0}',
        logs: null,
        error: null,
        attempts: [],
      },
    },
  ],
  deliveries: [
    {
      ...{
        seq: 11,
        id: 'd1',
        executionId: 'f1.2',
        kind: 'success',
        to: 'a@b.example',
        subject: 's',
        text: 't',
        html: '<p>',
        messageId: 'm@b',
      },
      ...{
        createdAt: T0,
        attachments: '[{"name":"a.csv","type":"text/csv","content":"YQ=="}]',
        headers: '{"x":"y"}',
        state: 'failed',
        attempts: 8,
        nextAt: null,
        lastError: 'refused',
        sentAt: null,
      },
    },
    {
      ...{ seq: 12, id: 'd2', executionId: null, kind: 'mail', to: 'a@b.example', subject: 's', text: 't', html: null, messageId: 'n@b' },
      ...{ createdAt: T0, attachments: null, headers: null, state: 'pending', attempts: 0, nextAt: T0 + 9, lastError: null, sentAt: null },
    },
  ],
  // MongoDB forgets them a week after.
  alertPairs: [{ key: 'k', pairs: '[{"a":1}]', seenAt: Date.now() }],
};

export async function fill(of: MovableStore, all: Dump, mark: MoveMark = MARK): Promise<void> {
  const write = <K extends RecordKind>(kind: K): Promise<void> => of.write(kind, all[kind], mark);
  for (const kind of RECORD_KINDS) await write(kind);
}

export function movableStoreConformance(adapter: string, newPlace: () => Promise<Place>): void {
  describe(`MovableStore: ${adapter}`, () => {
    let place: Place;
    beforeAll(async () => {
      place = await newPlace();
    });
    afterAll(async () => {
      await place?.[Symbol.asyncDispose]();
    });
    const fresh = async (): Promise<Place> => {
      const store = await place.asRecords('target');
      await store.clear();
      await store.setMark(null);
      await store[Symbol.asyncDispose]();
      return place;
    };

    test('an empty store has no records and no mark', async () => {
      await using records = await (await fresh()).asRecords('target');
      expect(await records.mark()).toBeNull();
      expect(Object.values(await dump(records)).flat()).toEqual([]);
      for (const kind of RECORD_KINDS) expect([kind, await records.count(kind)]).toEqual([kind, 0]);
    });

    test('keeps a mark, which is no record, until it is taken away', async () => {
      await using records = await (await fresh()).asRecords('target');
      await records.setMark(MARK);
      await records.setMark({ ...MARK, reached: { kind: 'events', after: '["x"]', count: 3 } });
      expect(await records.mark()).toEqual({ ...MARK, reached: { kind: 'events', after: '["x"]', count: 3 } });
      expect(await records.count('settings')).toBe(0);
      expect(await dumpOf(records, 'settings')).toEqual([]);
      await records.clear();
      expect((await records.mark())?.id).toBe('m1');
      await records.setMark(null);
      expect(await records.mark()).toBeNull();
    });

    test('answers what was written, member for member, also when it is opened anew', async () => {
      await fresh();
      {
        await using records = await place.asRecords('target');
        await fill(records, SAMPLES, { ...MARK, reached: { kind: 'deliveries', after: null, count: 2 } });
        await records.complete();
        expect(await records.mark()).toEqual({ ...MARK, reached: { kind: 'deliveries', after: null, count: 2 } });
        expect(await dump(records)).toEqual(SAMPLES);
      }
      await using records = await place.asRecords('source');
      expect(await dump(records)).toEqual(SAMPLES);
      for (const kind of RECORD_KINDS) expect([kind, await records.count(kind)]).toEqual([kind, SAMPLES[kind].length]);
    });

    test.each(RECORD_KINDS)('goes on behind any place in the order of %s', async (kind) => {
      await fresh();
      await using records = await place.asRecords('target');
      await fill(records, SAMPLES);
      const all = await dumpOf(records, kind);
      let seen = 0;
      for await (const { records: batch, after } of records.read(kind, null, 1)) {
        seen += batch.length;
        expect(await dumpOf(records, kind, after)).toEqual(all.slice(seen));
      }
      expect(seen).toBe(SAMPLES[kind].length);
    });

    test('reads long kinds in batches, and each begins where the one before ended', async () => {
      await fresh();
      await using records = await place.asRecords('target');
      const many = Array.from({ length: 2_500 }, (_, n): Records['events'] => {
        const id = `e${String(n).padStart(5, '0')}`;
        return { seq: n < 1_200 ? n - 1_200 : n, id, json: event({ _id: id }).json, archivedAt: null, cause: null, root: null, depth: 0 };
      });
      for (let from = 0; from < many.length; from += 700) await records.write('events', many.slice(from, from + 700), MARK);
      await records.complete();
      const batches: Records['events'][][] = [];
      const places: string[] = [];
      for await (const { records: batch, after } of records.read('events', null)) {
        batches.push(batch);
        places.push(after);
      }
      expect(batches.flat()).toEqual(many);
      expect(batches.length).toBeGreaterThan(2);
      let seen = 0;
      for (const [n, batch] of batches.entries()) {
        seen += batch.length;
        expect(await dumpOf(records, 'events', places[n] as string)).toEqual(many.slice(seen));
      }
    });

    test('a batch holds few records when they are large', async () => {
      await fresh();
      await using records = await place.asRecords('target');
      const text = 'x'.repeat(3_000_000);
      const large = [1, 2, 3, 4, 5].map((seq): Records['events'] => {
        const id = `e${seq}`;
        return { seq, id, json: event({ _id: id, event_data: { text } }).json, archivedAt: null, cause: null, root: null, depth: 0 };
      });
      for (const one of large) await records.write('events', [one], MARK);
      const sizes: number[] = [];
      for await (const batch of records.read('events', null)) sizes.push(batch.records.length);
      expect(sizes).toEqual([3, 2]);
    });

    test('clear takes everything but the mark', async () => {
      await fresh();
      await using records = await place.asRecords('target');
      await fill(records, SAMPLES);
      await records.clear();
      expect(Object.values(await dump(records)).flat()).toEqual([]);
      expect(await records.mark()).toEqual(MARK);
      await fill(records, SAMPLES);
      expect(await dump(records)).toEqual(SAMPLES);
    });

    test('is refused while a server runs on the store, and a server works on what was written', async () => {
      await fresh();
      {
        await using records = await place.asRecords('target');
        await fill(records, SAMPLES);
        await records.complete();
        await records.setMark(null);
      }
      {
        await using server = await place.asServer();
        await expect(place.asRecords('source')).rejects.toThrow(/server/);
        expect(await server.events.get('a')).toBe(SAMPLES.events[1]?.json);
        expect((await server.handlers.all()).map(({ id, enabled }) => [id, enabled])).toEqual([[2, false]]);
        expect((await server.handlers.put({ hook: 'h', name: 'new', version: version() })).handler.id).toBe(10);
        expect(await server.keys.setting('manager_id')).toBe('01JZ');
        expect(await server.queue.state(2, 'a:b')).toBe('{"x":1.0}');
        const [next] = await claim(server, { handlerId: 2, now: T0 + 60_000 });
        expect(next).toMatchObject({ subjectId: 'a', handlerVersion: 3, failures: 1, replays: 1, orderingKey: 'k', lease: { attempt: 3 } });
        expect((await server.deliveries.due(T0 + 9, 10)).map(({ id }) => id)).toEqual(['d2']);
        expect(await server.events.purgeArchived(T0 + 251)).toBe(1);
        await store(server, { _id: 'after the move' });
        expect(
          (await server.events.page({ selector: {}, sort: null, projection: null }, { limit: 9, cursor: null })).items.map(
            (text) => JSON.parse(text)._id,
          ),
        ).toEqual(['theirs', 'a', 'after the move']);
      }
    });

    test('reads what a server has written, and gives back what it held', async () => {
      await fresh();
      const server = await place.asServer();
      await server.keys.keepSetting('manager_id', 'm');
      const { handler } = await server.handlers.put({ hook: 'h', name: 'n', version: version() });
      await server.handlers.put({ hook: 'h', name: 'n', version: version({ code: 'export default () => 2;' }) });
      const gone = await server.handlers.put({ hook: 'h', name: 'gone', version: version() });
      await server.handlers.remove(gone.handler.id, T0);
      const first = await leased(server, 'one', { handlerId: handler.id });
      const second = await leased(server, 'two', { handlerId: handler.id });
      await leased(server, 'three', { handlerId: handler.id });
      const emitted = submission(
        event({ _id: 'emitted' }, { executionId: first.executionId, root: 'one', depth: 1 }),
        execution('emitted', { handlerId: handler.id }),
      );
      await server.queue.settle([
        succeeded(first, {
          output: '{"a":1.0}',
          events: [emitted],
          state: [{ op: 'state.set', key: 'k', value: '7' }],
          deliveries: [delivery('d')],
        }),
        dead(second, {
          error: failure('no'),
          firings: [
            { firing: { id: 'f', hook: 'execution.on_failure', payload: '{}', tags: ['t'], createdAt: T0, cause: null }, executions: [] },
          ],
        }),
      ]);
      await server.events.archive({ ids: ['two'] }, T0 + 5);
      await store(server, { _id: 'by a client', archived: true, archived_at: '2026-01-01T00:00:00' });
      await server[Symbol.asyncDispose]();

      await using records = await place.asRecords('source');
      const all = await dump(records);
      expect(all.settings).toEqual([{ name: 'manager_id', value: 'm' }]);
      expect(all.handlers.map(({ name, version: number, removedAt }) => [name, number, removedAt])).toEqual([
        ['n', 1, null],
        ['gone', 0, T0],
      ]);
      expect(all.versions.map(({ handlerId, version: number }) => [handlerId, number])).toEqual([[handler.id, 0]]);
      expect(all.counters).toEqual([{ name: 'handlers', value: gone.handler.id }]);
      expect(all.state).toEqual([{ handlerId: handler.id, key: 'k', value: '7' }]);
      expect(all.events.map(({ id, archivedAt, cause, depth }) => [id, archivedAt, cause, depth])).toEqual([
        ['one', null, null, 0],
        ['two', T0 + 5, null, 0],
        ['three', null, null, 0],
        ['emitted', null, first.executionId, 1],
        ['by a client', null, null, 0],
      ]);
      expect(all.firings.map(({ id, tags }) => [id, tags])).toEqual([['f', ['t']]]);
      expect(all.executions.map(({ subject, state, attempt, failures }) => [subject, state, attempt, failures])).toEqual([
        ['one', 'succeeded', 1, 0],
        ['two', 'dead', 1, 1],
        ['three', 'pending', 1, 0],
        ['emitted', 'pending', 0, 0],
      ]);
      expect(JSON.parse(all.executions[2]?.attempts[0] ?? '')).toMatchObject({ attempt: 1, outcome: { reason: 'lost' } });
      expect(all.deliveries.map(({ id, state }) => [id, state])).toEqual([['d', 'pending']]);
    });

    test('archives what was written by a MADSci that knew no archive, whatever its data looks like', async () => {
      await fresh();
      const json =
        '{"_id":"old","event_type":"test","log_level":20,"event_timestamp":"2025-01-01T00:00:00","event_data":{"archived":false,"archived_at":null}}';
      {
        await using records = await place.asRecords('target');
        await records.write('events', [{ seq: -1, id: 'old', json, archivedAt: null, cause: null, root: null, depth: 0 }], MARK);
        await records.setMark(null);
      }
      await using server = await place.asServer();
      expect(await server.events.get('old')).toBe(json);
      expect(await server.events.archive({ ids: ['old'] }, T0)).toBe(1);
      expect(await server.events.get('old')).toBe(`${json.slice(0, -1)},"archived":true,"archived_at":"2026-03-01T00:00:00"}`);
      expect(await server.events.listArchived(0, 0)).toContain('"old":');
    });
  });
}
