import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type SqliteStore } from '../../../src/adapters/sqlite/store.ts';
import type { Caller, Scope } from '../../../src/core/key.ts';
import type { HandlerRegistration } from '../../../src/engine/handlers.ts';
import type { KeyRing } from '../../../src/engine/keys.ts';
import type { KeyStore } from '../../../src/ports/key-store.ts';
import type { Sandbox } from '../../../src/ports/sandbox.ts';

/** A real store in a folder of its own, for all tests of a file. */
export async function openStore(): Promise<SqliteStore> {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-unit-'));
  const store = await openSqliteStore({ folder, durability: 'normal', readers: 1, release: 'test', now: () => 0 });
  const dispose = (): PromiseLike<void> => store[Symbol.asyncDispose]();
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The key store as if nobody had used it before: opening a store takes longer than a test. */
export function freshKeys(keys: KeyStore): KeyStore {
  const own = new Set<string>();
  return {
    ...keys,
    all: async () => (await keys.all()).filter(({ id }) => own.has(id)),
    create(key) {
      own.add(key.id);
      return keys.create(key);
    },
  };
}

export async function removeHandlers({ handlers }: SqliteStore): Promise<void> {
  for (const { id } of await handlers.all()) await handlers.remove(id, 0);
}

/** Compiles anything but code with `!!`, which it refuses on line 2, column 5; notes what is evicted. */
export function pickySandbox(): Pick<Sandbox, 'compile' | 'evict'> & { evicted: number[]; compiled: string[] } {
  const evicted: number[] = [];
  const compiled: string[] = [];
  return {
    evicted,
    compiled,
    async compile({ code }) {
      compiled.push(code);
      if (code.includes('??')) return { ok: false, message: 'No default export', line: null, column: null };
      return code.includes('!!') ? { ok: false, message: 'Unexpected token', line: 2, column: 5 } : { ok: true, javascript: `js:${code}` };
    },
    evict: (id) => void evicted.push(id),
  };
}

/** Makes a key and answers its holder. */
export async function callerOf(
  keys: KeyRing,
  name: string,
  scopes: readonly Scope[] = ['handlers:write'],
  expiresAt: number | null = null,
) {
  const { key, secret } = await keys.create({ name, scopes, expiresAt }, { keyId: null, name: 'test', scopes: ['admin'] });
  const caller: Caller = { keyId: key.id, name, scopes };
  return { caller, secret, keyId: key.id };
}

export function registration(fields: Partial<HandlerRegistration> = {}): HandlerRegistration {
  return {
    hook: 'event.on_ingest',
    name: 'check',
    code: 'export default () => 1',
    language: 'javascript',
    tags: [],
    filter: '{}',
    notifyOnSuccess: null,
    notifyOnFailure: null,
    config: '{}',
    timeoutMs: 10_000,
    memoryMb: 64,
    retry: { maxAttempts: 3, backoff: { firstMs: 1_000, factor: 4, maxMs: 60_000 }, maxAgeMs: null },
    concurrency: 1,
    orderingKey: null,
    enabled: null,
    ...fields,
  };
}
