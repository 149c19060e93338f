import { EngineError } from '../core/errors.ts';
import type { Handler, HandlerState, HandlerVersion } from '../core/handler.ts';
import type { Hook } from '../core/hook.ts';
import type { Caller } from '../core/key.ts';
import { compileFilter, type Filter, NO_MATCH } from '../core/match-filter.ts';
import { type Firing, HandlerIndex, type Matchable } from '../core/matching.ts';
import type { Cron } from '../ports/cron.ts';
import type { HandlerPut, HandlerStore } from '../ports/handler-store.ts';
import type { Sandbox } from '../ports/sandbox.ts';
import { checkRegistration } from './handler-checks.ts';
import { inTurn } from './in-turn.ts';
import type { KeyRing } from './keys.ts';
import { StoredChanges } from './stored-changes.ts';

/** What a registrant sends; bounds and defaults were applied by the schema. */
export interface HandlerRegistration extends Omit<HandlerVersion, 'version' | 'javascript' | 'createdAt' | 'createdBy' | 'keyId'> {
  hook: string;
  name: string;
  /** Null: as it was, and a new handler enabled, so that registering again does not switch on what somebody switched off. */
  enabled: boolean | null;
}

/** Keeps the registered handlers: durable in the store, indexed in memory for matching. */
export interface HandlerRegistry {
  /**
   * Checks hook, filter, addresses and source; a fault in any of them stores nothing. The same hook and name again replaces (B5).
   * The handler acts with the caller's key (B10): without one it throws unauthenticated.
   */
  register(registration: HandlerRegistration, caller: Caller): Promise<{ handler: Handler; replaced: boolean }>;
  /** By id; of one hook, or of all. */
  list(hook: string | null): Handler[];
  /** Throws handler_not_found, as all below that take an id do. */
  get(id: number): Handler;
  /** Suspended when the key it acts with is revoked or expired. */
  stateOf(handler: Handler): HandlerState;
  setEnabled(id: number, enabled: boolean, caller: Caller): Promise<Handler>;
  /** Newest first. */
  versions(id: number): Promise<HandlerVersion[]>;
  /**
   * Makes a copy of an old version the newest one (version + 1), with the rights of whoever rolls back. `version` null: the one before
   * the current. Throws version_not_found.
   */
  rollback(id: number, version: number | null, caller: Caller): Promise<Handler>;
  deregister(id: number, caller: Caller): Promise<void>;
}

/** `put`: registered, replaced or rolled back. `state`: enabled, disabled, or its key revoked; a key that expires says nothing. */
export type HandlerChange = 'put' | 'state' | 'removed';

/** The registry as the engine has it: also what matches, and what runs. */
export interface LiveHandlers extends HandlerRegistry {
  /** Like `get`, with null for one that is not registered. */
  find(id: number): Handler | null;
  /** The handlers that a firing of the hook runs (B8), by id: only enabled ones whose key is live now. */
  match(hook: string, firing: Firing): Handler[];
  /** Whether `match` finds nothing whatever the firing is. */
  isEmpty(hook: string): boolean;
  /** A version of a handler; the current one comes from memory. */
  versionOf(id: number, version: number): Promise<HandlerVersion | null>;
  /** Called after each change, when reads show it already. */
  onChange(listener: (id: number, change: HandlerChange) => void): void;
  /** Takes in what other servers changed in the store, and says so to the listeners and the sandbox. */
  refresh(): Promise<void>;
}

export interface HandlerRegistryOptions {
  store: HandlerStore;
  /** Whether other servers write to the store too: then each change is made on what they left. */
  isShared?: boolean;
  sandbox: Pick<Sandbox, 'compile' | 'evict'>;
  keys: Pick<KeyRing, 'liveScopes' | 'onRevoked'>;
  hooks: readonly Hook[];
  cron: Cron;
  now(): number;
  /** Told of a stored handler whose filter is not offered any more; it matches nothing. */
  report(error: unknown): void;
}

/** In the index while it is enabled; whether its key is live is asked at each match, since a key expires without a word. */
interface Indexed extends Matchable {
  readonly handler: Handler;
}

/** Loads the handlers and keeps them in memory. */
export async function handlerRegistry(options: HandlerRegistryOptions): Promise<LiveHandlers> {
  return new Registry(options, await options.store.all());
}

class Registry implements LiveHandlers {
  readonly #options: HandlerRegistryOptions;
  readonly #handlers = new Map<number, Handler>();
  readonly #index = new HandlerIndex<Indexed>();
  readonly #listeners: ((id: number, change: HandlerChange) => void)[] = [];
  readonly #inTurn = inTurn();
  readonly #changes: StoredChanges;

