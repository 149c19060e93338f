import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { DEFAULT_EVENT_LIMITS, normaliseEvent } from '../../../src/core/event.ts';
import type { Scope } from '../../../src/core/key.ts';
import type { Ingest } from '../../../src/engine/ingest.ts';
import type { HttpDeps } from '../../../src/http/deps.ts';
import type { Route } from '../../../src/http/route.ts';
import { docsRoutes } from '../../../src/http/routes/docs.ts';
import { eventRoutes } from '../../../src/http/routes/events.ts';
import { operationRoutes } from '../../../src/http/routes/operation.ts';
import { createHttpServer } from '../../../src/http/server.ts';

export const MANAGER_ID = '01JDEM0000SCCFMHXPE0G07MBS';
const KEYS: Readonly<Record<string, readonly Scope[]>> = { 'key-admin': ['admin'], 'key-reader': ['events:read'] };

/** An engine that normalises and forgets: what the HTTP layer needs of it to be tried alone. */
export function forgetfulIngest(): Ingest {
  let ids = 0;
  const defaults = {
    newId: () => `id-${++ids}`,
    nowText: () => '2025-03-04T05:06:07.000008',
    nowUs: () => 1_741_064_767_000_008,
    managerId: MANAGER_ID,
    naiveOffsetMinutes: () => 0,
  };
  const one: Ingest['one'] = async (text) => {
    const result = normaliseEvent(text, defaults, DEFAULT_EVENT_LIMITS);
    return result.ok ? { ok: true, json: result.event.json, result: 'stored' } : result;
  };
  const many: Ingest['many'] = async (texts, firstIndex) =>
    texts.map((text, i) => {
      const result = normaliseEvent(text, defaults, DEFAULT_EVENT_LIMITS);
      const index = firstIndex + i;
      return result.ok ? { index, id: result.event.id, result: 'stored' } : { index, id: null, result: 'invalid', issues: result.issues };
    });
  return { one, many };
}

function absent(name: string): never {
  throw new Error(`This test has no ${name}`);
}

/** Everything a test does not give fails when it is used. */
export function testDeps(given: Partial<HttpDeps> = {}): HttpDeps {
  const missing = <T extends object>(name: string): T => new Proxy({} as T, { get: () => () => absent(name) });
  return {
    ingest: forgetfulIngest(),
    events: missing('event store'),
    handlers: missing('handler registry'),
    triggers: missing('triggers'),
    executions: missing('executions'),
    schedules: missing('schedules'),
    retention: missing('retention'),
    deliveries: missing('deliveries'),
    backups: missing('backups'),
    reports: missing('reports'),
    keys: {
      ...missing<HttpDeps['keys']>('key ring'),
      authenticate: (secret) => {
        const scopes = KEYS[secret];
        return scopes === undefined ? null : { keyId: secret, name: secret, scopes };
      },
    },
    resend: () => absent('outbox'),
    metrics: () => absent('figures'),
    answered: () => {},
    tracing: null,
    otel: null,
    health: async () => ({ ready: true, checks: { store: { ok: true } } }),
    settings: {
      all: () => ({ manager_name: 'Test Manager', manager_id: MANAGER_ID, alert_level: 40, document_db_url: '***REDACTED***' }),
      changed: () => ({ manager_id: MANAGER_ID, document_db_url: '***REDACTED***' }),
      schema: () => ({ schema: { type: 'object' }, schema_title: 'EventManagerSettings' }),
    },
    managerId: MANAGER_ID,
    version: '1.2.3',
    now: () => Date.UTC(2025, 2, 4),
    log: () => {},
    limits: { bodyBytes: 100_000, eventBytes: 10_000, resultBytes: 1_000_000 },
    rateLimits: null,
    anonymousScopes: ['events:read', 'events:write'],
    allowedHosts: null,
    stopping: () => false,
    ...given,
  };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface TestServer extends AsyncDisposable {
  port: number;
  call(path: string, call?: Call): Promise<Answer>;
  /** Sends bytes as they are and answers all that comes back until the server closes. */
  raw(bytes: string): Promise<string>;
  socket(): Promise<Socket>;
  close(): Promise<void>;
}

/** A server on a free port with the routes of events, operation and documentation, and those given. */
export async function startServer(given: Partial<HttpDeps> = {}, more: readonly Route[] = []): Promise<TestServer> {
  const deps = testDeps(given);
  const api = [...eventRoutes(deps), ...operationRoutes(deps), ...more];
  const server = createHttpServer(deps, [...api, ...docsRoutes(api, deps.version)]);
  const { port } = await server.listen('127.0.0.1', 0);
  const socket = async (): Promise<Socket> => {
    const opened = connect(port, '127.0.0.1');
    await once(opened, 'connect');
    return opened;
  };
  return {
    port,
    call: (path, call) => callServer(port, path, call),
    async raw(bytes) {
      const opened = await socket();
      opened.write(bytes);
      return readText(opened);
    },
    socket,
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

export async function callServer(port: number, path: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const sent = httpRequest({ port, host: '127.0.0.1', path, method, agent: false, headers: { ...length, ...headers } });
  sent.end(body);
  const [response] = await once(sent, 'response');
  return { status: response.statusCode, headers: response.headers, text: await readText(response) };
}

export const JSON_HEADERS = { 'Content-Type': 'application/json' };
export const PROBLEM_HEADERS = { Accept: 'application/problem+json' };
