import { describe, expect, test } from '@jest/globals';
import type { HttpDeps } from '../../../src/http/deps.ts';
import { FailedLogins } from '../../../src/http/failed-logins.ts';
import { type Route, type RouteSpec, route } from '../../../src/http/route.ts';
import { type Call, callServer, startServer } from './support.ts';

function guarded(method: 'get' | 'post', scope: RouteSpec<unknown, unknown, unknown>['scope'], path = `/guarded/${method}`): Route {
  const replies = { 200: { description: 'Who' } };
  return route({
    method,
    path,
    area: 'handlers',
    scope,
    summary: 'Guarded',
    replies,
    handle: async ({ caller }) => ({ status: 200, json: caller }),
  });
}

const ROUTES = [guarded('get', 'handlers:read'), guarded('post', 'handlers:write'), guarded('get', null, '/open')];
const start = (given: Partial<HttpDeps> = {}) =>
  startServer({ events: { list: async () => '{}' } as Partial<HttpDeps['events']> as HttpDeps['events'], ...given }, ROUTES);
const bearer = (key: string): Call => ({ headers: { Authorization: `Bearer ${key}` } });

describe('keys', () => {
  test.each(['Bearer key-admin', 'bearer key-admin', 'BEARER   key-admin '])('"%s" is a key', async (authorization) => {
    await using server = await start();
    const answer = await server.call('/guarded/get', { headers: { Authorization: authorization } });
    expect(answer).toMatchObject({ status: 200, text: '{"keyId":"key-admin","name":"key-admin","scopes":["admin"]}' });
  });

  test.each(['key-admin', 'Basic a2V5', 'Bearer', 'Bearer wrong', 'Bearer key-admin extra', 'Bearer key-admin,x'])(
    '"%s" is none',
    async (authorization) => {
      await using server = await start();
      const answer = await server.call('/guarded/get', { headers: { Authorization: authorization } });
      expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="hookwright", error="invalid_token"' } });
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'unauthenticated', type: '/docs/errors#unauthenticated' });
    },
  );

  test('a key in the query string is no key', async () => {
    await using server = await start();
    expect((await server.call('/guarded/get?key=key-admin&access_token=key-admin')).status).toBe(401);
  });

  test('two Authorization headers are refused even when the first is right', async () => {
    await using server = await start();
    const answer = await server.raw(
      'GET /guarded/get HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer key-admin\r\nauthorization: Bearer wrong\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('without a key: 401 with a challenge; with the wrong one: 403 that names the scope', async () => {
    await using server = await start();
    const none = await server.call('/guarded/get');
    expect(none).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="hookwright"' } });
    const reader = await server.call('/guarded/get', bearer('key-reader'));
    expect(reader).toMatchObject({
      status: 403,
      headers: { 'www-authenticate': 'Bearer realm="hookwright", error="insufficient_scope", scope="handlers:read"' },
    });
    expect(JSON.parse(reader.text)).toMatchObject({ code: 'forbidden', detail: 'The key lacks the scope handlers:read' });
  });

  test('anonymous callers have the scopes of the settings, and a bad key is not one of them', async () => {
    await using server = await start();
    expect((await server.call('/events')).status).toBe(200);
    expect(await server.call('/events', bearer('wrong'))).toMatchObject({ status: 401, headers: { 'content-type': 'application/json' } });
    await using closed = await start({ anonymousScopes: [] });
    expect((await closed.call('/events')).status).toBe(401);
    expect((await closed.call('/events', bearer('key-reader'))).status).toBe(200);
    expect((await closed.call('/open', bearer('wrong'))).status).toBe(200);
  });

  test('experiment 22: failures of one address are bounded, right keys are not held up', async () => {
    await using server = await start();
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await server.call('/guarded/get', bearer(`wrong${i}`))).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    const limited = await server.call('/guarded/get', bearer('wrong'));
    expect(limited).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(JSON.parse(limited.text)).toMatchObject({ code: 'rate_limited' });
    expect((await server.call('/guarded/get', bearer('key-admin'))).status).toBe(200);
  });

  test('the count of failures recovers with time and forgets the oldest address', () => {
    const failures = new FailedLogins();
    for (let i = 0; i < 20; i++) expect(failures.note('a', 0)).toBe(0);
    expect(failures.note('a', 0)).toBe(1);
    expect(failures.note('a', 999)).toBe(1);
    expect(failures.note('a', 1_000)).toBe(0);
    expect(failures.note('a', 500)).toBe(1); // a clock set back gives nothing
    expect(failures.note('b', 1_000)).toBe(0);
    for (let i = 0; i < 10_000; i++) failures.note(`other${i}`, 1_000);
    expect(failures.note('a', 1_000)).toBe(0);
  });
});

