import { EngineError } from '../../core/errors.ts';
import type { Page } from '../../core/page.ts';

/** A cursor is the place of the last item, encoded so that nobody is tempted to count with it. */
export const cursorAt = (place: readonly (number | string)[]): string => Buffer.from(JSON.stringify(place)).toString('base64url');

export function placeOf(cursor: string): (number | string)[] {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && place.every((part) => typeof part === 'string' || Number.isSafeInteger(part))) return place;
  } catch {
    // Fall through: what cannot be read is not ours.
  }
  throw new EngineError('cursor_invalid', 'The cursor was not made by this list.');
}

export function beforeCursor(cursor: string): number {
  const [seq] = placeOf(cursor);
  if (typeof seq !== 'number') throw new EngineError('cursor_invalid', 'The cursor was not made by this list.');
  return seq;
}

/** `rows` holds one more than `limit` when there is a next page. */
export function pageOf<Row, Item>(rows: readonly Row[], limit: number, item: (row: Row) => Item, seq: (row: Row) => number): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(item), nextCursor: rows.length > limit && last !== undefined ? cursorAt([seq(last)]) : null };
}
