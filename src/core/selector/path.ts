/** Dotted paths, walked as MongoDB walks them: through objects, through every element of an array, and by index. */
import { type ExactObject, type ExactValue, isObject, memberOf } from '../json-value.ts';

export interface Path {
  readonly text: string;
  readonly parts: readonly string[];
  /** The part as an array index, or -1. "01" is a key, never an index. */
  readonly indexes: readonly number[];
}

/** Whether to look at the elements of an array that a path ends at, besides the array itself. `$size` and `$elemMatch` do not. */
export type LeafArrays = 'elements' | 'whole';

/** Takes a value that a path reaches, or undefined where it is missing; true stops the walk. */
export type Visit = (value: ExactValue | undefined) => boolean;

const CANONICAL_INDEX = /^(?:0|[1-9]\d{0,8})$/;

export function parsePath(text: string): Path {
  const parts = text.split('.');
  return { text, parts, indexes: parts.map((part) => (CANONICAL_INDEX.test(part) ? Number(part) : -1)) };
}

/** Visits what `path` reaches in `document` until `visit` answers true; tells whether it did. */
export function reaches(document: ExactValue, path: Path, leaf: LeafArrays, visit: Visit): boolean {
  if (!isObject(document) && !Array.isArray(document)) return visit(undefined);
  return inObject(document, { path, leaf, visit }, 0);
}

interface Walk {
  readonly path: Path;
  readonly leaf: LeafArrays;
  readonly visit: Visit;
}

/** `start` is the first part still to go. An array stands here for an object keyed by index: $elemMatch takes it so. */
function inObject(object: ExactObject | ExactValue[], walk: Walk, start: number): boolean {
  const { parts } = walk.path;
  let current = object;
  for (let at = start; ; at++) {
    const value = Array.isArray(current) ? elementNamed(current, walk.path, at) : memberOf(current, parts[at] ?? '');
    if (Array.isArray(value)) return inArray(value, walk, at + 1);
    if (at + 1 >= parts.length) return walk.visit(value);
    if (!isObject(value)) return walk.visit(undefined);
    current = value;
  }
}

function elementNamed(array: ExactValue[], path: Path, at: number): ExactValue | undefined {
  const index = path.indexes[at] ?? -1;
  return index < 0 ? undefined : array[index];
}

function inArray(array: ExactValue[], walk: Walk, at: number): boolean {
  if (endsBefore(walk.path, at)) {
    if (walk.leaf === 'elements') for (const element of array) if (walk.visit(element)) return true;
    return walk.visit(array);
  }
  const index = walk.path.indexes[at] ?? -1;
  for (let i = 0; i < array.length; i++) {
    const element = array[i];
    if (isObject(element) && inObject(element, walk, at)) return true;
    if (i === index && atIndex(element, walk, at + 1)) return true;
  }
  return false;
}

/** An element reached by its index. If the path ends here it is taken whole: `a.0` does not look into a list within the list. */
function atIndex(element: ExactValue | undefined, walk: Walk, at: number): boolean {
  if (at >= walk.path.parts.length) return walk.visit(element);
  if (Array.isArray(element)) return inArray(element, walk, at);
  return isObject(element) && inObject(element, walk, at);
}

/** `a.` over an array ends at the array, as MongoDB takes the empty rest of a path for no rest. */
function endsBefore({ parts }: Path, at: number): boolean {
  return at >= parts.length || (at === parts.length - 1 && parts[at] === '');
}