describe('Host', () => {
  test.each([
    ['localhost:8001', 200],
    ['LOCALHOST', 200],
    ['localhost.', 200],
    ['127.0.0.1:9999', 200],
    ['[::1]:8001', 200],
    ['hook.lab:1234', 200],
    ['hook.lab:1235', 403],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['evil.example:8001', 403],
  ])('%s answers %i', async (host, status) => {
    await using server = await start({ allowedHosts: ['localhost', '127.0.0.1', '[::1]', 'hook.lab:1234'] });
    expect((await server.call('/healthz', { headers: { Host: host } })).status).toBe(status);
  });
});

describe('M26 cross-origin requests', () => {
  const ORIGIN = 'http://example.org';

  test.each([
    ['/events', { Origin: ORIGIN }, 200, '*'],
    ['/nothing', { Origin: ORIGIN }, 404, '*'],
    ['/events?number=x', { Origin: ORIGIN }, 422, '*'],
    ['/events', { Origin: ORIGIN, Cookie: 'a=1' }, 200, ORIGIN],
    ['/events', {}, 200, undefined],
    ['/guarded/get', { Origin: ORIGIN }, 401, undefined],
    ['/guarded/get', { Origin: ORIGIN, Authorization: 'Bearer key-admin' }, 200, '*'],
  ] as const)('GET %s with %j', async (path, headers, status, allowed) => {
    await using server = await start();
    const answer = await server.call(path, { headers: { ...headers } });
    expect({ status: answer.status, allowed: answer.headers['access-control-allow-origin'] }).toEqual({ status, allowed });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });

  const METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';
  test.each([
    ['/event', 'POST', 'content-type', 200, 'OK'],
    ['/events/archived', 'DELETE', undefined, 200, 'OK'],
    ['/event', 'PUT', 'x-a, authorization', 200, 'OK'],
    ['/nothing', 'GET', undefined, 200, 'OK'],
    ['/event', 'FOO', undefined, 400, 'Disallowed CORS method'],
    ['/guarded/post', 'POST', 'Authorization, content-type', 200, 'OK'],
  ])('preflight of %s for %s with %s', async (path, method, wanted, status, text) => {
    await using server = await start();
    const headers: Record<string, string> = { Origin: ORIGIN, 'Access-Control-Request-Method': method };
    if (wanted !== undefined) headers['Access-Control-Request-Headers'] = wanted;
    const answer = await server.call(path, { method: 'OPTIONS', headers });
    expect(answer).toMatchObject({
      status,
      text,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'access-control-allow-methods': METHODS, 'access-control-max-age': '600' },
    });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-allow-headers']).toBe(wanted);
  });

  test('MADSci routes allow any origin in a preflight, ours none without a key', async () => {
    await using server = await start();
    const preflight = (path: string) =>
      server.call(path, { method: 'OPTIONS', headers: { Origin: 'null', 'Access-Control-Request-Method': 'POST' } });
    expect((await preflight('/event')).headers['access-control-allow-origin']).toBe('*');
    const ours = await preflight('/guarded/post');
    expect({ status: ours.status, allowed: ours.headers['access-control-allow-origin'] }).toEqual({ status: 403, allowed: undefined });
  });

  test.each([
    [{ Origin: ORIGIN }, 403],
    [{ Origin: 'null' }, 403],
    [{ 'Sec-Fetch-Site': 'cross-site' }, 403],
    [{ Origin: 'http://lab:8001' }, 200],
    [{ Origin: 'https://lab:8001' }, 200],
    [{ 'Sec-Fetch-Site': 'same-origin' }, 200],
    [{}, 200],
    [{ Origin: ORIGIN, Authorization: 'Bearer key-admin' }, 200],
  ])('a change beyond events, with %j and anonymous rights, answers %i', async (headers, status) => {
    await using server = await start({ anonymousScopes: ['admin'] });
    const answer = await callServer(server.port, '/guarded/post', {
      method: 'POST',
      headers: { Host: 'lab:8001', ...headers } as Record<string, string>,
    });
    expect(answer.status).toBe(status);
    if (status === 403) expect(JSON.parse(answer.text)).toMatchObject({ code: 'cross_site_refused' });
  });
});
