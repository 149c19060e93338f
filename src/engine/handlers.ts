import type { Handler, HandlerState, HandlerVersion, RetryPolicy } from '../core/handler.ts';
import type { Caller } from '../core/key.ts';

/** What a registrant sends; bounds and defaults were applied by the schema. */
export interface HandlerRegistration {
  hook: string;
  name: string;
  code: string;
  language: 'typescript' | 'javascript';
  tags: readonly string[];
  /** JSON text of a selector. */
  filter: string;
  notifyOnSuccess: string | null;
  notifyOnFailure: string | null;
  /** JSON text of an object. */
  config: string;
  timeoutMs: number;
  memoryMb: number;
  retry: RetryPolicy;
  concurrency: number;
  orderingKey: string | null;
  enabled: boolean;
}

/** Keeps the registered handlers: durable in the store, indexed in memory for matching. */
export interface HandlerRegistry {
  /** Checks hook, filter, addresses and source; a fault in any of them stores nothing. */
  register(registration: HandlerRegistration, caller: Caller): Promise<{ handler: Handler; replaced: boolean }>;
  /** By id; of one hook, or of all. */
  list(hook: string | null): Handler[];
  /** Throws handler_not_found. */
  get(id: number): Handler;
  /** Suspended when the key it acts with is revoked or expired. */
  stateOf(handler: Handler): HandlerState;
  setEnabled(id: number, enabled: boolean, caller: Caller): Promise<Handler>;
  versions(id: number): Promise<HandlerVersion[]>;
  /** Makes a copy of an old version the newest one (version + 1), with the rights of whoever rolls back. `version` null: the one before the current. */
  rollback(id: number, version: number | null, caller: Caller): Promise<Handler>;
  deregister(id: number, caller: Caller): Promise<void>;
}
