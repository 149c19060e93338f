import type { Collections } from './connect.ts';

/** As MADSci names it and makes it (M30), so that either server finds the other's. */
const NAME = 'archived_at_1';
const KEY = { archived_at: 1 } as const;
/** More MongoDB does not take: 68 years. */
const LONGEST_S = 2_147_483_647;

/**
 * The index by which MongoDB itself deletes what was archived so long ago; null: none. One with another time is made anew. The original leaves the index
 * behind when retention is turned off, and events go on being deleted; here it goes. Answers what was changed.
 */
export async function ensureTtlIndex({ events }: Collections, after: number | null): Promise<'made' | 'changed' | 'dropped' | null> {
  const seconds = after !== null && after > LONGEST_S ? null : after; // retention's own runs delete all the same
  const there = (await events.indexes().catch(() => [])).find(({ name }) => name === NAME); // the collection may not exist yet
  const current = there?.['expireAfterSeconds'] as number | undefined;
  if (current === (seconds ?? undefined)) return null;
  if (there !== undefined) await events.dropIndex(NAME);
  if (seconds === null) return 'dropped';
  await events.createIndex(KEY, { name: NAME, expireAfterSeconds: seconds, partialFilterExpression: { archived: true } });
  return there === undefined ? 'made' : 'changed';
}
