import type { NewEvent } from './event-store.ts';

/** An event of another store, as it was found there. */
export interface SourceEvent {
  /** Where it stands, for people. */
  place: string;
  /** The event's JSON text; null when there is none, and `fault` says why. */
  json: string | null;
  fault: string | null;
  /**
   * When the server archived it (milliseconds); null for an event that a client sent as archived, or that is not archived (M67);
   * undefined where the source has only a text and cannot tell.
   */
  archivedAtMs: number | null | undefined;
  /** The document's bytes, when MongoDB may store them as they are. */
  bson: Uint8Array | null;
}

/** One file of events. */
export interface ImportFile {
  path: string;
  bytes: number;
  /** `onBytes`: how much of the file has been read. */
  events(onBytes: (count: number) => void): AsyncIterable<SourceEvent>;
}

export interface ImportedEvent extends NewEvent {
  archivedAtMs: number | null;
  bson: Uint8Array | null;
}
export type ImportResult = 'stored' | 'duplicate' | 'conflict' | { refused: string };

/** Takes events in unchanged, and runs nothing on them. No server may use the store unless it can be shared. */
export interface EventImport extends AsyncDisposable {
  /** An id that is taken stays as it is: `duplicate` when it says the same, else `conflict`. One commit; doing it again changes nothing. */
  put(events: readonly ImportedEvent[]): Promise<ImportResult[]>;
}
