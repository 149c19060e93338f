import { expect } from '@jest/globals';
import { type ExactValue, parseExact } from '../../src/core/json.ts';
import type { EventList, EventQuery, EventStore } from '../../src/ports/event-store.ts';
import {
  claim,
  event,
  everyPage,
  execution,
  type It,
  idsOf,
  itemIds,
  leased,
  type Options,
  pending,
  type Subject,
  store,
  submission,
  succeeded,
  suite,
  T0,
} from './subject.ts';

const DAY = 86_400_000;
const ALL: EventList = { number: 0, offset: 0, minLevel: 0, startText: null, endText: null, includeArchived: false };
const query = (selector: ExactValue = {}, over: Partial<EventQuery> = {}): EventQuery => ({
  selector,
  sort: null,
  projection: null,
  ...over,
});
const listed = async ({ events }: Subject, over: Partial<EventList> = {}): Promise<string[]> =>
  idsOf(await events.list({ ...ALL, ...over }));
const found = async ({ events }: Subject, selector: ExactValue): Promise<string[]> => idsOf(await events.query(query(selector)));
const minute = (n: number): string => `2026-03-01T00:${String(n).padStart(2, '0')}:00`;

/** What an id may be: any text of Unicode characters. */
const ODD_IDS: readonly string[] = [
  '',
  ' ',
  'trailing ',
  'a\0b',
  '\0',
  'it\'s "quoted" `so`',
  "'; DROP TABLE events; --",
  '__proto__',
  'constructor',
  'toString',
  '$set',
  'a.b.c',
  '.',
  '../../etc/passwd',
  '%2e%2e%2f',
  'with/slash\\and\\backslash',
  'line\nfeed\r\n\ttab',
  '\u2028\u2029',
  '\u202eright to left',
  '\ufeffmarked',
  '\u{1f9ea}\u{1f468}\u200d\u{1f52c}',
  '\u00e9',
  'e\u0301',
  'A',
  'a',
  '10',
  '9',
  '007',
  'null',
  '{"_id":1}',
  '*?[]',
  '~',
  '\uffff\u{10ffff}',
  'x'.repeat(5_000),
];

export function eventStoreConformance(adapter: string, options: Options): void {
  suite(`EventStore: ${adapter}`, options, (it) => {
    appends(it);
    lists(it);
    queries(it);
    pages(it);
    archives(it);
    keepsWhatItIsGiven(it);
  });
}

