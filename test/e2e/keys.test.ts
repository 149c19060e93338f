import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { ended, items, post, request } from './steps.ts';

const COUNTING = 'export default async (event, ctx) => ctx.events.count({ event_type: "test" });';

describe('keys', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function makeKey(name: string, scopes: string[]): Promise<{ id: string; secret: string }> {
    const { status, body } = await api(server, 'POST', '/keys', { name, scopes });
    expect({ status, body }).toMatchObject({ status: 201, body: { name, scopes, state: 'live', secret: expect.any(String) } });
    return body;
  }

  /** Registers with this key, and answers the handler's id. */
  async function registerAs(key: string, name: string): Promise<number> {
    const body = JSON.stringify({ hook: 'event.on_ingest', name, code: COUNTING, retry: { max_attempts: 1 } });
    const { status, text } = await request(server, 'POST', '/handlers', { key, body });
    expect({ status, text }).toMatchObject({ status: 201 });
    return JSON.parse(text).id;
  }

  test('a key may do what its scopes say and no more, and is shown only once', async () => {
    const { id, secret } = await makeKey('writer', ['handlers:write']);
    await registerAs(secret, 'of-writer');
    const statusOf = async (method: string, path: string): Promise<number> => (await request(server, method, path, { key: secret })).status;
    expect(await statusOf('GET', '/keys')).toBe(403);
    expect(await statusOf('GET', '/executions')).toBe(200);
    expect(await statusOf('POST', '/executions/none/cancel')).toBe(403);
    const { body } = await api(server, 'GET', '/keys');
    expect(body.items).toContainEqual(expect.objectContaining({ id, name: 'writer', scopes: ['handlers:write'] }));
    expect(JSON.stringify(body)).not.toContain(secret);
  });

  test('B10 a handler may do what the key that registered it may do', async () => {
    const [reader, blind] = [await makeKey('reader', ['handlers:write', 'events:read']), await makeKey('blind', ['handlers:write'])];
    const [reading, failing] = [await registerAs(reader.secret, 'reading'), await registerAs(blind.secret, 'failing')];
    const eventId = await post(server, {});
    expect(await ended(server, reading, eventId)).toMatchObject({ state: 'succeeded', output: expect.any(Number) });
    expect(await ended(server, failing, eventId)).toMatchObject({ state: 'dead', error: { reason: 'permission' } });
  });

  test('B10 revoking a key suspends its handlers and ends its use', async () => {
    const { id, secret } = await makeKey('leaving', ['handlers:write', 'handlers:read', 'events:read']);
    const handler = await registerAs(secret, 'of-leaving');
    expect(await ended(server, handler, await post(server, {}))).toMatchObject({ state: 'succeeded' });

    expect(await api(server, 'DELETE', `/keys/${id}`)).toMatchObject({ status: 200, body: { state: 'revoked' } });
    expect((await request(server, 'GET', '/handlers', { key: secret })).status).toBe(401);
    expect((await api(server, 'GET', `/handlers/${handler}`)).body).toMatchObject({ state: 'suspended', enabled: true });
    const later = await post(server, {});
    expect(await items(server, `/executions?handler_id=${handler}&event_id=${later}`)).toEqual([]);

    const adopted = await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', name: 'of-leaving', code: COUNTING });
    expect(adopted).toMatchObject({ status: 200, body: { id: handler, state: 'enabled' } });
    expect(await ended(server, handler, await post(server, {}))).toMatchObject({ state: 'succeeded' });
  });

  test('the last admin key cannot be revoked', async () => {
    const { body } = await api(server, 'GET', '/keys');
    const admin = body.items.find(({ scopes, state }: { scopes: string[]; state: string }) => scopes.includes('admin') && state === 'live');
    expect(await api(server, 'DELETE', `/keys/${admin.id}`)).toMatchObject({ status: 409, body: { code: 'last_admin_key' } });
  });

  test('a key that expires stops working', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { body } = await api(server, 'POST', '/keys', { name: 'brief', scopes: ['admin'], expires_at: expiresAt });
    expect((await request(server, 'GET', '/keys', { key: body.secret })).status).toBe(200);
    await eventually(async () => ((await request(server, 'GET', '/keys', { key: body.secret })).status === 401 ? true : null));
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  });
});
