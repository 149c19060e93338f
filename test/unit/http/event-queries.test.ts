import { describe, expect, test } from '@jest/globals';
import type { EventList, EventStore } from '../../../src/ports/event-store.ts';
import { type Call, JSON_HEADERS, startServer, type TestServer } from './support.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2025, 2, 4);

/** A store that answers nothing and notes what it was asked. */
function asking(): { asked: unknown[]; start: () => Promise<TestServer> } {
  const asked: unknown[] = [];
  const note =
    <T>(answer: T) =>
    async (...what: unknown[]): Promise<T> => {
      asked.push(what.length === 1 ? what[0] : what);
      return answer;
    };
  const events = {
    list: note('{}'),
    query: note('{}'),
    page: note({ items: ['{"_id":"a","n":1.0}', '{"_id":"b"}'], nextCursor: 'c"1' }),
    archive: note(3),
    listArchived: note('{}'),
    purgeArchived: note(2),
  } as Partial<EventStore> as EventStore;
  return { asked, start: () => startServer({ events }) };
}

const DEFAULTS: EventList = { number: 100, offset: 0, minLevel: 0, startText: null, endText: null, includeArchived: false };

describe('M10, M11 GET /events', () => {
  test.each<[string, Partial<EventList>]>([
    ['', {}],
    ['?number=0', { number: 0 }],
    ['?number=-2', { number: 2 }],
    ['?number=%202', { number: 2 }],
    ['?number=%2B2', { number: 2 }],
    ['?number=02', { number: 2 }],
    ['?number=1.0', { number: 1 }],
    ['?number=1_0', { number: 10 }],
    ['?number=9223372036854775807', { number: Number.MAX_SAFE_INTEGER }],
    ['?number=1&number=2', { number: 2 }],
    ['?Number=1&x=%zz', {}],
    ['?level=30', { minLevel: 30 }],
    ['?level=warning', { minLevel: 30 }],
    ['?level=EventLogLevel.ERROR', { minLevel: 40 }],
    ['?level=-5', { minLevel: -5 }],
    ['?level=20.0', { minLevel: 20 }],
    ['?start_time=2025-02-05', { startText: '2025-02-05T00:00:00' }],
    ['?start_time=2025-02-05T05:30:00Z', { startText: '2025-02-05T05:30:00+00:00' }],
    ['?end_time=1738733400.25', { endText: '2025-02-05T05:30:00.250000+00:00' }],
    ['?end_time=2025-02-05%2007:30:00%2B02:00', { endText: '2025-02-05T07:30:00+02:00' }],
    ['?include_archived=YES', { includeArchived: true }],
    ['?include_archived=off', {}],
  ])('%s', async (query, wanted) => {
    const { asked, start } = asking();
    await using server = await start();
    expect((await server.call(`/events${query}`)).status).toBe(200);
    expect(asked).toEqual([{ ...DEFAULTS, ...wanted }]);
  });

  test.each([
    ['number=', ['query.number int_parsing']],
    ['number=1.5', ['query.number int_parsing']],
    ['number=1e1', ['query.number int_parsing']],
    ['number=0x2', ['query.number int_parsing']],
    ['number=%D9%A3', ['query.number int_parsing']],
    ['number=1;offset=2', ['query.number int_parsing']],
    ['number=9223372036854775808', ['query.number int_parsing_size']],
    ['offset=-1', ['query.offset greater_than_equal']],
    ['number=x&offset=-1&level=9223372036854775808', ['query.number int_parsing']],
    ['offset=-9223372036854775808', ['query.offset int_parsing_size']],
    ['level=fatal', ['query.level.int int_parsing', 'query.level.int-enum[EventLogLevel] enum']],
    ['level=9223372036854775808', ['query.level int_parsing_size']],
    ['start_time=x', ['query.start_time datetime_from_date_parsing']],
    ['start_time=2025-02-25T12:00:00+02:00', ['query.start_time datetime_from_date_parsing']],
    ['include_archived=2', ['query.include_archived bool_parsing']],
    [
      'number=a&offset=b&level=c&start_time=d&end_time=e&include_archived=z',
      [
        'query.number int_parsing',
        'query.offset int_parsing',
        'query.level.int int_parsing',
        'query.level.int-enum[EventLogLevel] enum',
        'query.start_time datetime_from_date_parsing',
        'query.end_time datetime_from_date_parsing',
        'query.include_archived bool_parsing',
      ],
    ],
  ])('%s', async (query, faults) => {
    const { start } = asking();
    await using server = await start();
    const { status, text } = await server.call(`/events?${query}`);
    expect(status).toBe(422);
    const { detail } = JSON.parse(text) as { detail: { type: string; loc: string[] }[] };
    expect(detail.map(({ type, loc }) => `${loc.join('.')} ${type}`)).toEqual(faults);
  });

  test('as problem+json the places are names of parameters', async () => {
    const { start } = asking();
    await using server = await start();
    const { text } = await server.call('/events?number=x&offset=y', { headers: { Accept: 'application/problem+json' } });
    expect(JSON.parse(text)).toMatchObject({ code: 'invalid_request', errors: [{ pointer: 'number' }, { pointer: 'offset' }] });
  });
});

