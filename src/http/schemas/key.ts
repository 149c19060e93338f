/** Keys as they are sent and answered. */
import { z } from 'zod';
import { isLive, type Key, SCOPES } from '../../core/key.ts';
import { Instant, InstantText, instantOrNull, instantText, listOf } from './listing.ts';
import { printable } from './printable.ts';
import { strict } from './strict.ts';

const Scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .meta({ description: 'What it may do; admin may do all.', example: ['handlers:write'] });

export const KeyInput = strict({
  name: printable(200).meta({ description: 'Shown as created_by of what is done with the key.', example: 'allen' }),
  scopes: Scopes,
  expires_at: Instant.nullable().default(null).meta({ description: 'When it stops working; null for never.' }),
}).meta({ id: 'KeyInput', example: { name: 'allen', scopes: ['handlers:read', 'handlers:write'] } });

export const KeyView = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: Scopes,
    state: z.enum(['live', 'expired', 'revoked']),
    created_at: InstantText,
    created_by: z.string(),
    expires_at: InstantText.nullable(),
    revoked_at: InstantText.nullable(),
    last_used_at: InstantText.nullable().meta({ description: 'To the minute.' }),
  })
  .meta({ id: 'Key' });

/** Answered once, when the key is made. */
export const NewKey = KeyView.extend({ secret: z.string().meta({ description: 'The key itself. It is not shown again.' }) }).meta({
  id: 'NewKey',
});
export const KeyList = listOf(KeyView).meta({ id: 'KeyList' });

export function presentKey(key: Key, now: number): object {
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    state: key.revokedAt !== null ? 'revoked' : isLive(key, now) ? 'live' : 'expired',
    created_at: instantText(key.createdAt),
    created_by: key.createdBy,
    expires_at: instantOrNull(key.expiresAt),
    revoked_at: instantOrNull(key.revokedAt),
    last_used_at: instantOrNull(key.lastUsedAt),
  };
}
