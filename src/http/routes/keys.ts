import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { type Route, route } from '../route.ts';
import { KeyInput, KeyList, KeyView, NewKey, presentKey } from '../schemas/key.ts';
import { listText, pageOf, pageQuery, pageRequest } from '../schemas/listing.ts';

/** Making, listing and revoking API keys. */
export function keysRoutes({ keys, now }: Pick<HttpDeps, 'keys' | 'now'>): Route[] {
  return [
    route({
      method: 'post',
      path: '/keys',
      summary: 'Make a key',
      description: 'The answer is the only place where the key itself is shown.',
      area: 'keys',
      scope: 'admin',
      reads: 'json',
      body: KeyInput,
      replies: { 201: { description: 'The key.', schema: NewKey } },
      async handle({ body, caller }) {
        const { key, secret } = await keys.create({ name: body.name, scopes: body.scopes, expiresAt: body.expires_at }, caller);
        return { status: 201, json: { ...presentKey(key, now()), secret }, headers: { 'Cache-Control': 'no-store' } };
      },
    }),
    route({
      method: 'get',
      path: '/keys',
      summary: 'List keys, oldest first',
      area: 'keys',
      scope: 'admin',
      query: z.object(pageQuery),
      replies: { 200: { description: 'Also those revoked and expired; never the keys themselves.', schema: KeyList } },
      errors: ['cursor_invalid'],
      async handle({ query }) {
        const page = pageOf(keys.list(), pageRequest(query), ({ id }) => id);
        return { status: 200, text: listText(page, (key) => presentKey(key, now())) };
      },
    }),
    route({
      method: 'delete',
      path: '/keys/:id',
      summary: 'Revoke a key',
      description: 'At once and for good. The handlers that were registered with it are suspended.',
      area: 'keys',
      scope: 'admin',
      params: z.object({ id: z.string().meta({ description: 'Public id of the key.' }) }),
      replies: { 200: { description: 'The revoked key.', schema: KeyView } },
      errors: ['key_not_found', 'last_admin_key'],
      async handle({ params, caller }) {
        return { status: 200, json: presentKey(await keys.revoke(params.id, caller), now()) };
      },
    }),
  ];
}
