import { describe, expect, test } from '@jest/globals';
import type { HttpDeps } from '../../../src/http/deps.ts';
import { MANAGER_ID, startServer } from './support.ts';

const counting = (total: () => Promise<number>) => ({ total }) as Partial<HttpDeps['events']> as HttpDeps['events'];
const down = { health: async () => ({ ready: false, checks: { store: { ok: false, detail: 'disk full' }, sandbox: { ok: true } } }) };

describe('health', () => {
  test('M22 /health in the shape of MADSci', async () => {
    await using server = await startServer({ events: counting(async () => 7) });
    expect(await server.call('/health')).toMatchObject({
      status: 200,
      text: '{"healthy":true,"description":"Event Manager is running normally","version":"1.2.3","db_connected":true,"total_events":7,"otel_enabled":null,"otel_exporter_type":null,"otel_endpoint":null}',
    });
  });

  test('M22 /health stays 200 when something is wrong', async () => {
    await using server = await startServer({ events: counting(async () => Promise.reject(new Error('x'))), ...down });
    const answer = await server.call('/health');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({
      healthy: false,
      description: 'Not ready: store',
      db_connected: false,
      total_events: 0,
    });
  });

  test('/healthz answers as long as the process does, /readyz by what it can do', async () => {
    await using fine = await startServer();
    expect(await fine.call('/healthz')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(await fine.call('/readyz')).toMatchObject({ status: 200, text: '{"ready":true,"checks":{"store":{"ok":true}}}' });
    await using broken = await startServer(down);
    expect((await broken.call('/healthz')).status).toBe(200);
    const answer = await broken.call('/readyz');
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toMatchObject({
      status: 503,
      body: { ready: false, checks: { store: { detail: 'disk full' } } },
    });
  });
});

describe('M23 settings', () => {
  const keysOf = async (query: string): Promise<string[]> => {
    await using server = await startServer();
    const answer = await server.call(`/settings${query}`);
    expect(answer.status).toBe(200);
    const body = JSON.parse(answer.text) as { settings: object };
    return [...Object.keys(body), ...Object.keys(body.settings)];
  };

  test.each([
    ['', ['settings', 'manager_name', 'manager_id', 'alert_level', 'document_db_url']],
    ['?include_defaults=false', ['settings', 'manager_id', 'document_db_url']],
    ['?include_defaults=0&include_schema=yes&unknown=1', ['settings', 'schema', 'schema_title', 'manager_id', 'document_db_url']],
    ['?include_defaults=0&include_defaults=1', ['settings', 'manager_name', 'manager_id', 'alert_level', 'document_db_url']],
  ])('%s', async (query, keys) => {
    expect(await keysOf(query)).toEqual(keys);
  });

  test('bad flags, both named', async () => {
    await using server = await startServer();
    const { status, text } = await server.call('/settings?include_defaults=x&include_schema=z');
    const fault = (name: string, input: string) =>
      `{"type":"bool_parsing","loc":["query","${name}"],"msg":"Input should be a valid boolean, unable to interpret input","input":"${input}"}`;
    expect({ status, text }).toEqual({
      status: 422,
      text: `{"detail":[${fault('include_defaults', 'x')},${fault('include_schema', 'z')}]}`,
    });
  });
});

describe('M25 what older clients ask', () => {
  test.each(['/definition', '/info', '/'])('%s', async (path) => {
    await using server = await startServer();
    const answer = await server.call(path);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      name: 'Test Manager',
      description: expect.any(String),
      manager_id: MANAGER_ID,
      manager_type: 'event_manager',
    });
  });
});
