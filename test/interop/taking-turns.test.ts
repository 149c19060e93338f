import { describe, expect, test } from '@jest/globals';
import { BSON, type Document } from 'mongodb';
import { ulid } from 'ulid';
import { onDatabase } from '../support/mongo-store.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { startOriginal } from '../support/original.ts';
import { eventually, startServer } from '../support/server.ts';

/** MADSci's own Event Manager and this server on one database, one after the other and both at once. */
const mongod = mongodOfFile();

const settings = (database: string): Record<string, string> => ({ EVENT_DB_URL: mongod.url, EVENT_DATABASE_NAME: database });
const theirs = (database: string, env: Record<string, string> = {}) => startOriginal({ env: { ...settings(database), ...env } });
const ours = (database: string, env: Record<string, string> = {}) => startServer({ env: { ...settings(database), ...env } });

interface Answer {
  status: number;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a server answers
  body: any;
}
async function ask({ url }: { url: string }, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text === '' ? null : JSON.parse(text) };
}
const idsOf = ({ body }: Answer): string[] => Object.keys(body);

/** One event of each shape, under ids that end with `by`. The texts keep the digits that JSON.stringify would lose. */
const shapes = (by: string): { id: string; text: string }[] =>
  [
    `"event_type":"test","event_timestamp":"2026-01-01T10:00:00"`,
    `"event_type":"log_error","log_level":40,"event_timestamp":"2026-01-01T11:00:00.5Z","event_data":{"int":1,"float":1.0,"long":1591844539983333333,"small":1e-7,"zero":-0.0}`,
    `"event_type":"workflow_start","event_timestamp":"2026-01-01T12:00:00+02:00","source":{"node_id":"01JNGVBW5S8E0T8ZR9HX5Y4M03","user_id":"01JNGVBW5S8E0T8ZR9HX5Y4M04"},"event_data":["a",null,true,{"10":1,"9":2,"a.b":3,"$c":4}]`,
    `"event_type":"log_info","log_level":20,"alert":true,"event_timestamp":"2026-01-02T00:00:00","event_data":"text","trace_id":"${'a'.repeat(32)}","span_id":"${'b'.repeat(16)}"`,
    `"event_type":"log_debug","log_level":10,"event_timestamp":"2026-01-03T00:00:00","archived":true,"archived_at":"2026-01-04T00:00:00"`,
  ].map((members, n) => ({ id: `0${n}-${by}`, text: `{"_id":"0${n}-${by}",${members}}` }));

const postAll = async (server: { url: string }, by: string): Promise<void> => {
  for (const { text } of shapes(by)) expect((await ask(server, 'POST', '/event', text)).status).toBe(200);
};

/** What is asked of each server, whoever wrote the events. */
const QUESTIONS: { method: string; path: string; body?: unknown }[] = [
  { method: 'GET', path: '/events' },
  { method: 'GET', path: '/events?number=2&offset=1' },
  { method: 'GET', path: '/events?level=40' },
  { method: 'GET', path: '/events?include_archived=true&start_time=2026-01-01T10:30:00&end_time=2026-01-03T00:00:00' },
  { method: 'POST', path: '/events/query', body: { log_level: { $gte: 20 } } },
  { method: 'POST', path: '/events/query', body: { 'event_data.float': { $type: 'double' } } },
  { method: 'POST', path: '/events/query', body: { 'event_data.int': { $type: 'int' } } },
  { method: 'POST', path: '/events/query', body: { 'event_data.long': { $type: 'long' } } },
  { method: 'POST', path: '/events/query', body: { 'source.node_id': '01JNGVBW5S8E0T8ZR9HX5Y4M03', archived: { $ne: true } } },
  { method: 'GET', path: '/events/archived' },
  { method: 'GET', path: '/event/01-theirs' },
  { method: 'GET', path: '/event/01-ours' },
  { method: 'GET', path: '/event/nothing' },
];
const answersOf = async (server: { url: string }): Promise<{ question: string; status: number; text: string }[]> => {
  const answers = [];
  for (const { method, path, body } of QUESTIONS) {
    const { status, text } = await ask(server, method, path, body);
    answers.push({ question: `${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`, status, text });
  }
  return answers;
};

