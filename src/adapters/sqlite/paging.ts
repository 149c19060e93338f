import { cursorAt, placeOf } from '../../core/cursor.ts';
import type { Page } from '../../core/page.ts';

const NEWEST_FIRST = 'newest';

export function beforeCursor(cursor: string): number {
  return placeOf(cursor, NEWEST_FIRST, ['number'])[0] as number;
}

/** `rows` holds one more than `limit` when there is a next page. */
export function newestPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
  seq: (row: Row) => number,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(item), nextCursor: rows.length > limit && last !== undefined ? cursorAt(NEWEST_FIRST, [seq(last)]) : null };
}
