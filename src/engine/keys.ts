import { EngineError } from '../core/errors.ts';
import { type Caller, hasScope, isLive, type Key, type Scope } from '../core/key.ts';
import { isPresetText, KEY_ID_BYTES, KEY_SECRET_BYTES, keyIdOf, keyText, MAX_KEY_TEXT } from '../core/key-text.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cryptography } from '../ports/crypto.ts';
import type { KeyStore } from '../ports/key-store.ts';
import { inTurn } from './in-turn.ts';
import { type KeyUses, keyUses } from './key-uses.ts';

/** API keys: made once, shown once, kept as hashes, checked in memory. */
export interface KeyRing {
  /** `secret` is the whole key text, shown this once. Refuses an expiry that has passed. */
  create(
    input: { name: string; scopes: readonly Scope[]; expiresAt: number | null },
    caller: Caller,
  ): Promise<{ key: Key; secret: string }>;
  /** Oldest first, with those revoked and expired. */
  list(): Key[];
  /** Throws key_not_found. Refuses to revoke the last live admin key; a key revoked before stays as it is. */
  revoke(id: string, caller: Caller): Promise<Key>;
  /** Who presents this secret, or null when it is unknown, revoked or expired. Constant time in the secret. */
  authenticate(secret: string): Caller | null;
  /** The key's scopes when it is live, else null: what a handler that acts with it may do now (B10). */
  liveScopes(keyId: string): readonly Scope[] | null;
  /** Calls back whenever a key was revoked; expiry is seen at the next look. */
  onRevoked(listener: (keyId: string) => void): void;
}

/** The key ring as its owner has it. Disposing writes down the last uses. */
export interface OwnedKeyRing extends KeyRing, AsyncDisposable {
  /** Takes in the keys that other servers made and revoked. */
  refresh(): Promise<void>;
  /**
   * For each start: sees that there is an admin key. `preset` is what ADMIN_KEY says: it becomes a key, and the preset before it is
   * revoked. Without one, a key is made when no admin key is live; its `secret` is answered this once, for the first start to print.
   */
  ensureAdminKey(preset: string | null): Promise<{ created: boolean; secret: string | null }>;
  /**
   * Whom a handler of the server's own acts as: a key in the list, with these scopes and without a secret. The same name and scopes are the
   * same key for ever, also when it was revoked.
   */
  ensureServiceKey(name: string, scopes: readonly Scope[]): Promise<Caller & { keyId: string }>;
}

export interface KeyRingOptions {
  store: KeyStore;
  /** Whether other servers write to the store too: then each change is made on what they left. */
  isShared?: boolean;
  /** Then: runs `work` while no other server runs such. */
  exclusively?<T>(work: () => Promise<T>): Promise<T>;
  crypto: Cryptography;
  clock: Clock;
  /** Told when a use could not be written down; the keys go on working. */
  report(error: unknown): void;
}

/** Ids of preset keys begin with this: other ids are hexadecimal. */
const PRESET = 'preset-';
const FIRST_START: Caller = { keyId: null, name: 'start', scopes: [] };
/** And ids of keys without a secret with this. */
const SERVICE = 'built-in-';
/** Revoking looks at the other keys first, so it goes one by one. */
const REVOKING = 'revoking';

type NewKey = Pick<Key, 'name' | 'scopes' | 'expiresAt'>;

/** Loads the keys and keeps them in memory. */
export async function keyRing(options: KeyRingOptions): Promise<OwnedKeyRing> {
  return new Ring(options, await options.store.all());
}

class Ring implements OwnedKeyRing {
  readonly #options: KeyRingOptions;
  readonly #keys: Map<string, Key>;
  readonly #uses: KeyUses;
  readonly #listeners: ((keyId: string) => void)[] = [];
  readonly #inTurn = inTurn();
  /** Stands in for the hash of a key that is not there, so that an unknown id takes as long as a wrong secret. */
  readonly #nothing: Uint8Array;
  #preset: Key | undefined;
  /** How often keys were changed here: what was read of the store meanwhile may be older. */
  #changes = 0;