function appends(it: It): void {
  it('stores an event once and answers its very text', async ({ events }) => {
    const one = event({ _id: 'e', event_type: 'log_info', event_data: { message: 'hello' } });
    expect(await events.append([submission(one)])).toEqual([{ kind: 'stored', refs: [] }]);
    expect(await events.get('e')).toBe(one.json);
    expect(await events.get('f')).toBeNull();
    expect(await events.total()).toBe(1);
  });

  it('answers nothing for nothing', async ({ events }) => {
    expect(await events.append([])).toEqual([]);
  });

  it('names the same event again a duplicate, and keeps one', async ({ events }) => {
    const one = event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1) });
    await events.append([submission(one)]);
    expect(await events.append([submission(one)])).toEqual([{ kind: 'duplicate' }]);
    expect(await events.total()).toBe(1);
  });

  it('names another event of the same id a conflict, and keeps the first (M3)', async ({ events }) => {
    const first = event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1) });
    await events.append([submission(first)]);
    const others = [
      event({ _id: 'e', event_data: { n: 2 }, event_timestamp: minute(1) }),
      event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(2) }),
      event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1), log_level: 30 }),
      event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1), alert: true }),
      event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1), event_type: 'log_info' }),
      event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1), tags: ['one'] }),
      event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(1), source: {} }),
    ];
    expect(await events.append(others.map((each) => submission(each)))).toEqual(others.map(() => ({ kind: 'conflict' })));
    expect(await events.get('e')).toBe(first.json);
  });

  it('tells stored, duplicate and conflict apart within one call', async ({ events }) => {
    const first = event({ _id: 'e', event_data: { n: 1 } });
    const other = event({ _id: 'e', event_data: { n: 2 } });
    expect((await events.append([first, first, other].map((each) => submission(each)))).map(({ kind }) => kind)).toEqual([
      'stored',
      'duplicate',
      'conflict',
    ]);
    expect(await events.get('e')).toBe(first.json);
  });

  it('leaves out of the comparison what the server filled in', async ({ events }) => {
    const first = event({ _id: 'e', event_data: { n: 1 } });
    await events.append([submission(first)]);
    const repeated = event({ _id: 'e', event_data: { n: 1 }, event_timestamp: minute(9), source: { node_id: 'n' } });
    const filled = (timestamp: boolean, source: boolean) => submission({ ...repeated, defaulted: { timestamp, source } });
    expect(await events.append([filled(true, true), filled(false, true), filled(true, false), filled(false, false)])).toEqual([
      { kind: 'duplicate' },
      { kind: 'conflict' },
      { kind: 'conflict' },
      { kind: 'conflict' },
    ]);
    expect(await events.get('e')).toBe(first.json);
  });

  it('takes an event that was archived since for the same event', async ({ events }) => {
    const one = event({ _id: 'e', event_data: { n: 1 } });
    await events.append([submission(one)]);
    await events.archive({ ids: ['e'] }, T0);
    expect(await events.append([submission(one)])).toEqual([{ kind: 'duplicate' }]);
    expect(JSON.parse((await events.get('e')) as string)).toMatchObject({ archived: true });
  });

  it('writes executions only with an event that is stored', async (subject) => {
    const { events, queue } = subject;
    const one = event({ _id: 'e', event_data: { n: 1 } });
    const plan = [execution('e'), execution('e', { handlerId: 2 })];
    const [stored] = await events.append([submission(one, ...plan)]);
    expect(stored).toMatchObject({ kind: 'stored', refs: [expect.anything(), expect.anything()] });
    const third = execution('e', { handlerId: 3 });
    await events.append([submission(one, third), submission(event({ _id: 'e', event_data: { n: 2 } }), third)]);
    expect(await queue.executionsOf('e')).toEqual(plan.map(({ id }) => id));
    expect(await queue.counts()).toMatchObject({ pending: 2, leased: 0 });
  });

  it('has an event and its executions visible once it answered, in the state they were planned in', async (subject) => {
    await leased(subject, 'e');
    await pending(subject, ['f']);
    const [taken, waiting] = await Promise.all(['e', 'f'].map((id) => subject.queue.get(execution(id).id)));
    expect(taken).toMatchObject({ state: 'leased', attempt: 1, eventId: 'e', handlerId: 1, createdAt: T0, finishedAt: null });
    expect(waiting).toMatchObject({ state: 'pending', attempt: 0, eventId: 'f' });
  });

  it('takes what many callers give in one turn, each with its own answer', async ({ events }) => {
    const one = event({ _id: 'same' });
    const calls = Array.from({ length: 300 }, (_, n) => events.append([submission(n % 3 === 0 ? one : event({ _id: `e${n}` }))]));
    const kinds = (await Promise.all(calls)).map(([result]) => result?.kind);
    expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(201);
    expect(kinds.filter((kind) => kind === 'duplicate')).toHaveLength(99);
    expect(await events.total()).toBe(201);
  });

  it('runs the executions of an event that was purged and came again', async (subject) => {
    const { events, queue } = subject;
    await pending(subject, ['e']);
    await events.archive({ ids: ['e'] }, T0);
    await events.purgeArchived(T0 + 1);
    expect((await claim(subject)).length).toBe(0);
    expect(await queue.get(execution('e').id)).toMatchObject({ state: 'canceled', input: null });
    await pending(subject, ['e']);
    expect(await claim(subject)).toMatchObject([{ subjectId: 'e', lease: { attempt: 1 } }]);
  });

  it('keeps what it answered over a restart', async (subject) => {
    const [one] = await store(subject, { _id: 'e' });
    await pending(subject, ['f']);
    await using again = await subject.reopen();
    expect(await again.events.get('e')).toBe(one?.json);
    expect(await again.queue.counts()).toMatchObject({ pending: 1 });
    expect(await again.events.append([submission(event({ _id: 'g' }))])).toMatchObject([{ kind: 'stored' }]);
    expect(await found(again, {})).toEqual(['e', 'f', 'g']);
  });
}