/** The names of BSON's types in a document, by path, without what is ours. */
function typesOf(bytes: Uint8Array): Record<string, string> {
  const types: Record<string, string> = {};
  const walk = (value: unknown, path: string): void => {
    types[path] = typeName(value);
    if (types[path] !== 'object' && types[path] !== 'array') return;
    for (const [name, member] of Object.entries(value as object)) walk(member, `${path}/${name}`);
  };
  const { _hookwright: _, ...document } = BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true }) as Document;
  walk(document, '');
  return types;
}
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  const { _bsontype: named } = value as { _bsontype?: string };
  return named ?? typeof value;
}
const typesIn = (database: string, id: string): Promise<Record<string, string>> =>
  onDatabase(mongod.url, database, async (db) => {
    const found = await db.collection<{ _id: string }>('events').findOne({ _id: id }, { raw: true });
    return typesOf(found as unknown as Uint8Array);
  });

/**
 * What may differ: the original answers members that it does not know, in single events and in queries, so `_hookwright` too; and where it names no order
 * (queries, archived events of one time), MongoDB's own comes out.
 */
function compared(answers: Awaited<ReturnType<typeof answersOf>>): unknown[] {
  return answers.map(({ text, ...rest }) => {
    const shown = text.replaceAll(/,"_hookwright":\{"seq":\d+\}/g, '');
    return {
      ...rest,
      text: /query|archived/.test(rest.question)
        ? shown
            .slice(1, -1)
            .split(/,(?="0\d-)/)
            .sort()
        : shown,
    };
  });
}

describe('one after the other', () => {
  const database = `turns_${ulid()}`;

  test('each reads, lists, queries and archives what the other wrote, and answers the same', async () => {
    {
      await using original = await theirs(database);
      await postAll(original, 'theirs');
    }
    let before: Awaited<ReturnType<typeof answersOf>>;
    {
      await using server = await ours(database);
      await postAll(server, 'ours');
      before = await answersOf(server);
      expect(before.find(({ question }) => question === 'GET /event/01-theirs ')?.status).toBe(200);
    }
    await using original = await theirs(database);
    expect(original.output()).not.toMatch(/mismatch|migration required/i);
    expect(compared(await answersOf(original))).toEqual(compared(before));
  });

  test('the types in BSON are the same, whoever wrote', async () => {
    for (const { id } of shapes('theirs'))
      expect(await typesIn(database, id.replace('theirs', 'ours'))).toEqual(await typesIn(database, id));
    expect(await typesIn(database, '01-ours')).toMatchObject({
      '/event_timestamp': 'string',
      '/event_data/int': 'Int32',
      '/event_data/float': 'Double',
      '/event_data/long': 'Long',
      '/log_level': 'Int32',
    });
  });

  test('what one archived is archived for the other, as a date, and either purges it', async () => {
    {
      await using original = await theirs(database);
      expect((await ask(original, 'POST', '/events/archive', { event_ids: ['00-ours', '00-theirs'] })).body.archived_count).toBe(2);
    }
    {
      await using server = await ours(database);
      expect((await ask(server, 'POST', '/events/archive', { event_ids: ['00-ours', '01-ours', '01-theirs'] })).body.archived_count).toBe(
        2,
      );
      const listed = await ask(server, 'GET', '/events/archived');
      expect(idsOf(listed).slice(0, 4).sort()).toEqual(['00-ours', '00-theirs', '01-ours', '01-theirs']);
      for (const id of ['00-ours', '00-theirs', '01-ours', '01-theirs']) expect((await typesIn(database, id))['/archived_at']).toBe('date');
      // Those that a client sent as archived stay (M67).
      expect((await typesIn(database, '04-ours'))['/archived_at']).toBe('string');
      await using original = await theirs(database);
      expect(idsOf(await ask(original, 'GET', '/events/archived')).sort()).toEqual(idsOf(listed).sort());
      expect((await ask(original, 'DELETE', '/events/archived?older_than_days=0')).body.deleted_count).toBe(4);
      expect(idsOf(await ask(server, 'GET', '/events/archived')).sort()).toEqual(['04-ours', '04-theirs']);
    }
    await using server = await ours(database);
    await ask(server, 'POST', '/events/archive', { before_date: '2026-01-02T00:00:00' });
    expect((await ask(server, 'DELETE', '/events/archived?older_than_days=0')).body.deleted_count).toBe(2);
    await using original = await theirs(database);
    expect(idsOf(await ask(original, 'GET', '/events?include_archived=true')).sort()).toEqual([
      '03-ours',
      '03-theirs',
      '04-ours',
      '04-theirs',
    ]);
  });

  test('the record of its documents’ version is one that the original accepts, also of a database that ours made', async () => {
    const fresh = `turns_${ulid()}`;
    {
      await using server = await ours(fresh);
      await postAll(server, 'ours');
    }
    await using original = await theirs(fresh);
    expect((await ask(original, 'GET', '/health')).body).toMatchObject({ healthy: true, db_connected: true, total_events: 5 });
    expect(idsOf(await ask(original, 'GET', '/events'))).toContain('01-ours');
    const versions = await onDatabase(mongod.url, fresh, (db) => db.collection('schema_versions').find().toArray());
    expect(versions.map(({ version }) => version)).toEqual(['1.0.0']);
  });
});

test('both at once: what either takes in, the other answers, and handlers run on what comes by ours', async () => {
  const database = `turns_${ulid()}`;
  await using server = await ours(database);
  await using original = await theirs(database);
  const admin = { Authorization: 'Bearer test-admin-key-0123456789', 'Content-Type': 'application/json' };
  const handler = { hook: 'event.on_ingest', name: 'seen', code: 'export default (e) => e._id;' };
  expect((await fetch(`${server.url}/handlers`, { method: 'POST', headers: admin, body: JSON.stringify(handler) })).status).toBe(201);
  const COUNT = 40;
  await Promise.all(
    Array.from({ length: COUNT }, async (_, n) => {
      const to = n % 2 === 0 ? server : original;
      expect((await ask(to, 'POST', '/event', { _id: `both ${n}`, event_type: 'test' })).status).toBe(200);
      // The same id at the other server: the first one stays (M3).
      const from = n % 2 === 0 ? original : server;
      expect((await ask(from, 'POST', '/event', { _id: `both ${n}`, event_type: 'log' })).status).toBe(200);
    }),
  );
  for (const each of [server, original]) {
    const { body } = await ask(each, 'POST', '/events/query', { _id: { $regex: '^both ' } });
    expect(Object.values(body as Record<string, { event_type: string }>).map(({ event_type }) => event_type)).toEqual(
      Array(COUNT).fill('test'),
    );
  }
  const ran = await eventually(async () => {
    const response = await fetch(`${server.url}/executions?state=succeeded&limit=100`, { headers: admin });
    const { items } = (await response.json()) as { items: { event_id: string }[] };
    return items.length >= COUNT / 2 ? items : null;
  });
  expect(ran.map(({ event_id }) => event_id).sort()).toEqual(Array.from({ length: COUNT / 2 }, (_, n) => `both ${2 * n}`).sort());
});

test('with retention on, the original’s index that deletes is on what either archives', async () => {
  const database = `turns_${ulid()}`;
  {
    await using server = await ours(database);
    await postAll(server, 'ours');
    await ask(server, 'POST', '/events/archive', { event_ids: ['00-ours'] });
  }
  await using original = await theirs(database, { EVENT_RETENTION_ENABLED: 'true', EVENT_SOFT_DELETE_AFTER_DAYS: '100000' });
  expect((await ask(original, 'GET', '/health')).status).toBe(200);
  const [ttl] = await onDatabase(mongod.url, database, async (db) =>
    (await db.collection('events').indexes()).filter((index) => 'expireAfterSeconds' in index),
  );
  expect(ttl).toMatchObject({ key: { archived_at: 1 }, partialFilterExpression: { archived: true } });
  // What ours archived bears a date, which is what such an index goes by; what a client sent is a text, which it passes over.
  const due = await onDatabase(mongod.url, database, (db) =>
    db
      .collection<{ _id: string }>('events')
      .find({ archived: true, archived_at: { $type: 'date' } })
      .toArray(),
  );
  expect(due.map(({ _id }) => _id)).toEqual(['00-ours']);
});
