/** Sort orders as MongoDB takes them: `{"event_timestamp": -1, "_id": 1}`. */
import { type ExactValue, isObject, memberOf, membersOf } from '../json-value.ts';
import { type Path, parsePath } from './path.ts';
import { pointerTo, SelectorError } from './selector-error.ts';
import { compareValues, isNumeric, numeric } from './values.ts';

const MAX_KEYS = 5;
const MAX_PATH_LENGTH = 100;

export interface SortKey {
  readonly path: Path;
  readonly direction: 1 | -1;
}

/** Keys by falling weight; none leaves the order as it is. */
export type Sort = readonly SortKey[];

/** Throws SelectorError `sort_invalid`. */
export function parseSort(value: ExactValue): Sort {
  if (!isObject(value)) throw invalid('', 'A sort order is an object such as {"event_timestamp":-1}');
  const keys = [...membersOf(value)].map(([name, direction]) => parseKey(name, direction));
  if (keys.length > MAX_KEYS) throw invalid('', `A sort order has at most ${MAX_KEYS} fields`);
  return keys;
}

function parseKey(name: string, value: ExactValue): SortKey {
  const pointer = pointerTo('', name);
  const path = parsePath(name);
  if (name === '' || path.parts.some((part) => part === '' || part.startsWith('$'))) {
    throw invalid(pointer, 'A field to sort by has no empty names and none that begins with $');
  }
  if (path.parts.length > MAX_PATH_LENGTH) throw invalid(pointer, `A field to sort by has at most ${MAX_PATH_LENGTH} names`);
  const direction = isNumeric(value) ? Number(numeric(value)) : 0;
  if (direction !== 1 && direction !== -1) throw invalid(pointer, 'A sort direction is 1 (ascending) or -1 (descending)');
  return { path, direction };
}

function invalid(pointer: string, message: string): SelectorError {
  return new SelectorError('sort_invalid', pointer, message);
}

/** What a document is sorted by, one value for each key. Take it once per document, then compare. */
export type SortValues = readonly (ExactValue | undefined)[];

export function sortValues(sort: Sort, document: ExactValue): SortValues {
  return sort.map((key) => extremeAt(document, key));
}

/** Compares two documents by their sort values. Equal ones compare as 0, so a stable sort keeps their order. */
export function compareForSort(sort: Sort): (a: SortValues, b: SortValues) => number {
  return (a, b) => {
    for (let i = 0; i < sort.length; i++) {
      const order = compareOrEmpty(a[i], b[i]);
      if (order !== 0) return order * (sort[i]?.direction ?? 1);
    }
    return 0;
  };
}

/** The least of the values on the path, or the greatest if descending. Missing sorts as null; an empty list, as undefined, before all. */
function extremeAt(document: ExactValue, { path, direction }: SortKey): ExactValue | undefined {
  let extreme: ExactValue | undefined;
  let isFirst = true;
  offerAll(document, path, 0, (value) => {
    if (isFirst || compareOrEmpty(value, extreme) * direction < 0) extreme = value;
    isFirst = false;
  });
  return extreme;
}

type Offer = (value: ExactValue | undefined) => void;

/** Unlike a selector, a sort takes each element of a list on the way that is no object for one in which the rest of the path is missing. */
function offerAll(value: ExactValue | undefined, path: Path, at: number, offer: Offer): void {
  const part = path.parts[at];
  if (part === undefined) offerEnd(value, offer);
  else if (isObject(value)) offerAll(memberOf(value, part), path, at + 1, offer);
  else if (Array.isArray(value)) offerElements(value, path, at, offer);
  else offer(null);
}

function offerEnd(value: ExactValue | undefined, offer: Offer): void {
  if (!Array.isArray(value)) offer(value ?? null);
  else if (value.length === 0) offer(undefined);
  else value.forEach(offer);
}

function offerElements(array: ExactValue[], path: Path, at: number, offer: Offer): void {
  const index = path.indexes[at] ?? -1;
  if (index >= 0 && index < array.length) {
    offerAll(array[index], path, at + 1, offer);
    return;
  }
  if (array.length === 0) offer(null);
  for (const element of array) {
    if (isObject(element)) offerAll(element, path, at, offer);
    else offer(null);
  }
}

function compareOrEmpty(a: ExactValue | undefined, b: ExactValue | undefined): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
  return compareValues(a, b);
}