  constructor(options: HandlerRegistryOptions, stored: readonly Handler[]) {
    this.#options = options;
    this.#changes = new StoredChanges(options.store, this.#handlers);
    for (const handler of stored) this.#keep(handler);
    options.keys.onRevoked((keyId) => this.#announceSuspension(keyId));
  }

  register(registration: HandlerRegistration, caller: Caller): Promise<{ handler: Handler; replaced: boolean }> {
    return this.#inTurn(laneOf(registration), async () => {
      const keyId = keyOf(caller);
      const { hook, name, enabled, ...source } = registration;
      const javascript = await checkRegistration(registration, this.#options);
      const version = { ...source, javascript, createdAt: this.#options.now(), createdBy: caller.name, keyId };
      return this.#put({ hook, name, version, ...(enabled === null ? {} : { enabled }) });
    });
  }

  list(hook: string | null): Handler[] {
    const all = [...this.#handlers.values()];
    return hook === null ? all : all.filter((handler) => handler.hook === hook);
  }

  find(id: number): Handler | null {
    return this.#handlers.get(id) ?? null;
  }

  get(id: number): Handler {
    const handler = this.find(id);
    if (handler === null) throw new EngineError('handler_not_found', `No handler ${id}`);
    return handler;
  }

  stateOf(handler: Handler): HandlerState {
    if (this.#options.keys.liveScopes(handler.current.keyId) === null) return 'suspended';
    return handler.enabled ? 'enabled' : 'disabled';
  }

  setEnabled(id: number, enabled: boolean, caller: Caller): Promise<Handler> {
    return this.#change(id, async (handler) => {
      if (handler.enabled === enabled) return handler;
      const changed = await this.#options.store.setEnabled(id, enabled, this.#options.now(), caller.name);
      this.#keep(changed ?? noHandler(id));
      this.#announce(id, 'state');
      return this.get(id);
    });
  }

  async versions(id: number): Promise<HandlerVersion[]> {
    this.get(id);
    return (await this.#options.store.versions(id)) ?? noHandler(id);
  }

  rollback(id: number, version: number | null, caller: Caller): Promise<Handler> {
    return this.#change(id, async ({ hook, name, current }) => {
      const keyId = keyOf(caller);
      const wanted = version ?? current.version - 1;
      const found = wanted < 0 ? null : await this.versionOf(id, wanted);
      if (found === null)
        throw new EngineError('version_not_found', `Handler ${id} has no version ${wanted < 0 ? 'before the first' : wanted}`);
      const { version: _number, ...source } = found;
      const javascript = await checkRegistration({ hook, name, enabled: null, ...source }, this.#options);
      const copy = { ...source, javascript, createdAt: this.#options.now(), createdBy: caller.name, keyId };
      return (await this.#put({ hook, name, version: copy })).handler;
    });
  }

  deregister(id: number, _caller: Caller): Promise<void> {
    return this.#change(id, async () => {
      await this.#options.store.remove(id, this.#options.now());
      this.#remove(id);
    });
  }

  async refresh(): Promise<void> {
    for (const { handler, change } of await this.#changes.look()) {
      if (change === 'removed') {
        this.#remove(handler.id);
        continue;
      }
      this.#keep(handler);
      if (change === 'put') this.#options.sandbox.evict(handler.id);
      this.#announce(handler.id, change);
    }
  }

  match(hook: string, firing: Firing): Handler[] {
    const handlers: Handler[] = [];
    for (const { handler } of this.#index.match(hook, firing)) if (this.stateOf(handler) === 'enabled') handlers.push(handler);
    return handlers;
  }

  isEmpty(hook: string): boolean {
    return this.#index.isEmpty(hook);
  }

  async versionOf(id: number, version: number): Promise<HandlerVersion | null> {
    const current = this.#handlers.get(id)?.current;
    return current?.version === version ? current : this.#options.store.version(id, version);
  }

  onChange(listener: (id: number, change: HandlerChange) => void): void {
    this.#listeners.push(listener);
  }

  async #put(put: HandlerPut): Promise<{ handler: Handler; replaced: boolean }> {
    const { store, sandbox } = this.#options;
    const { handler, replaced } = await store.put(put);
    this.#keep(handler);
    if (replaced) sandbox.evict(handler.id);
    this.#announce(handler.id, 'put');
    return { handler, replaced };
  }

  /** Changes of one handler happen one after the other, each on what the one before left. */
  async #change<T>(id: number, change: (handler: Handler) => Promise<T>): Promise<T> {
    if (this.#options.isShared) await this.refresh();
    return this.#inTurn(laneOf(this.get(id)), () => change(this.get(id)));
  }

  #keep(handler: Handler): void {
    const { id, hook, current } = handler;
    this.#handlers.set(id, handler);
    this.#changes.note(id);
    if (handler.enabled) this.#index.set({ id, hook, tags: current.tags, ...this.#filterOf(handler), handler });
    else this.#index.remove(id);
  }

  #remove(id: number): void {
    this.#handlers.delete(id);
    this.#changes.note(id);
    this.#index.remove(id);
    this.#options.sandbox.evict(id);
    this.#announce(id, 'removed');
  }

  #filterOf(handler: Handler): Filter {
    try {
      return compileFilter(handler.current.filter);
    } catch (error) {
      this.#options.report(error);
      return NO_MATCH;
    }
  }

  #announceSuspension(keyId: string): void {
    for (const handler of this.#handlers.values()) if (handler.current.keyId === keyId) this.#announce(handler.id, 'state');
  }

  #announce(id: number, change: HandlerChange): void {
    for (const listener of this.#listeners) listener(id, change);
  }
}

function laneOf({ hook, name }: { hook: string; name: string }): string {
  return `${hook}\n${name}`;
}

/** The key that the code will act with (B10). */
function keyOf(caller: Caller): string {
  if (caller.keyId === null) throw new EngineError('unauthenticated', 'A handler acts with the key of whoever registers it: send a key');
  return caller.keyId;
}

function noHandler(id: number): never {
  throw new EngineError('handler_not_found', `No handler ${id}`);
}