const select = (body?: string): Call => (body === undefined ? { method: 'POST' } : { method: 'POST', body, headers: JSON_HEADERS });

describe('M12, M53 POST /events/query', () => {
  test.each([
    ['', '{"log_level":{"$gte":40}}', { log_level: { $gte: 40 } }],
    ['?number=2', '{}', {}],
    ['?selector=%7B%22log_level%22:50%7D', '{"log_level":0}', { log_level: 0 }],
    ['?selector=%7B%22log_level%22:50%7D', undefined, { log_level: 50 }],
    [
      "?selector=%7B'log_level':+%7B'%24gte':+50%7D,+'alert':+True,+'trace_id':+None%7D",
      undefined,
      { log_level: { $gte: 50 }, alert: true, trace_id: null },
    ],
    ['?selector=%7B%27a%27%3A+%5B1%2C+%22it%27s%22%5D%7D', '', { a: [1, "it's"] }],
  ])('%s with body %s', async (query, body, selector) => {
    const { asked, start } = asking();
    await using server = await start();
    expect(await server.call(`/events/query${query}`, select(body))).toMatchObject({ status: 200, text: '{}' });
    expect(asked).toEqual([{ selector, sort: null, projection: null }]);
  });

  test.each([
    [undefined, 422],
    ['', 422],
    ['null', 422],
    ['{"log_level":', 422],
    ["{'log_level': 0}", 422],
    ['[]', 400],
    ['0', 400],
    ['false', 400],
    ['""', 400],
    ['[{"log_level":0}]', 400],
    ['{"$where":"1"}', 400],
    ['{"a":{"$regex":"("}}', 400],
    [`${'{"$and":['.repeat(60)}{}${']}'.repeat(60)}`, 400],
  ])('%s answers %i with a reason', async (body, status) => {
    const { asked, start } = asking();
    await using server = await start();
    const answer = await server.call('/events/query', select(body));
    expect({ status: answer.status, asked }).toEqual({ status, asked: [] });
    expect(JSON.parse(answer.text)).toHaveProperty('detail');
  });

  test.each([
    ['log_level', /keys only/],
    ['log_level&selector=alert', /keys only/],
    ['{broken', /neither JSON nor a Python literal/],
    ["{'a': __import__('os')}", /neither JSON nor a Python literal/],
  ])('the selector %s in the query string is refused with a hint', async (selector, hint) => {
    const { start } = asking();
    await using server = await start();
    const { status, text } = await server.call(
      `/events/query?selector=${encodeURIComponent(selector).replace('%26selector%3D', '&selector=')}`,
      select(),
    );
    expect(status).toBe(400);
    expect((JSON.parse(text) as { detail: string }).detail).toMatch(hint);
  });

  test.each([
    ['limit=5', { sort: null, projection: null }, { limit: 5, cursor: null }],
    ['sort=%7B%22event_timestamp%22:-1%7D', { sort: { event_timestamp: -1 }, projection: null }, { limit: 100, cursor: null }],
    ['projection=%7B%22event_type%22:1%7D&cursor=abc', { sort: null, projection: { event_type: 1 } }, { limit: 100, cursor: 'abc' }],
  ])('%s asks for a page of texts as they are stored', async (query, rest, page) => {
    const { asked, start } = asking();
    await using server = await start();
    const answer = await server.call(`/events/query?${query}`, select('{}'));
    expect(answer).toMatchObject({ status: 200, text: '{"items":[{"_id":"a","n":1.0},{"_id":"b"}],"next_cursor":"c\\"1"}' });
    expect(asked).toEqual([[{ selector: {}, ...rest }, page]]);
  });

  test.each([
    ['limit=0', 422],
    ['limit=1001', 422],
    ['limit=x', 422],
    ['sort=nonsense', 400],
    ['sort=%5B%5D', 400],
    ['projection=1', 400],
    ['projection=%7B%22a%22:1,%22b%22:0%7D', 400],
  ])('%s answers %i', async (query, status) => {
    const { start } = asking();
    await using server = await start();
    expect((await server.call(`/events/query?${query}`, select('{}'))).status).toBe(status);
  });
});

