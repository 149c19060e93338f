import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { executionId } from '../../src/core/execution-id.ts';
import type { Lease, Leased } from '../../src/ports/queue.ts';
import {
  claim,
  delivery,
  event,
  execution,
  leased,
  pending,
  SETTLED,
  type Subject,
  sha1,
  submission,
  succeeded,
  T0,
} from '../conformance/subject.ts';
import { onDatabase, openTestMongoStore, type TestMongoStore } from '../support/mongo-store.ts';
import { startStandalone } from '../support/mongod.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';

const mongod = mongodOfFile();
let one: TestMongoStore;
let two: TestMongoStore;
beforeEach(async () => {
  one = await openTestMongoStore({ url: mongod.url, serverId: 'one' });
  two = await openTestMongoStore({ url: mongod.url, serverId: 'two', database: one.database });
});
afterEach(async () => {
  await failing('off');
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
});

const at = (store: TestMongoStore): Subject => store as unknown as Subject;
const edit = <T>(work: (db: Parameters<Parameters<typeof onDatabase>[2]>[0]) => Promise<T>): Promise<T> =>
  onDatabase(mongod.url, one.database, work);

/** Makes commands fail: `mode` is off, alwaysOn, or so many times. Only those of the stores, not the tests' own. */
const failing = (mode: 'off' | 'alwaysOn' | { times: number }, data: Document = {}): Promise<unknown> =>
  onDatabase(mongod.url, 'admin', (db) =>
    db.command({ configureFailPoint: 'failCommand', mode, ...(mode === 'off' ? {} : { data: { appName: 'hookwright', ...data } }) }),
  );
const collection = (name: string): string => `${one.database}.hookwright_${name}`;

/** As after a crash and the end of its leases: others find it gone. */
const forgetServer = (name: string): Promise<unknown> =>
  edit((db) => db.collection<{ _id: string }>('hookwright_servers').deleteMany({ _id: { $regex: `^${name}~` } }));
