import { beforeEach, describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import type { Key } from '../../../src/core/key.ts';
import type { KeyRing } from '../../../src/engine/keys.ts';
import { keysRoutes } from '../../../src/http/routes/keys.ts';
import { KeyList, KeyView, NewKey } from '../../../src/http/schemas/key.ts';
import { call, refusal } from './routes-support.ts';

const NOW = Date.UTC(2026, 2, 1);
const SECRET = 'hw_0123456789abcdef_secret';

function key(id: string, fields: Partial<Key> = {}): Key {
  const dates = { createdAt: NOW, expiresAt: null, revokedAt: null, lastUsedAt: null };
  return { id, name: id, scopes: ['handlers:write'], hash: 'feed', createdBy: 'root', ...dates, ...fields };
}

let asked: unknown[];
const unused = (): never => {
  throw new Error('not for routes');
};
const keys: KeyRing = {
  async create(input, caller) {
    asked.push(input, caller.name);
    return { key: key('new', { ...input, createdBy: caller.name }), secret: SECRET };
  },
  list: () => [
    key('live', { lastUsedAt: NOW - 5 }),
    key('expired', { expiresAt: NOW }),
    key('revoked', { revokedAt: NOW, expiresAt: NOW }),
  ],
  async revoke(id) {
    if (id === 'last') throw new EngineError('last_admin_key', id);
    return key(id, { revokedAt: NOW });
  },
  authenticate: unused,
  liveScopes: unused,
  onRevoked: unused,
};
const routes = keysRoutes({ keys, now: () => NOW });

beforeEach(() => {
  asked = [];
});

describe('POST /keys', () => {
  const post = (body: object) => call(routes, 'post /keys', { body: JSON.stringify(body) });

  test('answers the key once, to be cached nowhere', async () => {
    const { status, json, headers } = await post({ name: 'allen', scopes: ['handlers:write', 'events:read'], expires_at: '2027-01-01' });
    expect([status, headers]).toEqual([201, { 'Cache-Control': 'no-store' }]);
    expect(NewKey.strict().parse(json)).toMatchObject({ id: 'new', name: 'allen', secret: SECRET, state: 'live', created_by: 'allen' });
    expect(asked).toEqual([{ name: 'allen', scopes: ['handlers:write', 'events:read'], expiresAt: Date.UTC(2027, 0, 1) }, 'allen']);
  });

  test('makes one that never expires', async () => {
    await post({ name: 'allen', scopes: ['admin'] });
    await post({ name: 'allen', scopes: ['admin'], expires_at: null });
    expect(asked.filter((each) => typeof each === 'object')).toMatchObject([{ expiresAt: null }, { expiresAt: null }]);
  });

  test.each([
    { change: { name: '' }, pointer: '/name' },
    { change: { name: 'a\r\nb' }, pointer: '/name' },
    { change: { scopes: [] }, pointer: '/scopes' },
    { change: { scopes: ['root'] }, pointer: '/scopes/0' },
    { change: { scopes: undefined }, pointer: '/scopes' },
    { change: { expires_at: 'soon' }, pointer: '/expires_at' },
    { change: { scope: 'admin' }, pointer: '/scope' },
  ])('refuses $change', async ({ change, pointer }) => {
    const { code, faults } = await refusal(post({ name: 'allen', scopes: ['admin'], ...change }));
    expect([code, faults.map((fault) => fault.pointer)]).toEqual(['invalid_request', [pointer]]);
  });
});

test('GET /keys lists all with their state, and no hash', async () => {
  const { text, json } = await call(routes, 'get /keys');
  expect(KeyList.parse(json).items.map(({ id, state }) => [id, state])).toEqual([
    ['live', 'live'],
    ['expired', 'expired'],
    ['revoked', 'revoked'],
  ]);
  expect(text).not.toContain('feed');
  expect((await call(routes, 'get /keys', { query: { limit: '1', cursor: 'live' } })).json).toMatchObject({
    items: [{ id: 'expired' }],
    next_cursor: 'expired',
  });
});

test('DELETE /keys/{id} answers the revoked key', async () => {
  const { status, json } = await call(routes, 'delete /keys/:id', { params: { id: 'live' } });
  expect([status, KeyView.strict().parse(json)]).toMatchObject([
    200,
    { id: 'live', state: 'revoked', revoked_at: '2026-03-01T00:00:00.000Z' },
  ]);
  expect((await refusal(call(routes, 'delete /keys/:id', { params: { id: 'last' } }))).code).toBe('last_admin_key');
});

test('keys need admin', () => {
  expect(routes.map(({ scope }) => scope)).toEqual(['admin', 'admin', 'admin']);
});