describe('M13 to M15 archiving', () => {
  test.each([
    ['{"event_ids":["a","b"],"before_date":"2026-01-01"}', { ids: ['a', 'b'] }],
    ['{"event_ids":["a"],"batch_size":"5","reason":"x"}', { ids: ['a'] }],
    ['{"event_ids":[],"before_date":"2025-03-01T00:00:00Z"}', { beforeText: '2025-03-01T00:00:00+00:00' }],
    ['{"event_ids":["a"],"batch_size":null}', { ids: ['a'] }],
    ['{"before_date":1737331200,"batch_size":-1}', { beforeText: '2025-01-20T00:00:00+00:00' }],
    ['{"before_date":"2025-03-01","batch_size":1.0}', { beforeText: '2025-03-01T00:00:00' }],
  ])('POST /events/archive %s', async (body, what) => {
    const { asked, start } = asking();
    await using server = await start();
    const answer = await server.call('/events/archive', select(body));
    expect(answer).toMatchObject({ status: 200, text: '{"archived_count":3,"message":"Successfully archived 3 events"}' });
    expect(asked).toEqual([[what, NOW]]);
  });

  test.each([
    ['{}', ['body value_error']],
    ['{"event_ids":null,"before_date":null}', ['body value_error']],
    ['{"event_ids":[]}', ['body value_error']],
    ['{"event_ids":"a"}', ['body.event_ids list_type']],
    ['{"event_ids":{"a":1}}', ['body.event_ids list_type']],
    ['{"event_ids":["a",null,1]}', ['body.event_ids.1 string_type', 'body.event_ids.2 string_type']],
    ['{"before_date":true}', ['body.before_date datetime_type']],
    ['{"event_ids":["a"],"batch_size":"ten"}', ['body.batch_size int_parsing']],
    ['{"event_ids":["a"],"batch_size":1.5}', ['body.batch_size int_from_float']],
    [
      '{"event_ids":1,"before_date":"x","batch_size":[]}',
      ['body.event_ids list_type', 'body.before_date datetime_from_date_parsing', 'body.batch_size int_type'],
    ],
    ['["a"]', ['body model_attributes_type']],
    ['null', ['body missing']],
    ['{"event_ids":[', ['body.14 json_invalid']],
    ['{"event_ids":["a"],"x":1e400}', ['body.x value_error']],
  ])('POST /events/archive %s is refused', async (body, faults) => {
    const { asked, start } = asking();
    await using server = await start();
    const { status, text } = await server.call('/events/archive', select(body));
    expect({ status, asked }).toEqual({ status: 422, asked: [] });
    const { detail } = JSON.parse(text) as { detail: { type: string; loc: (string | number)[] }[] };
    expect(detail.map(({ type, loc }) => `${loc.join('.')} ${type}`)).toEqual(faults);
  });

  test('GET /events/archived', async () => {
    const { asked, start } = asking();
    await using server = await start();
    expect((await server.call('/events/archived?number=-3&offset=5&level=50')).status).toBe(200);
    expect((await server.call('/events/archived')).status).toBe(200);
    expect(asked).toEqual([
      [3, 5],
      [100, 0],
    ]);
  });

  test.each([
    ['', 365],
    ['?older_than_days=0', 0],
    ['?older_than_days=-1', -1],
    ['?older_than_days=700000', 700_000],
  ])('DELETE /events/archived%s', async (query, days) => {
    const { asked, start } = asking();
    await using server = await start();
    const message = `Permanently deleted 2 archived events older than ${days} days`;
    expect(await server.call(`/events/archived${query}`, { method: 'DELETE' })).toMatchObject({
      status: 200,
      text: JSON.stringify({ deleted_count: 2, message }),
    });
    expect(asked).toEqual([NOW - days * DAY_MS]);
  });

  test.each(['800000', '-3000000', '99999999999', 'x', '0.5'])('DELETE /events/archived?older_than_days=%s is refused', async (days) => {
    const { asked, start } = asking();
    await using server = await start();
    const answer = await server.call(`/events/archived?older_than_days=${days}`, { method: 'DELETE' });
    expect({ status: answer.status, asked }).toEqual({ status: 422, asked: [] });
    expect(answer.text).toContain('"loc":["query","older_than_days"]');
  });
});
