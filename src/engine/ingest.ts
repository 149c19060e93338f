import type { ValidationIssue } from '../core/event.ts';

/** One item of a batch: its place, the id it got or named, and what became of it. */
export interface ItemResult {
  index: number;
  id: string | null;
  result: 'stored' | 'duplicate' | 'conflict' | 'invalid';
  issues?: readonly ValidationIssue[];
}
export type IngestOne =
  | { ok: true; json: string; result: 'stored' | 'duplicate' | 'conflict' }
  | { ok: false; kind: 'syntax' | 'shape' | 'limit'; issues: readonly ValidationIssue[] };

/** Takes events in: normalised, matched, and committed together with their executions before the answer resolves. */
export interface Ingest {
  /** POST /event: one JSON text (M1). Answers the event as submitted, also when its id is taken (M3). */
  one(text: string): Promise<IngestOne>;
  /** Several JSON texts in one commit, each with its own result; a bad one does not hold the others back. `firstIndex` numbers the results. */
  many(texts: readonly string[], firstIndex: number): Promise<ItemResult[]>;
}