  constructor(options: KeyRingOptions, stored: readonly Key[]) {
    this.#options = options;
    this.#keys = new Map(stored.map((key) => [key.id, key]));
    this.#uses = keyUses(options);
    this.#nothing = options.crypto.randomBytes(KEY_SECRET_BYTES);
    this.#preset = stored.find(isPreset);
  }

  async create(input: NewKey, caller: Caller): Promise<{ key: Key; secret: string }> {
    if (input.expiresAt !== null && input.expiresAt <= this.#options.clock.now()) {
      const detail = 'The key would have expired already: name a time to come';
      throw new EngineError('invalid_request', detail, { faults: [{ pointer: '/expires_at', detail }] });
    }
    return this.#make({ ...input, scopes: [...new Set(input.scopes)] }, caller);
  }

  list(): Key[] {
    return [...this.#keys.values()].map((key) => ({ ...key, lastUsedAt: this.#uses.lastUse(key) })).sort(byAge);
  }

  revoke(id: string): Promise<Key> {
    return this.#inTurn(REVOKING, () => this.#options.exclusively?.(() => this.#revoke(id)) ?? this.#revoke(id));
  }

  async #revoke(id: string): Promise<Key> {
    if (this.#options.isShared) await this.refresh();
    const key = this.#keys.get(id);
    if (key === undefined) throw new EngineError('key_not_found', `No key ${id}`);
    if (key.revokedAt !== null) return key;
    const admins = this.#liveAdmins();
    if (admins.length === 1 && admins[0]?.id === id) throw new EngineError('last_admin_key', `Key ${id} is the last live admin key`);
    return this.#end(key);
  }

  authenticate(text: string): Caller | null {
    const key = this.#holder(text);
    if (key === null) return null;
    this.#uses.note(key);
    return { keyId: key.id, name: key.name, scopes: key.scopes };
  }

  liveScopes(keyId: string): readonly Scope[] | null {
    const key = this.#keys.get(keyId);
    return key !== undefined && this.#isLive(key) ? key.scopes : null;
  }

  onRevoked(listener: (keyId: string) => void): void {
    this.#listeners.push(listener);
  }

  ensureAdminKey(preset: string | null): Promise<{ created: boolean; secret: string | null }> {
    return this.#inTurn(REVOKING, async () => {
      if (this.#options.isShared) await this.refresh();
      if (preset !== null) return { created: await this.#ensurePreset(preset), secret: null };
      if (this.#liveAdmins().length > 0) return { created: false, secret: null };
      const { secret } = await this.#make({ name: 'admin', scopes: ['admin'], expiresAt: null }, FIRST_START);
      return { created: true, secret };
    });
  }

  ensureServiceKey(name: string, scopes: readonly Scope[]): Promise<Caller & { keyId: string }> {
    return this.#inTurn(REVOKING, async () => {
      if (this.#options.isShared) await this.refresh();
      const { crypto } = this.#options;
      const id = `${SERVICE}${name}-${crypto.sha256(scopes.join(' ')).toHex().slice(0, 8)}`;
      const key = this.#keys.get(id) ?? (await this.#keep({ id, name: `built-in ${name}`, scopes, expiresAt: null }, '', FIRST_START));
      return { keyId: id, name: key.name, scopes };
    });
  }

  async refresh(): Promise<void> {
    const changes = this.#changes;
    const stored = await this.#options.store.all();
    if (changes !== this.#changes) return this.refresh();
    const known = [...this.#keys.values()];
    for (const key of stored) this.#keys.set(key.id, key);
    this.#preset = stored.find(isPreset);
    const revoked = new Set(stored.filter(({ revokedAt }) => revokedAt !== null).map(({ id }) => id));
    for (const { id, revokedAt } of known) if (revokedAt === null && revoked.has(id)) this.#tellRevoked(id);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#uses[Symbol.asyncDispose]();
  }

  /** The live key whose secret this is. A preset may be any text, also one that looks like the text of a made key. */
  #holder(text: string): Key | null {
    if (text.length > MAX_KEY_TEXT) return null;
    const named = this.#keys.get(keyIdOf(text) ?? '');
    const candidate = named !== undefined && named.hash !== '' && this.#isLive(named) ? named : this.#preset;
    const expected = candidate === undefined ? this.#nothing : Uint8Array.fromHex(candidate.hash);
    const isHolder = this.#options.crypto.equalInConstantTime(this.#options.crypto.sha256(text), expected);
    return isHolder && candidate !== undefined && this.#isLive(candidate) ? candidate : null;
  }

  /** Whether a key had to be made. The preset before it is revoked last: a crash in between leaves two, never none. */
  async #ensurePreset(text: string): Promise<boolean> {
    if (!isPresetText(text))
      throw new EngineError('invalid_request', 'ADMIN_KEY takes 16 to 512 printable ASCII characters without blanks');
    const held = this.#holder(text);
    const isThere = held !== null && hasScope(held.scopes, 'admin');
    const id = PRESET + this.#options.crypto.randomBytes(KEY_ID_BYTES).toHex();
    const kept = isThere ? held : await this.#add({ id, name: 'ADMIN_KEY', scopes: ['admin'], expiresAt: null }, text, FIRST_START);
    for (const key of this.#keys.values()) if (isPreset(key) && key.id !== kept.id) await this.#end(key);
    this.#preset = isPreset(kept) ? kept : undefined;
    return !isThere;
  }

  async #make(input: NewKey, by: Caller): Promise<{ key: Key; secret: string }> {
    const { crypto } = this.#options;
    const id = crypto.randomBytes(KEY_ID_BYTES).toHex();
    const secret = keyText(id, crypto.randomBytes(KEY_SECRET_BYTES));
    return { key: await this.#add({ id, ...input }, secret, by), secret };
  }

  #add(input: NewKey & { id: string }, text: string, by: Caller): Promise<Key> {
    return this.#keep(input, this.#options.crypto.sha256(text).toHex(), by);
  }

  async #keep(input: NewKey & { id: string }, hash: string, by: Caller): Promise<Key> {
    const { store, clock } = this.#options;
    const key: Key = { ...input, hash, createdAt: clock.now(), createdBy: by.name, revokedAt: null, lastUsedAt: null };
    await store.create(key);
    this.#changes++;
    this.#keys.set(key.id, key);
    return key;
  }

  async #end(key: Key): Promise<Key> {
    const at = this.#options.clock.now();
    const ended = (await this.#options.store.revoke(key.id, at)) ?? { ...key, revokedAt: at };
    this.#changes++;
    this.#keys.set(key.id, ended);
    if (this.#preset?.id === key.id) this.#preset = undefined;
    this.#tellRevoked(key.id);
    return ended;
  }

  #tellRevoked(keyId: string): void {
    for (const listener of this.#listeners) listener(keyId);
  }

  #isLive(key: Key): boolean {
    return isLive(key, this.#options.clock.now());
  }

  #isLiveAdmin(key: Key): boolean {
    return hasScope(key.scopes, 'admin') && this.#isLive(key);
  }

  #liveAdmins(): Key[] {
    return [...this.#keys.values()].filter((key) => this.#isLiveAdmin(key));
  }
}

function isPreset(key: Key): boolean {
  return key.id.startsWith(PRESET) && key.revokedAt === null;
}

/** Whether it is a key without a secret that was made under this name. */
export function isServiceKey(keyId: string, name: string): boolean {
  return keyId.startsWith(`${SERVICE}${name}-`);
}

function byAge(a: Key, b: Key): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}
