import { describe, expect, test } from '@jest/globals';
import type { HttpDeps } from '../../../src/http/deps.ts';
import { startServer } from './support.ts';

/** What the original answers, as recorded; where ours differs on purpose the row says so. */
const UNKNOWN = [
  ['GET', '/nothing'],
  ['POST', '/nothing'],
  ['OPTIONS', '/nothing'],
  ['GET', '/events/nothing'],
  ['GET', '/EVENTS'],
  ['GET', '/Event/plain'],
  ['GET', '/favicon.ico'],
  ['GET', '/api/v1/events'],
  ['GET', '//health'],
  ['POST', '//event'],
  ['GET', '//events'],
  ['GET', '///events'],
  ['GET', '//event/plain'],
  ['GET', '/event//plain'],
  ['GET', '/event/a/b'],
  ['GET', '/event/a%2Fb'],
  ['GET', '/event/../event/plain'],
  ['GET', '//'],
  ['GET', '/docs/nothing.js'],
] as const;

const REFUSED = [
  ['GET', '/event', 'POST'],
  ['PUT', '/event', 'POST'],
  ['DELETE', '/event', 'POST'],
  ['PATCH', '/event', 'POST'],
  ['GET', '/event?event_id=plain', 'POST'],
  ['DELETE', '/events', 'POST, GET'],
  ['PUT', '/events/query', 'POST'],
  ['GET', '/events/query', 'POST'],
  ['GET', '/events/archive', 'POST'],
  ['PUT', '/events/archived', 'GET, DELETE'],
  ['POST', '/events/archived', 'GET, DELETE'],
  ['POST', '/health', 'GET'],
  ['DELETE', '/health', 'GET'],
  ['POST', '/settings', 'GET'],
  ['DELETE', '/event/plain', 'GET'],
  ['PUT', '/event/plain', 'GET'],
  ['PATCH', '/event/plain', 'GET'],
  ['OPTIONS', '/event/plain', 'GET'],
  ['OPTIONS', '/events', 'POST, GET'],
  ['OPTIONS', '/event', 'POST'],
  ['POST', '/openapi.json', 'GET, HEAD'],
] as const;

const EVENTS: Partial<HttpDeps['events']> = { get: async () => null, list: async () => '{}', total: async () => 0 };
const deps = { events: EVENTS as HttpDeps['events'] };

describe('M63 paths and methods', () => {
  test.each(UNKNOWN)('%s %s is no route', async (method, path) => {
    await using server = await startServer(deps);
    const { status, headers, text } = await server.call(path, { method });
    expect({ status, type: headers['content-type'], text }).toEqual({
      status: 404,
      type: 'application/json',
      text: '{"detail":"Not Found"}',
    });
  });

  test.each(REFUSED)('%s %s is not offered', async (method, path, allow) => {
    await using server = await startServer(deps);
    const { status, headers, text } = await server.call(path, { method });
    expect({ status, allow: headers.allow, text }).toEqual({ status: 405, allow, text: '{"detail":"Method Not Allowed"}' });
  });

  test.each([
    ['/health', 405, 'application/json'],
    ['/events', 405, 'application/json'],
    ['/event', 405, 'application/json'],
    ['/event/plain', 405, 'application/json'],
    ['/nothing', 404, 'application/json'],
    ['/docs', 200, 'text/html; charset=utf-8'],
    ['/openapi.json', 200, 'application/json'],
  ] as const)('HEAD %s answers %i without a body', async (path, status, type) => {
    await using server = await startServer(deps);
    const answer = await server.call(path, { method: 'HEAD' });
    expect(answer).toMatchObject({ status, text: '', headers: { 'content-type': type } });
  });

  test.each([
    ['GET', '/health/', '/health'],
    ['GET', '/events/', '/events'],
    ['GET', '/event/plain/', '/event/plain'],
    ['GET', '/event/', '/event'],
    ['POST', '/event/', '/event'],
    ['GET', '/events/?number=3&level=error', '/events?number=3&level=error'],
    ['GET', '/event/plain//', '/event/plain'],
    ['GET', '/event%2Fplain%2F', '/event/plain'],
  ])('%s %s is sent to %s', async (method, path, location) => {
    await using server = await startServer(deps);
    const { status, headers, text } = await server.call(path, { method });
    expect({ status, location: headers.location, text }).toEqual({ status: 307, location, text: '' });
  });

  test.each([
    ['/%65vents', 200],
    ['/%65%76%65%6E%74s?number=1', 200],
    ['/events/%61rchived', 200],
    ['/e%56ents', 404],
    ['/%2565vents', 404],
    ['/events%2Farchived', 200],
    ['/events%252Farchived', 404],
  ])('%s answers %i: letters and slashes may be written as escapes', async (path, status) => {
    await using server = await startServer({ events: { ...EVENTS, listArchived: async () => '{}' } as HttpDeps['events'] });
    expect((await server.call(path)).status).toBe(status);
  });

  test.each(['//example.org/', '//example.org//', '/%2Fexample.org/', '/%2Fexample.org%2F', '//events/', '/%2Fevents/'])(
    '%s is never sent to another host',
    async (path) => {
      await using server = await startServer(deps);
      expect((await server.call(path)).status).toBe(404);
    },
  );
});

describe('M9 ids in paths', () => {
  test.each([
    ['/event/nope', 'nope'],
    ['/event/%C3%B1%E4%BD%A0', 'ñ你'],
    ['/event/%20', ' '],
    ['/event/%22%27', `"'`],
    ['/event/%3Cb%3E', '<b>'],
    ['/event/%zz', '%zz'],
    ['/event/%ff%fe', '\ufffd\ufffd'],
    ['/event/%zz%41', '%zzA'],
    ['/event/%2541', '%41'],
    ['/event/%2e%2e', '..'],
    ['/event/%25zz%7E', '%zz~'],
    ['/event/%%32%35', '%25'],
    ['/event/%2%35', '%25'],
    ['/event/a%00b', 'a\u0000b'],
    ['/event/.', '.'],
    ['/event/a%252Fb', 'a%2Fb'],
    ['/event/__proto__', '__proto__'],
    ['/event/a+b', 'a+b'],
    ['/event/%70%6c%61%69%6e', 'plain'],
  ])('%s asks for %j', async (path, id) => {
    const asked: string[] = [];
    const get = async (wanted: string): Promise<null> => {
      asked.push(wanted);
      return null;
    };
    const events: Partial<HttpDeps['events']> = { get };
    await using server = await startServer({ events: events as HttpDeps['events'] });
    const { status, text } = await server.call(path);
    expect(asked).toEqual([id]);
    expect({ status, body: JSON.parse(text) }).toEqual({ status: 404, body: { detail: `Event with ID ${id} not found` } });
  });

  test('a stored event is answered as its text', async () => {
    const events = { get: async () => '{"_id":"x","event_data":1.0}' } as Partial<HttpDeps['events']>;
    await using server = await startServer({ events: events as HttpDeps['events'] });
    expect(await server.call('/event/x?y=1')).toMatchObject({ status: 200, text: '{"_id":"x","event_data":1.0}' });
  });
});
