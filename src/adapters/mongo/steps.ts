import type { Collections } from './connect.ts';
import { ensureIndexes } from './indexes.ts';

/** One change of the documents. It may take minutes where there are millions; no server works on the database meanwhile. */
export interface MongoStep {
  /** What it does, for the person who waits for it. */
  title: string;
  /** May be cut off anywhere and is then done again from the start, also on documents that are changed already: it must come to the same. */
  up(all: Collections): Promise<void>;
}

/**
 * Numbered steps, counted from 1. Append yours; a step that was released never changes. What is only an index belongs into indexes.ts as
 * well, which is looked at with every start.
 */
export const STEPS: readonly MongoStep[] = [{ title: 'Makes the indexes of events, executions, handlers and mails', up: ensureIndexes }];