function lists(it: It): void {
  it('M10 lists by event_timestamp as text, newest first', async (subject) => {
    const naive = '2026-03-01T00:00:00';
    await store(
      subject,
      { _id: 'naive', event_timestamp: naive },
      { _id: 'z', event_timestamp: `${naive}Z` },
      { _id: 'plus', event_timestamp: `${naive}+01:00` },
      { _id: 'fraction', event_timestamp: `${naive}.500000` },
      { _id: 'old', event_timestamp: '1969-12-31T23:59:59' },
    );
    expect(await listed(subject)).toEqual(['z', 'fraction', 'plus', 'naive', 'old']);
  });

  it('M10 lists events of the same time newest-inserted first', async (subject) => {
    const ids = ['b', 'a', 'd', 'c', '10', '9'];
    await store(subject, ...ids.map((_id) => ({ _id, event_timestamp: minute(0) })));
    expect(await listed(subject)).toEqual(ids.toReversed());
    expect(await listed(subject, { number: 2, offset: 1 })).toEqual(['10', 'c']);
  });

  it('M11 lists a bounded number from an offset on, and all for 0', async (subject) => {
    const ids = Array.from({ length: 10 }, (_, n) => `e${n}`);
    await store(subject, ...ids.map((_id, n) => ({ _id, event_timestamp: minute(n) })));
    expect(await listed(subject, { number: 3 })).toEqual(['e9', 'e8', 'e7']);
    expect(await listed(subject, { number: 3, offset: 8 })).toEqual(['e1', 'e0']);
    expect(await listed(subject, { number: 0, offset: 8 })).toEqual(['e1', 'e0']);
    expect(await listed(subject, { number: 3, offset: 10 })).toEqual([]);
    expect(await listed(subject)).toHaveLength(10);
  });

  it('M10 lists from a level on', async (subject) => {
    await store(
      subject,
      ...[0, 10, 20, 30, 40, 50].map((log_level, n) => ({ _id: `l${log_level}`, log_level, event_timestamp: minute(n) })),
    );
    expect(await listed(subject, { minLevel: 0 })).toHaveLength(6);
    expect(await listed(subject, { minLevel: 30 })).toEqual(['l50', 'l40', 'l30']);
    expect(await listed(subject, { minLevel: 45 })).toEqual(['l50']);
    expect(await listed(subject, { minLevel: 51 })).toEqual([]);
    expect(await listed(subject, { minLevel: -1 })).toHaveLength(6);
  });

  it('M10 takes both bounds of the time as text, and includes both', async (subject) => {
    await store(subject, ...Array.from({ length: 6 }, (_, n) => ({ _id: `e${n}`, event_timestamp: minute(n) })));
    expect(await listed(subject, { startText: minute(2), endText: minute(4) })).toEqual(['e4', 'e3', 'e2']);
    expect(await listed(subject, { startText: `${minute(2)}Z` })).toEqual(['e5', 'e4', 'e3']);
    expect(await listed(subject, { endText: minute(0) })).toEqual(['e0']);
    expect(await listed(subject, { startText: minute(3), endText: minute(2) })).toEqual([]);
    expect(await listed(subject, { startText: minute(1), endText: minute(5), minLevel: 20, number: 2, offset: 1 })).toEqual(['e4', 'e3']);
  });

  it('M10 lists archived events only when asked to', async (subject) => {
    await store(subject, { _id: 'e', event_timestamp: minute(0) }, { _id: 'f', event_timestamp: minute(1) });
    await subject.events.archive({ ids: ['f'] }, T0);
    expect(await listed(subject)).toEqual(['e']);
    expect(await listed(subject, { includeArchived: true })).toEqual(['f', 'e']);
  });
}

