import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { bodyChunks } from '../../../src/http/body/body-chunks.ts';
import { readBody } from '../../../src/http/body/read-body.ts';
import { LIMITS } from '../../../src/http/limits.ts';
import { type Route, route } from '../../../src/http/route.ts';
import { startServer } from './support.ts';

/** Each test file has modules of its own, so this shortens the bounds for the tests here only. */
const BRIEF = { headersMs: 1_000, closeMs: 700, takeMs: 200 };
Object.assign(LIMITS, BRIEF);

const REQUEST = 'GET /wait HTTP/1.1\r\nHost: x\r\n\r\n';

/** A route that answers when it is let go, and tells what its signal did. */
function waiting(): { route: Route; letGo: () => void; started: Promise<void>; aborted: Promise<void> } {
  const [gate, started, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const waitingRoute = route({
    method: 'get',
    path: '/wait',
    area: 'operation',
    scope: null,
    summary: 'Wait',
    replies: { 200: { description: 'At last' } },
    async handle({ signal }) {
      signal.addEventListener('abort', () => aborted.resolve());
      started.resolve();
      await gate.promise;
      return { status: 200, json: { done: true, aborted: signal.aborted } };
    },
  });
  return { route: waitingRoute, letGo: gate.resolve, started: started.promise, aborted: aborted.promise };
}

describe('G10 stopping', () => {
  test('new requests are answered 503 and closed, those under way finish, then nothing listens', async () => {
    const wait = waiting();
    const server = await startServer({}, [wait.route]);
    const idle = await server.socket();
    const busy = await server.socket();
    busy.write(REQUEST);
    const answer = once(busy, 'data');
    await wait.started;

    const closed = server.close();
    const late = await server.call('/healthz');
    expect(late).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } });
    expect(JSON.parse(late.text)).toEqual({ detail: 'The server is stopping' });

    wait.letGo();
    expect(String((await answer)[0])).toContain('{"done":true,"aborted":false}');
    await closed;
    expect(idle.destroyed || (await once(idle, 'close')) !== undefined).toBe(true);
    await expect(server.socket()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a keep-alive connection gets 503 as well once a stop has begun', async () => {
    let stopping = false;
    await using server = await startServer({ stopping: () => stopping });
    const socket = await server.socket();
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
    stopping = true;
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 /);
    await once(socket, 'close');
  });

  test('closing twice is closing once', async () => {
    const server = await startServer();
    await Promise.all([server.close(), server.close()]);
  });

  test('a request that never ends holds the stop up for a bounded time', async () => {
    const wait = waiting();
    const server = await startServer({}, [wait.route]);
    const socket = await server.socket();
    socket.on('error', () => {});
    socket.write(REQUEST);
    await wait.started;
    const begun = performance.now();
    await server.close();
    expect(performance.now() - begun).toBeLessThan(BRIEF.closeMs + 5_000);
    wait.letGo();
  });
});

test("a handler's signal aborts when its client goes away", async () => {
  const wait = waiting();
  await using server = await startServer({}, [wait.route]);
  const socket = await server.socket();
  socket.write(REQUEST);
  await wait.started;
  socket.destroy();
  await wait.aborted;
  wait.letGo();
});

test('experiment 23: headers that dribble in are cut off', async () => {
  await using server = await startServer();
  const socket = await server.socket();
  socket.write('GET /healthz HTTP/1.1\r\n');
  const dribble = setInterval(() => socket.write('X: y\r\n'), 100);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  clearInterval(dribble);
  expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
  await once(socket, 'close');
});

describe('bodies that do not come', () => {
  /** What `read` makes of a request that announces more than it sends. */
  async function reading<T>(read: (request: IncomingMessage) => Promise<T>, bytes: readonly string[], everyMs: number): Promise<unknown> {
    const outcome = Promise.withResolvers<unknown>();
    const server = createServer((request, response) => {
      read(request)
        .then(outcome.resolve, outcome.resolve)
        .finally(() => response.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n');
    for (const part of bytes) {
      socket.write(part);
      await sleep(everyMs);
    }
    const result = await outcome.promise;
    socket.destroy();
    server.close();
    return result;
  }
  const all = async (chunks: AsyncIterable<Buffer>): Promise<string> => {
    let text = '';
    for await (const chunk of chunks) text += chunk.toString();
    return text;
  };

  test('a body has a bound on all of it', async () => {
    expect(await reading((request) => readBody(request, 100, 60), ['a', 'b', 'c', 'd', 'e', 'f'], 20)).toMatchObject({
      code: 'request_timeout',
    });
  });

  test('a stream has a bound on its pauses only', async () => {
    const parts = Array.from({ length: 10 }, (_, i) => String(i));
    expect(await reading((request) => all(bodyChunks(request, 100)), parts, 20)).toBe('0123456789');
    expect(await reading((request) => all(bodyChunks(request, 30)), ['a', 'b'], 10)).toMatchObject({ code: 'request_timeout' });
  });
});

test('an answer that its client never takes does not hold the connection for ever', async () => {
  const large = route({
    method: 'get',
    path: '/large',
    area: 'operation',
    scope: null,
    summary: 'Large',
    replies: { 200: { description: 'Much' } },
    handle: async () => ({ status: 200, text: 'x'.repeat(20_000_000) }),
  });
  await using server = await startServer({}, [large]);
  const socket = await server.socket();
  socket.pause();
  socket.on('error', () => {});
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await sleep(BRIEF.takeMs * 4);
  socket.resume();
  await once(socket, 'close');
  expect(socket.bytesRead).toBeLessThan(20_000_000);
});