const settledOnce = (mark: string) => ({
  events: [submission(event({ _id: `emitted ${mark}` }), execution(`emitted ${mark}`, { handlerId: 2, state: 'leased' }))],
  state: [{ op: 'state.increment' as const, key: 'n', by: 1 }],
  deliveries: [delivery(`d ${mark}`)],
});
/** Something is done a little later. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await check();
    } catch (error) {
      if (tries === 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('a server that dies', () => {
  test('holds what it leased until its time is over, and not longer', async () => {
    const lease = await leased(at(one), 'e');
    expect(await two.queue.recover(T0)).toMatchObject({ lost: 0 });
    await edit((db) =>
      db
        .collection<{ _id: string }>('hookwright_servers')
        .updateMany({ _id: /^one~/ as unknown as string }, { $set: { aliveUntil: new Date(0) } }),
    );
    expect(await two.queue.recover(T0)).toMatchObject({ lost: 1, pending: [{ handlerId: 1, firstRunAt: T0 }] });
    expect(await claim(at(two))).toMatchObject([{ lease: { attempt: 2 } }]);
    expect(await one.queue.settle([succeeded(lease)])).toEqual([{ kind: 'lease_lost' }]);
    expect(await one.queue.renew(T0)).toBe(false);
    expect(await one.queue.renew(T0)).toBe(true);
  });

  test('leaves planned executions that another server writes', async () => {
    await pending(at(one), ['e']);
    await one.queue.fire({
      firing: { id: 'f', hook: 'h', payload: '{}', tags: [], createdAt: T0, cause: null },
      executions: [execution('f', { state: 'leased' })],
    });
    await eventually(async () =>
      expect(await edit((db) => db.collection('events').countDocuments({ '_hookwright.planned': { $exists: true } }))).toBe(0),
    );
    await edit(async (db) => {
      const executions = await db.collection('hookwright_executions').find().toArray();
      const planned = (subject: string) => executions.filter((each) => each['subject'] === subject);
      const owner = 'ghost~1';
      await db.collection('events').updateMany({}, { $set: { '_hookwright.planned': planned('e'), '_hookwright.owner': owner } });
      await db.collection('hookwright_firings').updateMany({}, { $set: { planned: planned('f'), owner } });
      await db.collection('hookwright_executions').deleteMany({});
    });
    await two.queue.recover(T0);
    expect((await claim(at(two))).map(({ subjectId }) => subjectId)).toEqual(['e', 'f']);
    await two.queue.recover(T0);
    expect(await claim(at(two))).toEqual([]);
  });

  test('after an outcome was written: another one writes what it causes, once', async () => {
    const lease = await leased(at(one), 'e');
    await failing('alwaysOn', { failCommands: ['insert'], namespace: collection('deliveries'), errorCode: 8_000 });
    await expect(one.queue.settle([succeeded(lease, settledOnce('a'))])).rejects.toMatchObject({ code: 'store_unavailable' });
    await failing('off');
    expect(await two.queue.recover(T0)).toMatchObject({ lost: 0 });
    expect(await two.deliveries.get('d a')).toBeNull();
    await forgetServer('one');
    await two.queue.recover(T0);
    await two.queue.recover(T0);
    expect(await two.deliveries.get('d a')).toMatchObject({ state: 'pending' });
    expect(await two.queue.state(1, 'n')).toBe('1');
    expect(await two.queue.executionsOf('emitted a')).toHaveLength(1);
    expect(await claim(at(two), { handlerId: 2 })).toMatchObject([{ subjectId: 'emitted a' }]);
    expect(await two.queue.get(lease.executionId)).toMatchObject({ state: 'succeeded' });
  });
});

describe('a database that does not answer', () => {
  test('leaves mails that it was sending to another one, which need not wait until they would be free by themselves', async () => {
    await one.queue.settle([succeeded(await leased(at(one), 'e'), { deliveries: [delivery('d')] })]);
    expect(await one.deliveries.due(T0, 10)).toHaveLength(1);
    await two.queue.recover(T0);
    expect(await two.deliveries.due(T0, 10)).toEqual([]);
    await forgetServer('one');
    await two.queue.recover(T0);
    expect(await two.deliveries.due(T0, 10)).toMatchObject([{ id: 'd', state: 'pending', attempts: 0 }]);
    await one.deliveries.record([{ id: 'd', state: 'failed', attempts: 1, nextAt: null, lastError: 'late', sentAt: null }]);
    await two.deliveries.record([{ id: 'd', state: 'sent', attempts: 1, nextAt: null, lastError: null, sentAt: T0 }]);
    expect(await two.deliveries.get('d')).toMatchObject({ state: 'sent' });
  });

  test('settles the same outcome again and answers what it did before', async () => {
    const lease = await leased(at(one), 'e');
    const settlement = succeeded(lease, settledOnce('a'));
    await failing('alwaysOn', { failCommands: ['insert'], namespace: collection('deliveries'), errorCode: 8_000 });
    await expect(one.queue.settle([settlement])).rejects.toMatchObject({ code: 'store_unavailable' });
    await failing('off');
    expect(await one.queue.settle([settlement])).toEqual([
      { kind: 'settled', events: [{ kind: 'stored', refs: [expect.anything()] }], firings: [] },
    ]);
    expect(await one.queue.state(1, 'n')).toBe('1');
    expect(await one.deliveries.get('d a')).toMatchObject({ state: 'pending' });
    expect(await one.queue.settle([succeeded(lease)])).toEqual([{ kind: 'lease_lost' }]);
  });

  for (const [name, data] of [
    ['a connection that breaks', { closeConnection: true }],
    ['another primary', { errorCode: 10_107 }],
    ['a stop', { errorCode: 11_600 }],
    ['a majority that did not confirm', { writeConcernError: { code: 91, errmsg: 'shutting down' } }],
  ] as const)
    test(`goes on after ${name}, and does nothing twice`, async () => {
      const commands = { failCommands: ['insert', 'update', 'findAndModify'], ...data };
      await failing({ times: 2 }, commands);
      const [result] = await one.events.append([submission(event({ _id: 'e' }), execution('e'))]);
      expect(result).toMatchObject({ kind: 'stored', refs: [expect.anything()] });
      await failing({ times: 1 }, commands);
      const [taken] = await claim(at(one));
      expect(taken).toMatchObject({ subjectId: 'e', lease: { attempt: 1 } });
      await failing({ times: 3 }, commands);
      const settled = await one.queue.settle([succeeded((taken as Leased).lease, settledOnce('b'))]);
      expect(settled).toEqual([{ kind: 'settled', events: [{ kind: 'stored', refs: [expect.anything()] }], firings: [] }]);
      expect(await one.queue.state(1, 'n')).toBe('1');
      expect(await one.queue.counts()).toMatchObject({ succeeded: 1, leased: 1 });
    });

  test('puts into the queue what it stored although its caller was told that it failed', async () => {
    await failing('alwaysOn', { failCommands: ['insert'], namespace: collection('executions'), errorCode: 8_000 });
    const planned = execution('e', { state: 'leased' });
    await expect(one.events.append([submission(event({ _id: 'e' }), planned)])).rejects.toMatchObject({ code: 'store_unavailable' });
    await failing('off');
    expect(await one.events.get('e')).not.toBeNull();
    expect(await one.queue.recover(T0)).toMatchObject({ pending: [{ handlerId: 1 }] });
    expect(await claim(at(one))).toMatchObject([{ subjectId: 'e', lease: { attempt: 1 } }]);
    expect(await one.events.append([submission(event({ _id: 'e' }), planned)])).toEqual([{ kind: 'duplicate' }]);
  });

  test('puts it into the queue also when its caller has repeated it meanwhile', async () => {
    await failing('alwaysOn', { failCommands: ['insert'], namespace: collection('executions'), errorCode: 8_000 });
    const planned = execution('e', { state: 'leased' });
    await expect(one.events.append([submission(event({ _id: 'e' }), planned)])).rejects.toMatchObject({ code: 'store_unavailable' });
    await failing('off');
    expect(await one.events.append([submission(event({ _id: 'e' }), planned)])).toEqual([{ kind: 'duplicate' }]);
    await one.queue.recover(T0);
    expect(await claim(at(one))).toMatchObject([{ subjectId: 'e', lease: { attempt: 1 } }]);
  });

  test.each(['an event', 'a firing'])('leaves alone what is just being written of %s: its writer is about to run it', async (kind) => {
    await failing('alwaysOn', { failCommands: ['insert'], namespace: collection('executions'), blockConnection: true, blockTimeMS: 400 });
    const planned = execution('e', { state: 'leased' });
    const firing = { id: 'e', hook: 'h', payload: '{}', tags: [], createdAt: T0, cause: null };
    const written =
      kind === 'an event'
        ? one.events.append([submission(event({ _id: 'e' }), planned)]).then(([result]) => result)
        : one.queue.fire({ firing, executions: [planned] });
    let isWritten = false;
    const done = written.finally(() => {
      isWritten = true;
    });
    while (!isWritten) await one.queue.recover(T0);
    await failing('off');
    expect(await done).toMatchObject({ kind: 'stored' });
    expect(await one.queue.open()).toEqual({ pending: 0, leased: 1 });
  });
});

describe('two servers on one database', () => {
  test('never hold the same execution', async () => {
    const ids = Array.from({ length: 400 }, (_, n) => `e${n}`);
    await pending(at(one), ids);
    const taken: Leased[] = [];
    const work = async (store: TestMongoStore): Promise<void> => {
      for (let got = await claim(at(store), { limit: 30 }); got.length > 0; got = await claim(at(store), { limit: 30 })) taken.push(...got);
    };
    await Promise.all([one, two, one, two].map(work));
    expect(taken.map(({ subjectId }) => subjectId).toSorted()).toEqual(ids.toSorted());
  });

  test('add to the same state without losing any', async () => {
    const settle = async (store: TestMongoStore, name: string): Promise<void> => {
      for (let n = 0; n < 20; n++) {
        const leases: Lease[] = await Promise.all([0, 1, 2].map((k) => leased(at(store), `${name}${n}.${k}`)));
        await store.queue.settle(leases.map((each) => succeeded(each, { state: [{ op: 'state.increment', key: 'n', by: 1 }] })));
      }
    };
    await Promise.all([settle(one, 'a'), settle(two, 'b')]);
    expect(await one.queue.state(1, 'n')).toBe('120');
  });

  test('hand a delivery to one of them, and refuse what the other records', async () => {
    await one.queue.settle([succeeded(await leased(at(one), 'e'), { deliveries: [delivery('d')] })]);
    expect(await one.deliveries.due(T0, 10)).toHaveLength(1);
    expect(await two.deliveries.due(T0, 10)).toEqual([]);
    expect(await one.deliveries.due(T0, 10)).toHaveLength(1);
    const sent = { id: 'd', state: 'sent' as const, attempts: 1, nextAt: null, lastError: null, sentAt: T0 };
    await two.deliveries.record([sent]);
    expect(await one.deliveries.get('d')).toMatchObject({ state: 'pending' });
    await one.deliveries.record([sent]);
    expect(await two.deliveries.get('d')).toMatchObject({ state: 'sent' });
  });

  test('have one leader, until it leaves', async () => {
    expect(await Promise.all([one.leadership.lead('sweep', T0, 60_000), one.leadership.lead('sweep', T0, 60_000)])).toEqual([true, true]);
    expect(await two.leadership.lead('sweep', T0, 60_000)).toBe(false);
    expect(await two.leadership.lead('other', T0, 60_000)).toBe(true);
  });

  test('hear of each other’s changes', async () => {
    const heard: string[] = [];
    const stop = two.signals.listen((topic) => heard.push(topic));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await one.keys.revoke('nothing', T0);
    await pending(at(one), ['e']);
    await eventually(async () => expect(heard).toEqual(expect.arrayContaining(['keys', 'queue'])));
    stop();
  });

  test('register the same handler as one', async () => {
    const version = { code: '', language: 'javascript', javascript: '', tags: [], filter: '{}', config: '{}' };
    const put = (store: TestMongoStore) => store.handlers.put({ hook: 'h', name: 'n', version: version as never });
    const made = await Promise.all(Array.from({ length: 10 }, (_, n) => put(n % 2 === 0 ? one : two)));
    expect(new Set(made.map(({ handler }) => handler.id)).size).toBe(1);
    expect(made.map(({ handler }) => handler.current.version).toSorted((a, b) => a - b)).toEqual(made.map((_, n) => n));
  });
});

describe('what MADSci wrote', () => {
  const madsci = (n: number, more: Document = {}): Document => ({
    _id: `01JYKZRQ9Y0000000000000${String(n).padStart(3, '0')}`,
    event_type: 'log_info',
    log_level: 20,
    alert: false,
    event_timestamp: '2025-01-01T00:00:00',
    source: {},
    event_data: { n },
    trace_id: null,
    span_id: null,
    archived: false,
    archived_at: null,
    ...more,
  });
  const ids = (text: string): string[] => Object.keys(JSON.parse(text) as object);

  test('M35 is listed, queried, paged and archived as our own', async () => {
    const old = [madsci(1), madsci(2), madsci(3, { archived: true, archived_at: new Date(T0) })];
    await edit((db) => db.collection('events').insertMany(old));
    await one.events.append([submission(event({ _id: 'ours', event_timestamp: '2025-01-01T00:00:00' }))]);
    const names = old.map(({ _id }) => String(_id));
    expect(await one.events.get(names[2] as string)).toContain('"archived":true,"archived_at":"2026-03-01T00:00:00"');
    const list = { number: 0, offset: 0, minLevel: 0, startText: null, endText: null, includeArchived: false };
    expect(ids(await one.events.list(list))).toEqual(['ours', names[1], names[0]]);
    expect(ids(await one.events.query({ selector: {}, sort: null, projection: null }))).toEqual([...names, 'ours']);
    for (const sort of [null, { event_timestamp: -1 }, { 'event_data.n': 1 }]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: { items: string[]; nextCursor: string | null } = await one.events.page(
          { selector: {}, sort, projection: null },
          { limit: 1, cursor },
        );
        seen.push(...page.items.map((item) => (JSON.parse(item) as { _id: string })._id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen.toSorted()).toEqual([...names, 'ours'].toSorted());
    }
    expect(await one.events.archive({ ids: names }, T0)).toBe(2);
    expect(await edit((db) => db.collection('events').countDocuments({ archived_at: { $type: 'date' } }))).toBe(3);
    expect(await one.events.append([submission(event(JSON.stringify(madsci(1))))])).toEqual([{ kind: 'duplicate' }]);
  });

  test('ours lie in the collection as MADSci’s do, with one member more', async () => {
    await one.events.append([submission(event({ _id: 'e', event_data: { i: 1, big: 2 ** 40, text: 'a' } }))]);
    const stored = await edit((db) => db.collection<{ _id: string }>('events').findOne({ _id: 'e' }, { promoteValues: false }));
    expect(Object.keys(stored ?? {})).toEqual([...Object.keys(madsci(1)), '_hookwright']);
    expect((stored as Document)['event_data']).toMatchObject({ i: { _bsontype: 'Int32' }, big: { _bsontype: 'Long' } });
  });

  test('keeps nesting deeper than MongoDB takes', async () => {
    const deep = `${'['.repeat(198)}1${']'.repeat(198)}`;
    const made = event(`{"_id":"deep","event_data":${deep}}`);
    expect(await one.events.append([submission(made)])).toMatchObject([{ kind: 'stored' }]);
    expect(await one.events.get('deep')).toBe(made.json);
    await one.events.archive({ ids: ['deep'] }, T0);
    expect(await one.events.get('deep')).toBe(
      made.json.replace('"archived":false,"archived_at":null', '"archived":true,"archived_at":"2026-03-01T00:00:00"'),
    );
    expect(await one.events.append([submission(made)])).toEqual([{ kind: 'duplicate' }]);
  });

  test('refuses one event that no document can hold, and stores the others of the turn', async () => {
    const large = event({ _id: 'large', event_data: 'x'.repeat(16_500_000) });
    const [refused, stored] = await Promise.allSettled([
      one.events.append([submission(large)]),
      one.events.append([submission(event({ _id: 'small' }))]),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'body_too_large' } });
    expect(stored).toMatchObject({ status: 'fulfilled', value: [{ kind: 'stored' }] });
  });

  test('stops a query at its deadline', async () => {
    await using hasty = await openTestMongoStore({ url: mongod.url, deadlineMs: 200 });
    const text = `${'a'.repeat(28)}b`;
    await hasty.events.append(Array.from({ length: 400 }, (_, n) => submission(event({ _id: `e${n}`, event_data: { text } }))));
    const slow = { 'event_data.text': { $regex: '^(a|a|aa)+$' } };
    await expect(hasty.events.count(slow)).rejects.toMatchObject({ code: 'query_deadline' });
  });
});

test('a mongod without a replica set is refused, unless it is allowed', async () => {
  await using alone = await startStandalone();
  await expect(openTestMongoStore({ url: alone.url })).rejects.toThrow(/rs\.initiate/);
  await using store = await openTestMongoStore({ url: alone.url, standaloneAllowed: true });
  await pending(at(store), ['e']);
  const [taken] = await claim(at(store));
  expect(await store.queue.settle([succeeded((taken as Leased).lease)])).toEqual([SETTLED]);
  expect(await store.queue.get(executionId('e', 1, sha1))).toMatchObject({ state: 'succeeded' });
});