function queries(it: It): void {
  it('M12 answers a query in insertion order, archived included, without a bound', async (subject) => {
    const ids = Array.from({ length: 250 }, (_, n) => `e${(n * 7) % 250}`);
    await store(subject, ...ids.map((_id, n) => ({ _id, event_data: { n } })));
    await subject.events.archive({ ids: ['e14'] }, T0);
    expect(await found(subject, {})).toEqual(ids);
    expect(await found(subject, { 'event_data.n': { $lt: 5 } })).toEqual(['e0', 'e7', 'e14', 'e21', 'e28']);
    expect(await found(subject, { archived: true })).toEqual(['e14']);
  });

  it('gives selectors one meaning, whichever fields they ask for', async (subject) => {
    await store(
      subject,
      { _id: 'a', event_type: 'log_info', log_level: 20, source: { node_id: 'n1' }, event_data: { v: 1, list: [1, 2] }, tags: ['x'] },
      { _id: 'b', event_type: 'log_error', log_level: 40, alert: true, source: { node_id: 'n2' }, event_data: { v: 2.5, list: [3] } },
      { _id: 'c', event_type: 'log_error', log_level: 50, source: {}, event_data: { v: 'text', deep: { er: null } } },
    );
    const cases: [ExactValue, string[]][] = [
      [{ _id: 'b' }, ['b']],
      [{ _id: { $in: ['c', 'a', 'nothing'] } }, ['a', 'c']],
      [{ _id: { $ne: 'b' } }, ['a', 'c']],
      [{ event_type: 'log_error', log_level: { $gte: 40 } }, ['b', 'c']],
      [{ log_level: { $gt: 20, $lt: 50 } }, ['b']],
      [{ log_level: 40n }, ['b']],
      [{ alert: false }, ['a', 'c']],
      [{ 'source.node_id': 'n1' }, ['a']],
      [{ 'source.node_id': { $exists: false } }, ['c']],
      [{ 'event_data.v': { $gte: 1 } }, ['a', 'b']],
      [{ 'event_data.list': 3 }, ['b']],
      [{ 'event_data.list': { $size: 2 } }, ['a']],
      [{ 'event_data.deep.er': null }, ['a', 'b', 'c']],
      [{ $or: [{ _id: 'a' }, { 'event_data.v': 'text' }] }, ['a', 'c']],
      [{ $nor: [{ alert: true }, { tags: 'x' }] }, ['c']],
      [{ event_type: { $regex: '^log_e' } }, ['b', 'c']],
      [{ event_type: { $not: { $regex: 'error' } } }, ['a']],
      [{ event_timestamp: { $gt: '' } }, ['a', 'b', 'c']],
      [{ nothing: 1 }, []],
    ];
    for (const [selector, ids] of cases) {
      expect({ selector, ids: await found(subject, selector) }).toEqual({ selector, ids });
      expect({ selector, count: await subject.events.count(selector) }).toEqual({ selector, count: ids.length });
    }
  });

  it('counts what matches, archived included', async (subject) => {
    await store(subject, ...Array.from({ length: 12 }, (_, n) => ({ _id: `e${n}`, event_data: { n } })));
    await subject.events.archive({ ids: ['e1', 'e2'] }, T0);
    const { events } = subject;
    expect(await events.count({})).toBe(12);
    expect(await events.count({ 'event_data.n': { $mod: [2, 0] } })).toBe(6);
    expect(await events.count({ archived: false })).toBe(10);
    expect(await events.total()).toBe(12);
  });

  it('compares archived_at as the date it is once the server archived (M29)', async (subject) => {
    await store(subject, { _id: 'ours' }, { _id: 'theirs', archived: true, archived_at: '2026-01-01T00:00:00' }, { _id: 'live' });
    await subject.events.archive({ ids: ['ours'] }, T0);
    expect(await found(subject, { archived_at: { $type: 'date' } })).toEqual(['ours']);
    expect(await found(subject, { archived_at: { $type: 'string' } })).toEqual(['theirs']);
    expect(await found(subject, { archived_at: null })).toEqual(['live']);
  });
}

