import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { route } from '../../../src/http/route.ts';
import { JSON_HEADERS, PROBLEM_HEADERS, startServer } from './support.ts';

const EVENT = '{"_id":"e1","event_timestamp":"2025-03-04T05:06:07","source":{},"event_data":{"n":1.0,"big":1591844539983333333}}';
const STORED =
  '{"_id":"e1","event_type":"unknown","log_level":20,"alert":false,"event_timestamp":"2025-03-04T05:06:07","source":{},"event_data":{"n":1.0,"big":1591844539983333333},"trace_id":null,"span_id":null,"archived":false,"archived_at":null}';
const utf32 = (text: string): Buffer => {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(codes.length * 4);
  for (const [i, code] of codes.entries()) bytes.writeUInt32LE(code, i * 4);
  return bytes;
};
const post = (body: string | Buffer, headers: Record<string, string> = JSON_HEADERS) => ({ method: 'POST', body, headers });

describe('POST /event reads', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/vnd.api+json',
    'application/x+json',
    'application/+json',
    'application/json;charset=latin-1',
  ])('M27 %s', async (type) => {
    await using server = await startServer();
    expect(await server.call('/event', post(EVENT, { 'Content-Type': type }))).toMatchObject({ status: 200, text: STORED });
  });

  test.each([
    ['gzip', gzipSync(EVENT)],
    ['GZIP', gzipSync(EVENT)],
    ['x-gzip', gzipSync(EVENT)],
    ['deflate', deflateSync(EVENT)],
    ['br', brotliCompressSync(EVENT)],
    ['zstd', zstdCompressSync(EVENT)],
    ['identity', Buffer.from(EVENT)],
  ])('Content-Encoding %s', async (encoding, body) => {
    await using server = await startServer();
    expect(await server.call('/event', post(body, { ...JSON_HEADERS, 'Content-Encoding': encoding }))).toMatchObject({
      status: 200,
      text: STORED,
    });
  });

  test.each([
    ['a UTF-8 byte order mark', Buffer.from(`\ufeff${EVENT}`)],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${EVENT}`, 'utf16le')],
    ['UTF-16 of the other order', Buffer.from(`\ufeff${EVENT}`, 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from(EVENT, 'utf16le')],
    ['UTF-32 with a mark', utf32(`\ufeff${EVENT}`)],
    ['UTF-32 of the other order', utf32(`\ufeff${EVENT}`).swap32()],
    ['UTF-32 without a mark', utf32(EVENT)],
    ['UTF-32 of the other order, without a mark', utf32(EVENT).swap32()],
  ])('M27 %s', async (_, body) => {
    await using server = await startServer();
    expect(await server.call('/event', post(body))).toMatchObject({ status: 200, text: STORED });
  });

  test('a chunked body that comes byte by byte', async () => {
    await using server = await startServer();
    const chunks = Array.from(Buffer.from(EVENT), (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('');
    const answer = await server.raw(
      `POST /event HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    );
    expect(answer).toContain(STORED);
  });
});

describe('M27 POST /event refuses, as FastAPI does', () => {
  const notObject = (input: string) =>
    `{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":${input}}]}`;
  const MISSING = '{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}';
  const invalid = (position: number, error: string) =>
    `{"detail":[{"type":"json_invalid","loc":["body",${position}],"msg":"JSON decode error","input":{},"ctx":{"error":${JSON.stringify(error)}}}]}`;

  test.each([
    'text/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'json',
  ])('the content type %s', async (type) => {
    await using server = await startServer();
    const answer = await server.call('/event', post('{"a":1}', { 'Content-Type': type }));
    expect(answer).toMatchObject({ status: 422, text: notObject('"{\\"a\\":1}"') });
  });

  test.each([
    ['', MISSING],
    ['null', MISSING],
    ['  ', invalid(2, 'Expecting value')],
    ['true', notObject('true')],
    ['[{}]', notObject('[{}]')],
    ['{', invalid(1, 'Expecting property name enclosed in double quotes')],
    ['{"a":}', invalid(5, 'Expecting value')],
    ['{"event_data":"é🧪",}', invalid(19, 'Expecting property name enclosed in double quotes')],
    ['{"alert":true}{"alert":false}', invalid(14, 'Extra data')],
  ])('the body %j', async (body, text) => {
    await using server = await startServer();
    expect(await server.call('/event', post(body))).toMatchObject({ status: 422, text });
  });

  test('no body and no content type', async () => {
    await using server = await startServer();
    expect(await server.call('/event', { method: 'POST' })).toMatchObject({ status: 422, text: MISSING });
  });

  test.each([
    ['UTF-8', Buffer.from('eyJldmVudF9kYXRhIjoi//4ifQ==', 'base64')],
    ['UTF-16', Buffer.from('{}\ud800', 'utf16le')],
    ['UTF-32, as a code is too large', Buffer.from([0x7b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])],
    ['UTF-32, as it ends too early', utf32('{}').subarray(0, 7)],
  ])('bytes that are no %s', async (_, body) => {
    await using server = await startServer();
    expect(await server.call('/event', post(body))).toMatchObject({
      status: 400,
      text: '{"detail":"There was an error parsing the body"}',
    });
  });

  test('several faults at once, and the same as problem+json', async () => {
    await using server = await startServer();
    const body = '{"event_type":"nope","log_level":7,"source":{"node_id":"q"},"alert":null}';
    const madsci = JSON.parse((await server.call('/event', post(body))).text) as { detail: { loc: unknown[] }[] };
    expect(madsci.detail.map(({ loc }) => loc.join('.'))).toEqual([
      'body.event_type',
      'body.log_level',
      'body.alert',
      'body.source.node_id',
    ]);
    const answer = await server.call('/event', post(body, { ...JSON_HEADERS, ...PROBLEM_HEADERS }));
    expect(answer).toMatchObject({ status: 422, headers: { 'content-type': 'application/problem+json' } });
    const problem = JSON.parse(answer.text) as { errors: { pointer: string }[] };
    expect(problem).toMatchObject({ type: '/docs/errors#invalid_request', code: 'invalid_request', status: 422, instance: '/event' });
    expect(problem.errors.map(({ pointer }) => pointer)).toEqual(['/event_type', '/log_level', '/alert', '/source/node_id']);
  });
});

