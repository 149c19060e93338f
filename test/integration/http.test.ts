import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN_KEY, type ServerProcess, startServer } from '../support/server.ts';

/** The HTTP layer on the real engine and store, in a process of its own. */
let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const LINES = { 'Content-Type': 'application/x-ndjson' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

async function post(
  path: string,
  body: string,
  headers: Record<string, string> = JSON_TYPE,
): Promise<{ status: number; body: unknown; text: string }> {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body, headers });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

const event = (id: string, n: number): string =>
  `{"_id":"${id}","event_timestamp":"2025-03-04T05:06:07","source":{},"event_type":"test","event_data":{"n":${n}}}`;

describe('POST /events on the real store', () => {
  test('stored, duplicate, conflict and invalid, each in its place', async () => {
    const first = await post('/events', [event('a', 1), event('b', 2)].join('\n'), LINES);
    expect(first.body).toMatchObject({ stored: 2, items: [{ id: 'a', result: 'stored' }, { id: 'b' }] });
    const second = await post('/events', `[${event('a', 1)},${event('b', 3)},{"log_level":7},${event('c', 1)}]`);
    expect(second.body).toEqual({
      stored: 1,
      duplicate: 1,
      conflict: 1,
      invalid: 1,
      items: [
        { index: 0, id: 'a', result: 'duplicate' },
        { index: 1, id: 'b', result: 'conflict' },
        { index: 2, id: null, result: 'invalid', errors: [{ pointer: '/log_level', detail: expect.any(String) }] },
        { index: 3, id: 'c', result: 'stored' },
      ],
    });
  });

  test('what came before a break in an array is stored', async () => {
    const { status, body } = await post('/events', `[${event('before', 1)},`);
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid_json', stored: 1 } });
    expect((await fetch(`${server.url}/event/before`)).status).toBe(200);
  });

  test('a long upload is readable page by page, and the server answers others meanwhile', async () => {
    const COUNT = 20_000;
    const sent = httpRequest(`${server.url}/events?summary=true`, { method: 'POST', headers: LINES });
    const answered = new Promise<string>((resolve, reject) => {
      sent.on('error', reject).on('response', (response) => readText(response).then(resolve, reject));
    });
    for (let n = 0; n < COUNT; n += 1_000) {
      const lines = Array.from({ length: 1_000 }, (_, i) => event(`long-${n + i}`, n + i).replace('"test"', '"data_query"'));
      if (!sent.write(`${lines.join('\n')}\n`)) await new Promise((resolve) => sent.once('drain', resolve));
      if (n % 5_000 === 0) expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    }
    sent.end();
    expect(JSON.parse(await answered)).toEqual({ stored: COUNT, duplicate: 0, conflict: 0, invalid: 0, items: [] });

    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = (await post(`/events/query?limit=1000${next}`, '{"event_type":"data_query"}')).body as {
        items: { _id: string }[];
        next_cursor: string | null;
      };
      ids.push(...page.items.map(({ _id }) => _id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(ids).toEqual(Array.from({ length: COUNT }, (_, n) => `long-${n}`));
  });
});

describe('experiment 17: odd but valid keys and numbers come back as they went in', () => {
  test.each([
    '{"__proto__":{"polluted":1},"constructor":2,"prototype":3}',
    '{"$set":1,"a.b":2,"":3,"_bsontype":"ObjectId"}',
    '{"10":1,"9":2,"x":1.0,"y":-0.0,"z":9007199254740993,"e":1e-07}',
  ])('%s', async (data) => {
    const id = `odd-${data.length}`;
    const sent = `{"_id":"${id}","source":{},"event_data":${data}}`;
    expect((await post('/event', sent)).text).toContain(`"event_data":${data}`);
    expect(await (await fetch(`${server.url}/event/${id}`)).text()).toContain(`"event_data":${data}`);
    expect((await post('/events/query', `{"_id":"${id}"}`)).text).toContain(`"event_data":${data}`);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('the whole route table', () => {
  interface Operation {
    security?: object[];
    responses: Record<string, unknown>;
  }

  async function operations(): Promise<[path: string, method: string, operation: Operation][]> {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, Record<string, Operation>> };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [path, method, operation] as [string, string, Operation]),
    );
  }

  test('every documented operation is served, and needs a key exactly when it says so', async () => {
    for (const [path, method, operation] of await operations()) {
      const url = `${server.url}${path.replace(/\{\w+\}/g, '1')}`;
      const needsKey = operation.security !== undefined && !operation.security.some((one) => Object.keys(one).length === 0);
      // As MADSci's clients ask: POST /events without a body or the type of one is a path that MADSci does not have (M63).
      const headers = method === 'get' ? undefined : { 'content-type': 'application/json' };
      const { status } = await fetch(url, { method: method.toUpperCase(), redirect: 'manual', ...(headers && { headers }) });
      expect([path, method, status === 405, status === 401, status >= 500]).toEqual([path, method, false, needsKey, false]);
    }
  });

  test('nonsense with a key is never a 5xx (G13)', async () => {
    const bodies = ['', 'null', '[]', '{}', '{', '"x"', '1e999', '{"a":'.repeat(300), '\u0000', '{"__proto__":[]}'];
    for (const [path, method] of await operations()) {
      if (method === 'get') continue;
      for (const body of bodies) {
        const response = await fetch(`${server.url}${path.replace(/\{\w+\}/g, '1')}?limit=x`, {
          method: method.toUpperCase(),
          body,
          headers: { ...JSON_TYPE, Authorization: `Bearer ${ADMIN_KEY}` },
        });
        await response.arrayBuffer();
        expect([path, method, body.slice(0, 20), response.status < 500]).toEqual([path, method, body.slice(0, 20), true]);
      }
    }
  });
});