function pages(it: It): void {
  const limit = 7;
  const data = (n: number) => ({
    _id: `e${String((n * 37) % 60).padStart(2, '0')}`,
    event_timestamp: minute(n % 9),
    log_level: (n % 6) * 10,
    event_type: n % 2 === 0 ? 'log_info' : 'log_error',
    event_data: { n, group: n % 4, value: n % 5 === 0 ? null : n % 3 === 0 ? `t${n % 7}` : n % 11 },
  });
  const member = (item: string, name: string): string | number => {
    const value = name.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], JSON.parse(item));
    return value as string | number;
  };

  it('pages in insertion order, and says when there is no more', async (subject) => {
    await store(subject, ...Array.from({ length: 21 }, (_, n) => data(n)));
    const ids = Array.from({ length: 21 }, (_, n) => data(n)._id);
    const read = (cursor: string | null) => subject.events.page(query(), { limit, cursor });
    const first = await read(null);
    expect(itemIds(first.items)).toEqual(ids.slice(0, limit));
    const second = await read(first.nextCursor);
    expect(itemIds(second.items)).toEqual(ids.slice(limit, 2 * limit));
    const third = await read(second.nextCursor);
    expect(itemIds(third.items)).toEqual(ids.slice(2 * limit));
    expect(third.nextCursor).toBeNull();
    expect(itemIds((await read(first.nextCursor)).items)).toEqual(ids.slice(limit, 2 * limit));
  });

  it('answers an empty page for nothing', async ({ events }) => {
    expect(await events.page(query(), { limit, cursor: null })).toEqual({ items: [], nextCursor: null });
    expect(await events.page(query({}, { sort: { 'event_data.n': 1 } }), { limit, cursor: null })).toEqual({ items: [], nextCursor: null });
  });

  it('pages only what a selector matches', async (subject) => {
    await store(subject, ...Array.from({ length: 60 }, (_, n) => data(n)));
    const read = (cursor: string | null) => subject.events.page(query({ 'event_data.group': 2 }), { limit: 4, cursor });
    expect((await everyPage(read)).map((item) => member(item, 'event_data.n'))).toEqual(Array.from({ length: 15 }, (_, n) => 4 * n + 2));
  });

  const sorts: { name: string; sort: ExactValue; by: string; sign: number }[] = [];
  for (const by of ['event_timestamp', 'log_level', '_id', 'event_type', 'event_data.n', 'event_data.group'])
    for (const sign of [1, -1]) sorts.push({ name: `${by} ${sign === 1 ? 'upwards' : 'downwards'}`, sort: { [by]: sign }, by, sign });

  for (const { name, sort, by, sign } of sorts) {
    it(`pages by ${name}: all of them once, whatever comes in between`, async (subject) => {
      const old = Array.from({ length: 45 }, (_, n) => data(n));
      await store(subject, ...old);
      let n = 45;
      const more = async () => {
        if (n < 59) await store(subject, data(n++), data(n++));
      };
      const items = await everyPage((cursor) => subject.events.page(query({}, { sort }), { limit, cursor }), more);
      const values = items.map((item) => member(item, by));
      expect(values).toEqual(values.toSorted((a, b) => sign * (a < b ? -1 : a > b ? 1 : 0)));
      const ids = itemIds(items);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(expect.arrayContaining(old.map(({ _id }) => _id)));
    });
  }

  it('pages in insertion order: all of them once, whatever comes in between', async (subject) => {
    await store(subject, ...Array.from({ length: 45 }, (_, n) => data(n)));
    let n = 45;
    const more = async () => {
      if (n < 59) await store(subject, data(n++), data(n++));
    };
    const items = await everyPage((cursor) => subject.events.page(query(), { limit, cursor }), more);
    expect(items.map((item) => member(item, 'event_data.n'))).toEqual(Array.from({ length: n }, (_, i) => i));
  });

  it('sorts by several fields, and values of several kinds as MongoDB does', async (subject) => {
    const values = ['b', 2, null, 'a', 10, true, [1], { x: 1 }, 2.5, -1];
    await store(subject, ...values.map((v, n) => ({ _id: `e${n}`, event_data: { v, parity: n % 2 } })));
    const read = async (sort: ExactValue) =>
      itemIds(await everyPage((cursor) => subject.events.page(query({}, { sort }), { limit: 3, cursor })));
    expect(await read({ 'event_data.v': 1 })).toEqual(['e2', 'e9', 'e6', 'e1', 'e8', 'e4', 'e3', 'e0', 'e7', 'e5']);
    expect(await read({ 'event_data.parity': -1, 'event_data.v': -1 })).toEqual([
      'e5',
      'e7',
      'e3',
      'e1',
      'e9',
      'e0',
      'e4',
      'e8',
      'e6',
      'e2',
    ]);
  });

  it('projects, with and without a sort', async (subject) => {
    await store(subject, { _id: 'e', event_data: { a: 1, b: { c: 1.0, d: 2 } }, log_level: 30 });
    const read = async (projection: ExactValue, sort: ExactValue | null = null) =>
      (await subject.events.page(query({}, { projection, sort }), { limit, cursor: null })).items;
    expect(await read({ log_level: 1, 'event_data.b.d': 1 })).toEqual(['{"_id":"e","log_level":30,"event_data":{"b":{"d":2}}}']);
    expect(await read({ _id: 0, log_level: 1 }, { 'event_data.a': 1 })).toEqual(['{"log_level":30}']);
    const [without] = await read({ event_data: 0, source: 0 });
    expect(Object.keys(JSON.parse(without as string))).not.toContain('event_data');
  });

  it('pages through ids with odd characters in either direction', async (subject) => {
    await store(subject, ...ODD_IDS.map((_id) => ({ _id, event_timestamp: minute(1) })));
    for (const sort of [null, { _id: 1 }, { _id: -1 }, { event_timestamp: -1 }, { trace_id: 1, _id: 1 }]) {
      const items = await everyPage((cursor) => subject.events.page(query({}, { sort }), { limit: 5, cursor }));
      expect(itemIds(items).toSorted()).toEqual([...ODD_IDS].toSorted());
    }
  });

  const SORTS: (ExactValue | null)[] = [null, { event_timestamp: -1 }, { log_level: 1 }, { 'event_data.n': 1 }];
  const cursorFault = async (events: EventStore, cursor: string, sort: ExactValue | null) =>
    events.page(query({}, { sort }), { limit, cursor }).then(
      () => 'no error',
      (error: { code?: string }) => error.code,
    );

  it('refuses a cursor that no list made', async (subject) => {
    await store(subject, ...Array.from({ length: 10 }, (_, n) => data(n)));
    const made = [
      'garbage',
      '',
      '{}',
      'null',
      '[]',
      '%',
      btoa('[]'),
      btoa('{}'),
      btoa('[null]'),
      btoa('[1,2,3,4,5,6]'),
      btoa('["a"]'),
      btoa('[-1]'),
    ];
    for (const sort of SORTS)
      for (const cursor of made) {
        expect({ sort, cursor, code: await cursorFault(subject.events, cursor, sort) }).toEqual({ sort, cursor, code: 'cursor_invalid' });
      }
  });

  it('refuses a cursor that a list of another order made', async (subject) => {
    await store(subject, ...Array.from({ length: 20 }, (_, n) => data(n)));
    for (const made of SORTS) {
      const { nextCursor } = await subject.events.page(query({}, { sort: made }), { limit, cursor: null });
      for (const sort of SORTS) {
        const code = await cursorFault(subject.events, nextCursor as string, sort);
        expect({ made, sort, code }).toEqual({ made, sort, code: sort === made ? 'no error' : 'cursor_invalid' });
      }
    }
  });
}

