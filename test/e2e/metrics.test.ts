import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Family, parsePrometheus, sampleOf } from '../support/prometheus.ts';
import { ADMIN_KEY, api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { ended, post, register } from './steps.ts';

const OPERATIONS = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function scrape(): Promise<Map<string, Family>> {
  const response = await fetch(`${server.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parsePrometheus(await response.text());
}

describe('GET /metrics', () => {
  test('counts events, attempts, mails and requests as they happen', async () => {
    const code = `export default async (event, ctx) => {
      if (event.event_data.part === 'gear') throw new Error('worn');
      if (event.event_data.part === 'bolt') ctx.events.emit({ event_type: 'test', event_data: { part: 'dust' } });
    };`;
    const handler = await register(server, {
      name: 'm',
      code,
      notify_on_failure: 'a@example.org',
      retry: { max_attempts: 2, backoff: { first_ms: 1, max_ms: 1 } },
    });
    await ended(server, handler, await post(server, { part: 'bolt' }));
    await ended(server, handler, await post(server, { part: 'gear' }));
    await api(server, 'POST', '/event', { log_level: 'no' });
    await api(server, 'POST', '/events', [{ _id: 'twice' }, { _id: 'twice' }]);
    const hook = 'event.on_ingest';
    const found = await eventually(async () => {
      const now = await scrape();
      const mails = sampleOf(now, 'hookwright_mail_attempts_total', { kind: 'failure', result: 'sent' });
      const succeeded = sampleOf(now, 'hookwright_attempts_total', { hook, result: 'succeeded' });
      return mails === 1 && succeeded === 3 && sampleOf(now, 'hookwright_executions_open', { state: 'leased' }) === 0 ? now : null;
    });
    const counted = (name: string, labels: Record<string, string>) => sampleOf(found, `hookwright_${name}`, labels);
    expect(counted('events_total', { origin: 'request', result: 'stored' })).toBe(3);
    expect(counted('events_total', { origin: 'request', result: 'duplicate' })).toBe(1);
    expect(counted('events_total', { origin: 'request', result: 'invalid' })).toBe(1);
    expect(counted('events_total', { origin: 'handler', result: 'stored' })).toBe(1);
    expect(counted('stored_events', {})).toBe(4);
    expect(counted('attempts_total', { hook, result: 'retried' })).toBe(1);
    expect(counted('attempts_total', { hook, result: 'dead' })).toBe(1);
    expect(counted('attempt_failures_total', { hook, reason: 'thrown' })).toBe(2);
    expect(counted('attempt_duration_seconds_count', { hook })).toBe(5);
    expect(counted('executions_open', { state: 'pending' })).toBe(0);
    expect(counted('handlers', { state: 'enabled' })).toBe(1);
    expect(counted('store_up', {})).toBe(1);
    expect(counted('store_write_duration_seconds_count', { operation: 'append' })).toBeGreaterThan(0);
    expect(counted('http_requests_total', { method: 'POST', route: '/event', status: '422' })).toBe(1);
    expect(counted('http_request_duration_seconds_count', { method: 'POST', route: '/event' })).toBe(3);
    expect(counted('runner_starts_total', {})).toBeGreaterThan(0);
  });

  test('what clients make up becomes no series', async () => {
    for (const path of ['/nowhere/1', '/nowhere/2', '/event/a', '/event/b']) await api(server, 'GET', path);
    const found = await scrape();
    expect(sampleOf(found, 'hookwright_http_requests_total', { method: 'GET', route: 'none', status: '404' })).toBe(2);
    expect(sampleOf(found, 'hookwright_http_requests_total', { method: 'GET', route: '/event/:event_id', status: '404' })).toBe(2);
  });

  test('docs/operations.md has every family, and none besides', async () => {
    const listed = Array.from(OPERATIONS.matchAll(/^\| `((?:hookwright|process|nodejs)_\w+)`/gm), ([, name]) => name ?? '');
    const unseen = ['hookwright_store_errors_total', 'hookwright_runner_ends_total', 'hookwright_mails_waiting'];
    expect([...new Set([...(await scrape()).keys(), ...unseen])].sort()).toEqual([...new Set([...listed, ...unseen])].sort());
    for (const name of unseen) expect(listed).toContain(name);
  });
});

test('beyond loopback the figures need a key with metrics:read, which reads nothing else', async () => {
  await using guarded = await startServer({ env: { ALLOW_ANONYMOUS: 'none' } });
  const get = async (path: string, key?: string): Promise<number> =>
    (await fetch(`${guarded.url}${path}`, key === undefined ? {} : { headers: { Authorization: `Bearer ${key}` } })).status;
  const { body } = await api(guarded, 'POST', '/keys', { name: 'prometheus', scopes: ['metrics:read'] });
  expect([await get('/metrics'), await get('/metrics', body.secret), await get('/metrics', ADMIN_KEY)]).toEqual([401, 200, 200]);
  expect(await get('/events', body.secret)).toBe(403);
});
