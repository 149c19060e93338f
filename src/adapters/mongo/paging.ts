import { cursorAt, placeOf } from '../../core/cursor.ts';
import type { Page } from '../../core/page.ts';

const NEWEST_FIRST = 'newest';

export function beforeCursor(cursor: string): number {
  return placeOf(cursor, NEWEST_FIRST, ['number'])[0] as number;
}

/** `found` holds one more than `limit` when there is a next page. */
export function newestPage<Found, Item>(
  found: readonly Found[],
  limit: number,
  item: (one: Found) => Item,
  seq: (one: Found) => number,
): Page<Item> {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(item), nextCursor: found.length > limit && last !== undefined ? cursorAt(NEWEST_FIRST, [seq(last)]) : null };
}
