import type { Handler, HandlerVersion } from '../core/handler.ts';

/** `enabled` absent: as it was, and enabled when new. */
export interface HandlerPut {
  hook: string;
  name: string;
  version: Omit<HandlerVersion, 'version'>;
  enabled?: boolean;
}

export interface HandlerStore {
  /** All handlers that were not deregistered, with their current versions, by id. */
  all(): Promise<Handler[]>;
  /** Where the store is shared: a text that is another one after each change, so that looking for changes costs little. */
  stamp?(): Promise<string>;
  /** Registers or replaces by (hook, name): a new handler gets the next id and version 0, a replaced one keeps its id and counts on (B5). */
  put(handler: HandlerPut): Promise<{ handler: Handler; replaced: boolean }>;
  setEnabled(id: number, enabled: boolean, at: number, by: string): Promise<Handler | null>;
  /** Newest first. */
  versions(id: number): Promise<HandlerVersion[] | null>;
  version(id: number, version: number): Promise<HandlerVersion | null>;
  /** Takes the handler out, with its state; executions that wait are canceled, those that ended stay readable. True when it was there. */
  remove(id: number, at: number): Promise<boolean>;
}