function archives(it: It): void {
  it('M13 archives by ids, and counts what was not archived before', async (subject) => {
    await store(subject, { _id: 'a' }, { _id: 'b' }, { _id: 'c' });
    const { events } = subject;
    expect(await events.archive({ ids: ['a', 'b', 'nothing', 'a'] }, T0)).toBe(2);
    expect(await events.archive({ ids: ['a', 'b', 'c'] }, T0 + DAY)).toBe(1);
    expect(await events.archive({ ids: [] }, T0)).toBe(0);
    expect(JSON.parse((await events.get('a')) as string)).toMatchObject({ archived: true, archived_at: '2026-03-01T00:00:00' });
  });

  it('M13 archives by the text of the time, without its bound', async (subject) => {
    const naive = minute(5);
    await store(
      subject,
      { _id: 'before', event_timestamp: minute(4) },
      { _id: 'naive', event_timestamp: naive },
      { _id: 'plus', event_timestamp: `${naive}+01:00` },
      { _id: 'z', event_timestamp: `${naive}Z` },
    );
    const { events } = subject;
    expect(await events.archive({ beforeText: naive }, T0)).toBe(1);
    expect(await events.archive({ beforeText: `${naive}Z` }, T0)).toBe(2);
    expect(await listed(subject)).toEqual(['z']);
  });

  it('M14 archives any number in one go', async (subject) => {
    const ids = Array.from({ length: 1_600 }, (_, n) => `e${n}`);
    await store(subject, ...ids.map((_id, n) => ({ _id, event_timestamp: minute(n % 60) })));
    const { events } = subject;
    expect(await events.archive({ ids: ids.slice(0, 1_550) }, T0)).toBe(1_550);
    expect(await listed(subject)).toHaveLength(50);
    expect(await events.archive({ beforeText: 'Z' }, T0)).toBe(50);
    expect(await events.purgeArchived(T0 + 1)).toBe(1_600);
    expect(await events.total()).toBe(0);
  });

  it('changes nothing of an event but the two members, whatever it holds', async (subject) => {
    const tricky = { message: '"archived":false,"archived_at":null', archived: false, archived_at: null, n: [1, 2] };
    const [one, two] = await store(
      subject,
      { _id: '"archived":false,"archived_at":null', event_data: tricky, tags: ['"archived":false,"archived_at":'], trace_id: 'archived' },
      `{"_id":"numbers","event_data":{"a":1.0,"b":9223372036854775807,"__proto__":{"c":1e-07}},"archived_at":"2020-01-01T00:00:00"}`,
    );
    await subject.events.archive({ beforeText: 'Z' }, T0 + 1);
    for (const before of [one, two]) {
      const after = (await subject.events.get(before?.id as string)) as string;
      const at = '"archived":true,"archived_at":"2026-03-01T00:00:00.001000"';
      expect(after).toBe(before?.json.replace(/"archived":false,"archived_at":(null|"2020-01-01T00:00:00")(?=}$|,"tags":\[)/, at));
      expect(after).toContain(at);
    }
  });

  it('M15 lists archived events by archived_at, newest first, and those of the same time the last stored first', async (subject) => {
    const { events } = subject;
    await store(subject, ...['a', 'b1', 'b2', 'c', 'live'].map((_id) => ({ _id })));
    await events.archive({ ids: ['b1', 'b2'] }, T0 + DAY);
    await events.archive({ ids: ['c'] }, T0);
    await events.archive({ ids: ['a'] }, T0 + 2 * DAY);
    expect(idsOf(await events.listArchived(0, 0))).toEqual(['a', 'b2', 'b1', 'c']);
    expect(idsOf(await events.listArchived(1, 1))).toEqual(['b2']);
    expect(idsOf(await events.listArchived(10, 4))).toEqual([]);
  });

  it('M67 lists what a client sent as archived, after what the server archived, and never purges it', async (subject) => {
    const { events } = subject;
    await store(
      subject,
      { _id: 'no time', archived: true },
      { _id: 'old text', archived: true, archived_at: '2001-01-01T00:00:00' },
      { _id: 'new text', archived: true, archived_at: '2099-01-01T00:00:00' },
      { _id: 'ours' },
    );
    await events.archive({ ids: ['ours', 'no time'] }, T0);
    expect(idsOf(await events.listArchived(0, 0))).toEqual(['ours', 'new text', 'old text', 'no time']);
    expect(await events.purgeArchived(T0 + 100 * 365 * DAY)).toBe(1);
    expect(idsOf(await events.listArchived(0, 0))).toEqual(['new text', 'old text', 'no time']);
  });

  it('M15 purges what was archived before, and not what is as old as the bound', async (subject) => {
    const { events } = subject;
    await store(subject, { _id: 'a' }, { _id: 'b' }, { _id: 'live' });
    await events.archive({ ids: ['a'] }, T0);
    await events.archive({ ids: ['b'] }, T0 + DAY);
    expect(await events.purgeArchived(T0)).toBe(0);
    expect(await events.purgeArchived(T0 + DAY)).toBe(1);
    expect(await events.get('a')).toBeNull();
    expect(await found(subject, {})).toEqual(['b', 'live']);
  });

  it('keeps the history of executions of a purged event readable', async (subject) => {
    const lease = await leased(subject, 'e');
    await subject.queue.settle([succeeded(lease, { output: '"done"' })]);
    await subject.events.archive({ ids: ['e'] }, T0);
    await subject.events.purgeArchived(T0 + 1);
    expect(await subject.queue.get(lease.executionId)).toMatchObject({ state: 'succeeded', output: '"done"', input: null, eventId: 'e' });
  });

  it('frees the id of a purged event', async (subject) => {
    const { events } = subject;
    await store(subject, { _id: 'e', event_data: { n: 1 } });
    await events.archive({ ids: ['e'] }, T0);
    await events.purgeArchived(T0 + 1);
    const again = event({ _id: 'e', event_data: { n: 2 } });
    expect(await events.append([submission(again)])).toMatchObject([{ kind: 'stored' }]);
    expect(await events.get('e')).toBe(again.json);
  });
}