describe('experiment 17: bounds of bodies', () => {
  const LIMIT = 10_000;
  const sized = (bytes: number): string => `{"event_data":"${'x'.repeat(bytes - 17)}"}`;

  test('the limit itself passes, one more byte does not', async () => {
    await using server = await startServer();
    expect((await server.call('/event', post(sized(LIMIT)))).status).toBe(200);
    expect(await server.call('/event', post(sized(LIMIT + 1)))).toMatchObject({
      status: 413,
      headers: { connection: 'close' },
      text: `{"detail":"The body has more than ${LIMIT} bytes"}`,
    });
  });

  test('a body without an announced length is cut off at the limit, and the client sees why', async () => {
    await using server = await startServer();
    const socket = await server.socket();
    socket.write('POST /event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
    const answered = once(socket, 'data');
    const chunk = `ffff\r\n${'x'.repeat(0xffff)}\r\n`;
    socket.on('error', () => {});
    for (let sent = 0; sent < 10; sent++) socket.write(chunk);
    expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 413 /);
    const closed = once(socket, 'close');
    await closed; // it does not read for ever
  });

  test('a small body that unpacks to more than the limit', async () => {
    await using server = await startServer();
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    const before = process.memoryUsage().rss;
    const answer = await server.call('/event', post(bomb, { ...JSON_HEADERS, 'Content-Encoding': 'gzip' }));
    expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
  });

  test.each([
    ['gzip', 'not gzip at all', 400],
    ['gzip', gzipSync(EVENT).subarray(0, 40), 400],
    ['compress', EVENT, 415],
    ['gzip, br', EVENT, 415],
  ])('Content-Encoding %s with %s', async (encoding, body, status) => {
    await using server = await startServer();
    expect((await server.call('/event', post(body, { ...JSON_HEADERS, 'Content-Encoding': encoding }))).status).toBe(status);
  });

  test('a Content-Length that says too much leaves no trace when the client goes', async () => {
    const logged: string[] = [];
    await using server = await startServer({ log: (level, message) => void (level !== 'debug' && logged.push(message)) });
    const socket = await server.socket();
    socket.end('POST /event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}');
    socket.resume();
    await once(socket, 'close');
    expect(logged).toEqual([]);
  });

  test('a Content-Length that says too little is refused, as what follows is no request', async () => {
    await using server = await startServer();
    const answer = await server.raw(
      'POST /event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}garbage',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each([
    ['two lengths', 'POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['headers beyond bounds', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%s', async (_, bytes, status) => {
    await using server = await startServer();
    expect(await server.raw(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('a body that is not read is answered without a reset', async () => {
    await using server = await startServer();
    const answer = await server.call('/nothing', post('x'.repeat(5_000_000)));
    expect(answer).toMatchObject({ status: 404, headers: { connection: 'close' } });
  });
});

describe('JSON bodies of the control plane', () => {
  const Body = z.strictObject({
    name: z.string().min(1),
    config: z.record(z.string(), z.unknown()).default({}),
    size: z.int().max(9).optional(),
  });
  const echo = route({
    method: 'post',
    path: '/things/:id',
    area: 'handlers',
    scope: null,
    summary: 'Echo',
    params: z.object({ id: z.coerce.number().int() }),
    query: z.object({ dry: z.stringbool().default(false) }),
    body: Body,
    reads: 'json',
    replies: { 200: { description: 'It' } },
    handle: async ({ params, query, body, bodyText }) => ({ status: 200, json: { params, query, body, bodyText } }),
  });
  const optional = route({
    method: 'post',
    path: '/options',
    area: 'handlers',
    scope: null,
    summary: 'Maybe',
    body: z.object({ version: z.int() }).optional(),
    reads: 'json',
    replies: { 200: { description: 'It' } },
    handle: async ({ body }) => ({ status: 200, json: { body: body ?? null } }),
  });
  const start = () => startServer({}, [echo, optional]);

  test('params, query and body arrive checked, with the text as it came', async () => {
    await using server = await start();
    const text = '{"name":"a", "config":{"n":1591844539983333333,"x":1.0}}';
    const answer = JSON.parse((await server.call('/things/7?dry=yes', post(text))).text) as object;
    expect(answer).toMatchObject({ params: { id: 7 }, query: { dry: true }, body: { name: 'a' }, bodyText: text });
  });

  test.each([
    ['application/problem+json', 200],
    ['application/json; charset=utf-8', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['nonsense', 415],
  ])('content type %s answers %i', async (type, status) => {
    await using server = await start();
    expect((await server.call('/things/7', post('{"name":"a"}', { 'Content-Type': type }))).status).toBe(status);
  });

  test.each([
    ['{"name":', 400, 'invalid_json', []],
    ['"text"', 400, 'invalid_json', []],
    ['{"name":"a","__proto__":{"x":1}}', 400, 'invalid_json', []],
    ['{"name":"a","config":{"a":{"__proto__":{"x":1}}}}', 400, 'invalid_json', []],
    ['{"name":"","size":10}', 422, 'invalid_request', ['/name', '/size']],
    ['{"name":"a","colour":1,"a/b":2}', 422, 'invalid_request', ['/colour', '/a~1b']],
    ['[]', 422, 'invalid_request', ['']],
    ['', 422, 'invalid_request', ['']],
  ])('%s answers %i %s', async (body, status, code, pointers) => {
    await using server = await start();
    const answer = await server.call('/things/7', post(body));
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } });
    const problem = JSON.parse(answer.text) as { code: string; errors?: { pointer: string }[] };
    expect({ code: problem.code, pointers: (problem.errors ?? []).map(({ pointer }) => pointer) }).toEqual({ code, pointers });
    expect(answer.text).not.toContain('colour":1');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test.each([
    ['/things/x', 'id'],
    ['/things/7?dry=perhaps', 'dry'],
    ['/things/7?dri=1', 'dri'],
    ['/things/7?dry=1&dry=0', 'dry'],
  ])('%s names the parameter %s', async (path, pointer) => {
    await using server = await start();
    const answer = await server.call(path, post('{"name":"a"}'));
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toMatchObject({ errors: [{ pointer }] });
  });

  test('no body at all is undefined to the schema', async () => {
    await using server = await start();
    expect(await server.call('/options', { method: 'POST' })).toMatchObject({ status: 200, text: '{"body":null}' });
    expect(await server.call('/options', post('{"version":3}'))).toMatchObject({ status: 200, text: '{"body":{"version":3}}' });
  });

  test('limits and encodings', async () => {
    await using server = await start();
    const large = JSON.stringify({ name: 'x'.repeat(100_001) });
    expect((await server.call('/things/7', post(large))).status).toBe(413);
    expect((await server.call('/things/7', post(gzipSync(large), { ...JSON_HEADERS, 'Content-Encoding': 'gzip' }))).status).toBe(413);
    expect((await server.call('/things/7', post(gzipSync('{"name":"a"}'), { ...JSON_HEADERS, 'Content-Encoding': 'gzip' }))).status).toBe(
      200,
    );
    expect((await server.call('/things/7', post('x', { ...JSON_HEADERS, 'Content-Encoding': 'gzip' }))).status).toBe(400);
    expect((await server.call('/things/7', post('x', { ...JSON_HEADERS, 'Content-Encoding': 'odd' }))).status).toBe(415);
  });

  test('a client that goes away is no error', async () => {
    const logged: string[] = [];
    await using server = await startServer({ log: (level, message) => void (level !== 'debug' && logged.push(message)) }, [echo]);
    const socket = await server.socket();
    socket.write('POST /things/7 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}');
    await sleep(20);
    socket.destroy();
    await sleep(50);
    expect(logged).toEqual([]);
  });
});
