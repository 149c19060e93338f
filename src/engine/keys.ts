import type { Caller, Key, Scope } from '../core/key.ts';

/** API keys: made once, shown once, kept as hashes, checked in memory. */
export interface KeyRing {
  /** `secret` is the whole key text, shown this once. */
  create(input: { name: string; scopes: readonly Scope[]; expiresAt: number | null }, caller: Caller): Promise<{ key: Key; secret: string }>;
  list(): Key[];
  /** Refuses to revoke the last live admin key. */
  revoke(id: string, caller: Caller): Promise<Key>;
  /** Who presents this secret, or null when it is unknown, revoked or expired. Constant time in the secret. */
  authenticate(secret: string): Caller | null;
  /** The key's scopes when it is live, else null: what a handler that acts with it may do now. */
  liveScopes(keyId: string): readonly Scope[] | null;
  /** Calls back whenever a key was revoked; expiry is seen at the next look. */
  onRevoked(listener: (keyId: string) => void): void;
}
