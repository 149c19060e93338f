/**
 * What a key may do. `admin` includes every other scope, `handlers:write` includes `handlers:read`,
 * `events:read` includes `metrics:read`.
 * Executions and deliveries are read with `handlers:read`: they are what handlers did.
 */
export const SCOPES = [
  'events:read',
  'events:write',
  'metrics:read',
  'handlers:read',
  'handlers:write',
  'executions:write',
  'alerts:write',
  'admin',
] as const;
export type Scope = (typeof SCOPES)[number];

/** A key as it is stored. Times are milliseconds since the epoch. */
export interface Key {
  /** Public part, shown in lists and in logs. */
  id: string;
  name: string;
  scopes: readonly Scope[];
  /** SHA-256 of its text in hexadecimal; empty for a key without a secret, which the server's own handlers act with and nobody can present. */
  hash: string;
  createdAt: number;
  createdBy: string;
  expiresAt: number | null;
  revokedAt: number | null;
  lastUsedAt: number | null;
}

/** Whoever calls: a key, or nobody (only on loopback, or as ALLOW_ANONYMOUS says). */
export interface Caller {
  keyId: string | null;
  name: string;
  scopes: readonly Scope[];
}

export function isLive(key: Key, now: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
}

export function hasScope(scopes: readonly Scope[], wanted: Scope): boolean {
  if (scopes.includes(wanted) || scopes.includes('admin')) return true;
  if (wanted === 'metrics:read') return scopes.includes('events:read');
  return wanted === 'handlers:read' && scopes.includes('handlers:write');
}