function keepsWhatItIsGiven(it: It): void {
  it('keeps ids with every odd character, and tells them apart', async (subject) => {
    const { events, queue } = subject;
    const made = ODD_IDS.map((id, n) => event({ _id: id, event_timestamp: minute(1), event_data: { n } }));
    const results = await events.append(made.map((each) => submission(each, execution(each.id))));
    expect(results.map(({ kind }) => kind)).toEqual(ODD_IDS.map(() => 'stored'));
    for (const [n, id] of ODD_IDS.entries()) {
      expect(await events.get(id)).toBe(made[n]?.json);
      expect(await found(subject, { _id: id })).toEqual([id]);
      expect(await queue.executionsOf(id)).toEqual([execution(id).id]);
    }
    expect(await listed(subject)).toEqual(ODD_IDS.toReversed());
    expect(await found(subject, {})).toEqual(ODD_IDS);
    expect((await claim(subject)).map(({ subjectId }) => subjectId)).toEqual(ODD_IDS);
    expect(await events.archive({ ids: ODD_IDS }, T0)).toBe(ODD_IDS.length);
    expect(await found(subject, { _id: { $in: [...ODD_IDS], $ne: '' } })).toHaveLength(ODD_IDS.length - 1);
  });

  it('keeps integers of 64 bits and beyond, and the spelling of every number', async (subject) => {
    const numbers = ['9223372036854775807', '-9223372036854775808', '1591844539983333333', '12345678901234567890', '9007199254740993'];
    const spelled = ['1.0', '1e-07', '-0.0', '0.1', '1e+22', '5e-324', '1.7976931348623157e+308', '100000.0', '0', '-1'];
    const text = `{"_id":"e","event_timestamp":"${minute(0)}","event_data":{"all":[${[...numbers, ...spelled].join()}],"big":${numbers[2]}}}`;
    const one = event(text);
    await subject.events.append([submission(one, execution('e'))]);
    const seen = [
      await subject.events.get('e'),
      (await subject.events.list(ALL)).slice('{"e":'.length, -1),
      (await subject.events.query(query())).slice('{"e":'.length, -1),
      ...(await subject.events.page(query(), { limit: 1, cursor: null })).items,
      ...(await subject.events.page(query({}, { sort: { 'event_data.big': 1 } }), { limit: 1, cursor: null })).items,
      (await claim(subject))[0]?.input,
      (await subject.queue.get(execution('e').id))?.input,
    ];
    expect(new Set(seen)).toEqual(new Set([one.json]));
    const { items } = await subject.events.page(query({}, { projection: { 'event_data.all': 1, _id: 0 } }), { limit: 1, cursor: null });
    expect(items).toEqual([`{"event_data":{"all":[${[...numbers, ...spelled].join()}]}}`]);
    expect(await found(subject, parseExact('{"event_data.big":1591844539983333333}'))).toEqual(['e']);
    expect(await found(subject, parseExact('{"event_data.big":1591844539983333332}'))).toEqual([]);
    await subject.events.archive({ ids: ['e'] }, T0);
    expect(await subject.events.get('e')).toContain(`"all":[${[...numbers, ...spelled].join()}]`);
  });

  it('keeps odd member names and texts, in their order', async (subject) => {
    const text = `{"_id":"e","event_data":{"10":1,"9":2,"__proto__":{"x":1},"constructor":3,"":4,"a.b":5,"$set":6,"\u{1f9ea}":"\\u0000 \\" \\\\ \\n"}}`;
    const one = event(text);
    await subject.events.append([submission(one)]);
    expect(await subject.events.get('e')).toBe(one.json);
    expect(one.json).toContain('{"10":1,"9":2,"__proto__":{"x":1},"constructor":3,"":4,"a.b":5,"$set":6');
  });

  it('keeps an event of a megabyte', async (subject) => {
    const [one] = await store(subject, { _id: 'e', event_data: { text: 'ä'.repeat(500_000) } });
    expect(await subject.events.get('e')).toBe(one?.json);
  });
}
