import { EngineError } from './errors.ts';

type Place = readonly (number | string)[];

/** A cursor is the place of the last item behind the name of its order, encoded so that nobody is tempted to count with it. */
export const cursorAt = (order: string, place: Place): string => Buffer.from(JSON.stringify([order, ...place])).toString('base64url');

/** The place that a cursor of this order holds: as many parts as `types`, of these types. A cursor of another order leads nowhere. */
export function placeOf(cursor: string, order: string, types: readonly ('number' | 'string')[]): Place {
  const [name, ...place] = partsOf(cursor);
  const fits = name === order && place.length === types.length && types.every((type, n) => typeof place[n] === type);
  if (fits && place.every((part) => typeof part === 'string' || Number.isSafeInteger(part))) return place as Place;
  throw new EngineError('cursor_invalid', 'The cursor was not made by this list.');
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
