/** Projections as MongoDB takes them: `{"event_type": 1}` keeps only these and `_id`, `{"event_data": 0}` leaves these out. */
import { type ExactObject, type ExactValue, isObject, membersOf, OrderedObject, setMember } from '../json-value.ts';
import { pointerTo, SelectorError } from './selector-error.ts';
import { isNumeric, numeric } from './values.ts';

const MAX_PATHS = 100;
const MAX_PATH_LENGTH = 100;

/** The named members of one level; a leaf (null) stands for all that is below. */
type Tree = Map<string, Tree | null>;

export interface Projection {
  readonly keeps: boolean;
  readonly tree: Tree;
}

/** Throws SelectorError `projection_invalid`. */
export function parseProjection(value: ExactValue): Projection {
  if (!isObject(value)) throw invalid('', 'A projection is an object such as {"event_type":1}');
  const entries = [...membersOf(value)];
  if (entries.length > MAX_PATHS) throw invalid('', `A projection has at most ${MAX_PATHS} fields`);
  const choices = entries.map(([path, choice]) => ({ path, isKept: parseChoice(path, choice) }));
  const keeps = (choices.find(({ path }) => path !== '_id') ?? choices[0])?.isKept ?? false;
  const tree: Tree = new Map();
  for (const { path, isKept } of choices) addChoice(tree, { path, isKept }, keeps);
  if (keeps && !choices.some(({ path }) => path === '_id')) tree.set('_id', null);
  return { keeps, tree };
}

function parseChoice(path: string, choice: ExactValue): boolean {
  if (typeof choice === 'boolean') return choice;
  if (isNumeric(choice)) return Number(numeric(choice)) !== 0;
  throw invalid(pointerTo('', path), 'A projection takes 1 or 0 for a field; write a nested field as "a.b"');
}

function addChoice(tree: Tree, { path, isKept }: { path: string; isKept: boolean }, keeps: boolean): void {
  const isMixed = isKept !== keeps;
  if (isMixed && path !== '_id')
    throw invalid(pointerTo('', path), 'A projection keeps fields or leaves fields out, not both; only _id may differ');
  if (!isMixed) addPath(tree, path);
}

function addPath(tree: Tree, path: string): void {
  const parts = path.split('.');
  const pointer = pointerTo('', path);
  if (parts.length > MAX_PATH_LENGTH) throw invalid(pointer, `A projected field has at most ${MAX_PATH_LENGTH} names`);
  let level = tree;
  parts.forEach((part, index) => {
    if (part === '' || part.startsWith('$')) throw invalid(pointer, 'A projected field has no empty names and none that begins with $');
    const isLast = index === parts.length - 1;
    const below = level.get(part);
    if (below === null || (isLast && below !== undefined))
      throw invalid(pointer, 'A projection names a field and another one within it; keep one');
    const next: Tree = below ?? new Map();
    level.set(part, isLast ? null : next);
    level = next;
  });
}

function invalid(pointer: string, message: string): SelectorError {
  return new SelectorError('projection_invalid', pointer, message);
}

/** The document with only what the projection lets through, in the document's own order. */
export function project(projection: Projection, document: ExactObject): ExactObject {
  return projection.keeps ? keep(document, projection.tree) : leaveOut(document, projection.tree);
}

function keep(object: ExactObject, tree: Tree): ExactObject {
  return rebuild(object, (name, value) => {
    const below = tree.get(name);
    return below === undefined || below === null ? (below === null ? value : undefined) : keepBelow(value, below);
  });
}

/** Within arrays, objects are projected and other elements left out. */
function keepBelow(value: ExactValue, tree: Tree): ExactValue | undefined {
  if (Array.isArray(value)) return value.map((element) => keepBelow(element, tree)).filter((element) => element !== undefined);
  return isObject(value) ? keep(value, tree) : undefined;
}

function leaveOut(object: ExactObject, tree: Tree): ExactObject {
  return rebuild(object, (name, value) => {
    const below = tree.get(name);
    if (below === undefined) return value;
    return below === null ? undefined : leaveOutBelow(value, below);
  });
}

function leaveOutBelow(value: ExactValue, tree: Tree): ExactValue {
  if (Array.isArray(value)) return value.map((element) => leaveOutBelow(element, tree));
  return isObject(value) ? leaveOut(value, tree) : value;
}

/** A copy of the members for which `change` gives a value; of the same form, so that their order stays. */
function rebuild(object: ExactObject, change: (name: string, value: ExactValue) => ExactValue | undefined): ExactObject {
  const members = new Map<string, ExactValue>();
  for (const [name, value] of membersOf(object)) {
    const changed = change(name, value);
    if (changed !== undefined) members.set(name, changed);
  }
  if (object instanceof OrderedObject) return new OrderedObject(members);
  const plain: { [key: string]: ExactValue } = {};
  for (const [name, value] of members) setMember(plain, name, value);
  return plain;
}
