import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import Koa from 'koa';
import { authorizer } from './auth.ts';
import { jsonReader } from './body/json-body.ts';
import type { HttpDeps } from './deps.ts';
import type { Context } from './exchange.ts';
import { LIMITS } from './limits.ts';
import { pipeline } from './pipeline.ts';
import { PROBLEM_TYPE } from './problem.ts';
import type { Route } from './route.ts';
import { routing } from './router.ts';
import { errorSink } from './sink.ts';

export interface HttpServer {
  /** Port 0 takes a free one. */
  listen(host: string, port: number): Promise<{ port: number }>;
  /** New requests are answered 503 at once, those under way finish within bounds, then every connection closes. */
  close(): Promise<void>;
}

export function createHttpServer(deps: HttpDeps, routes: readonly Route[]): HttpServer {
  let closed: Promise<void> | null = null;
  const sink = errorSink(deps, () => closed !== null);
  const server = nodeServer(application(deps, routes, sink.middleware));

  return {
    async listen(host, port) {
      const listening = Promise.withResolvers<void>();
      server.once('error', listening.reject);
      server.listen(port, host, listening.resolve);
      await listening.promise;
      server.off('error', listening.reject);
      server.on('error', (error) => deps.log('error', 'server', { error }));
      return { port: (server.address() as AddressInfo).port }; // a listening TCP server has no other kind of address
    },
    close() {
      closed ??= drain(server, sink);
      return closed;
    },
  };
}

function application(deps: HttpDeps, routes: readonly Route[], sink: Koa.Middleware<Context['state']>): Koa<Context['state']> {
  const app = new Koa<Context['state']>();
  const services = { authorize: authorizer(deps), readJson: jsonReader(deps.limits.bodyBytes), tracing: deps.tracing };
  const { dispatch, refuse } = routing(routes, (route) => pipeline(route, services));
  app.use(sink).use(dispatch).use(refuse);
  app.on('error', (error: unknown) => deps.log('error', 'answer broke off', { error }));
  return app;
}

function nodeServer(app: Koa<Context['state']>): Server {
  const server = createServer(
    {
      headersTimeout: LIMITS.headersMs,
      requestTimeout: 0, // each reader of a body has its own bound: a stream may take any time while data flows
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: LIMITS.keepAliveMs,
      maxHeaderSize: LIMITS.headerBytes,
      noDelay: true,
    },
    app.callback(),
  );
  server.maxHeadersCount = LIMITS.headers;
  server.maxRequestsPerSocket = 0;
  server.on('clientError', answerBrokenRequest);
  return server;
}

const BROKEN: Readonly<Record<string, readonly [status: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The headers did not arrive in time'],
};

/** What is not even HTTP gets the least that HTTP allows; never in the middle of another answer. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  const { _httpMessage: answering } = socket as Socket & { _httpMessage?: ServerResponse | null }; // as Node's own handler looks
  if (error.code === 'ECONNRESET' || !socket.writable || answering?.headersSent) {
    socket.destroy();
    return;
  }
  const [status, detail] = BROKEN[error.code ?? ''] ?? ['400 Bad Request', 'This is not HTTP/1.1'];
  const body = JSON.stringify({ type: 'about:blank', title: status.slice(4), status: Number(status.slice(0, 3)), detail });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** While requests are under way the port stays open, so that new ones are answered 503 and not refused. */
async function drain(server: Server, sink: { readonly active: number }): Promise<void> {
  server.closeIdleConnections();
  const deadline = performance.now() + LIMITS.closeMs;
  while (sink.active > 0 && performance.now() < deadline) await pause();
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  while (performance.now() < deadline && (await connections(server)) > 0) {
    server.closeIdleConnections();
    await pause();
  }
  server.closeAllConnections();
  await closed.promise;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
}
