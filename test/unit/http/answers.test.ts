import { describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import type { HttpDeps } from '../../../src/http/deps.ts';
import { type Reply, type Route, route } from '../../../src/http/route.ts';
import { startServer } from './support.ts';

type Line = { level: string; message: string; fields: Record<string, unknown> };

function answering(path: string, handle: () => Promise<Reply>, madsci = false): Route {
  return route({
    method: 'get',
    path,
    area: 'operation',
    scope: null,
    madsci,
    summary: 'Answer',
    replies: { 200: { description: 'It' } },
    handle,
  });
}

const fail = (error: unknown) => async (): Promise<Reply> => {
  throw error;
};
const SECRET = new Error('password hunter2 at /etc/secret');
const ROUTES = [
  answering('/ours/ok', async () => ({ status: 200, json: { a: 'é' } })),
  answering('/ours/empty', async () => ({ status: 204 })),
  answering('/ours/header', async () => ({ status: 201, text: '[]', headers: { Location: '/x' } })),
  answering('/ours/bytes', async () => ({ status: 200, bytes: Buffer.from([0, 255]), contentType: 'application/octet-stream' })),
  answering('/ours/large', async () => ({ status: 200, text: JSON.stringify('€'.repeat(3_000_000)) })),
  answering('/ours/crash', fail(SECRET)),
  answering('/ours/odd', fail(undefined)),
  answering('/ours/full', fail(new EngineError('store_full', 'No room', { cause: SECRET }))),
  answering('/ours/busy', fail(new EngineError('overloaded', 'Busy'))),
  answering('/ours/unstorable', async () => ({ status: 200, json: { big: 1n } })),
  answering('/madsci/crash', fail(SECRET), true),
  answering('/madsci/busy', fail(new EngineError('overloaded', 'Busy')), true),
];

function start(given: Partial<HttpDeps> = {}, lines: Line[] = []) {
  return startServer({ log: (level, message, fields = {}) => void lines.push({ level, message, fields }), ...given }, ROUTES);
}

describe('answers', () => {
  test.each([
    ['/ours/ok', 200, '{"a":"é"}', { 'content-type': 'application/json', 'content-length': '10' }],
    ['/ours/empty', 204, '', {}],
    ['/ours/header', 201, '[]', { location: '/x' }],
    ['/ours/bytes', 200, '\u0000\ufffd', { 'content-type': 'application/octet-stream', 'content-length': '2' }],
  ])('%s', async (path, status, text, headers) => {
    await using server = await start();
    expect(await server.call(path)).toMatchObject({ status, text, headers });
  });

  test('large ones go out whole, with their length', async () => {
    await using server = await start();
    const { text, headers } = await server.call('/ours/large');
    expect(headers['content-length']).toBe('9000002');
    expect(text).toHaveLength(3_000_002);
  });
});

describe('errors', () => {
  test.each([
    ['/ours/crash', 500, 'internal'],
    ['/ours/odd', 500, 'internal'],
    ['/ours/unstorable', 500, 'internal'],
    ['/ours/full', 507, 'store_full'],
    ['/ours/busy', 503, 'overloaded'],
  ])('%s answers %i as problem+json and shows nothing of the inside', async (path, status, code) => {
    const lines: Line[] = [];
    await using server = await start({}, lines);
    const answer = await server.call(path, { headers: { 'X-Request-Id': 'abc-1' } });
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(answer.text)).toMatchObject({ status, code, type: `/docs/errors#${code}`, instance: path, request_id: 'abc-1' });
    expect(answer.text).not.toMatch(/hunter2|secret|stack|BigInt/);
    expect(lines.at(-1)).toMatchObject({ level: 'error', fields: { request_id: 'abc-1', status, code, path } });
  });

  test('the log has what the answer hides', async () => {
    const lines: Line[] = [];
    await using server = await start({}, lines);
    await server.call('/ours/crash');
    expect(lines.at(-1)?.fields['error']).toBe(SECRET);
  });

  test.each(['/ours/busy', '/madsci/busy'])('%s says when to come again', async (path) => {
    await using server = await start();
    expect((await server.call(path)).headers['retry-after']).toBe('1');
  });

  test.each([
    ['*/*', 'application/json', '{"detail":"Busy"}'],
    ['application/json', 'application/json', '{"detail":"Busy"}'],
    ['application/json, application/problem+json;q=0.9', 'application/problem+json', undefined],
  ])('MADSci routes answer Accept: %s with %s', async (accept, type, text) => {
    await using server = await start();
    const answer = await server.call('/madsci/busy', { headers: { Accept: accept } });
    expect(answer.headers['content-type']).toBe(type);
    if (text !== undefined) expect(answer.text).toBe(text);
    else expect(JSON.parse(answer.text)).toMatchObject({ code: 'overloaded' });
  });

  test.each(['/nothing', '/event'])('a client that accepts problem+json gets it for %s, too', async (path) => {
    await using server = await start();
    const answer = await server.call(path, { headers: { Accept: 'application/problem+json' } });
    expect(JSON.parse(answer.text)).toMatchObject({ instance: path, code: path === '/event' ? 'method_not_allowed' : 'not_found' });
  });
});

describe('request ids', () => {
  test.each(['abc-123', '01JDEM0000SCCFMHXPE0G07MBS', 'a:b/c=d+e.f_g', 'x'.repeat(128)])('"%s" is taken over', async (id) => {
    await using server = await start();
    expect((await server.call('/ours/ok', { headers: { 'X-Request-Id': id } })).headers['x-request-id']).toBe(id);
  });

  test.each(['', 'x'.repeat(129), 'a b', '<script>', '"'])('"%s" is replaced', async (id) => {
    await using server = await start();
    expect((await server.call('/ours/ok', { headers: { 'X-Request-Id': id } })).headers['x-request-id']).toMatch(/^[a-z0-9]+-[a-z0-9]+$/);
  });

  test('each request without one gets one of its own', async () => {
    await using server = await start();
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await server.call('/ours/ok')).headers['x-request-id']));
    expect(new Set(ids).size).toBe(20);
  });
});

describe('the log', () => {
  test('tells of ordinary requests at debug, of refused ones at info, and never the query string', async () => {
    const lines: Line[] = [];
    await using server = await start({}, lines);
    await server.call('/healthz');
    await server.call('/nothing?key=secret');
    expect(lines.map(({ level, fields }) => [level, fields['method'], fields['path'], fields['status']])).toEqual([
      ['debug', 'GET', '/healthz', 200],
      ['info', 'GET', '/nothing', 404],
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});
