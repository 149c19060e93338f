/** What is swept by number of arrival once it has ended. */
export type Swept = 'executions' | 'deliveries';

/** A place in a list that is worked through in slices; opaque, and good for one run. */
export type Place = string;
export interface Slice {
  /** How many were archived or deleted. */
  count: number;
  /** Where to go on; null at the end. */
  next: Place | null;
}

/**
 * What retention does to a store, in slices that each end soon, so that writes of others get between them. Each slice is a commit of
 * its own: whatever cuts a run off, each event is archived or not, deleted or not, and the next run does the rest.
 */
export interface RetentionStore {
  /** Archives events whose event_timestamp text is below, at most `limit` of them, as archived at `at`. */
  archiveOld(o: { beforeText: string; at: number; from: Place | null; limit: number }): Promise<Slice>;
  /** Deletes events that the server archived before, at most `limit`; events that clients sent as archived stay (M67). */
  purgeOld(before: number, limit: number): Promise<number>;
  /** How many events archiveOld and purgeOld would take. */
  countOld(o: { beforeText: string; archivedBefore: number }): Promise<{ archive: number; purge: number }>;
  /** The highest number; 0 when there is none. */
  highest(what: Swept): Promise<number>;
  /** The first one at or after a number. */
  at(what: Swept, number: number): Promise<{ number: number; createdAt: number } | null>;
  /**
   * Looks at `limit` of those numbered below `below`, in order, and deletes which ended before `before`: executions that succeeded or
   * were canceled, mails that were sent.
   */
  sweep(o: { what: Swept; before: number; below: number; from: Place | null; limit: number }): Promise<Slice>;
  /** Looks at `limit` firings, and deletes which were made before `before` and have no executions. */
  sweepFirings(o: { before: number; from: Place | null; limit: number }): Promise<Slice>;
}
