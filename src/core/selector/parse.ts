/** Reads a Mongo selector into a small tree, refusing whatever is not on the whitelist (RELIABILITY experiment 18). */
import { type ExactObject, type ExactValue, isObject, membersOf } from '../json-value.ts';
import type { SelectorLimits } from './limits.ts';
import { parseFieldTest } from './parse-field.ts';
import { invalid, type Place, refused, rootPlace, within } from './parse-place.ts';
import { parsePath } from './path.ts';
import type { Selector } from './selector.ts';
import { compareNumbers, isNumeric, numeric } from './values.ts';

const KNOWN_BUT_REFUSED = new Set(['$where', '$expr', '$function', '$accumulator', '$jsonSchema', '$text', '$sampleRate']);

/** Validates a selector and compiles it to a tree; throws SelectorError with the place and the remedy. */
export function parseSelector(value: ExactValue, limits: Partial<SelectorLimits> = {}): Selector {
  return parseClauses(value, rootPlace(limits));
}

/** An object whose members must all hold. */
function parseClauses(value: ExactValue, place: Place): Selector {
  if (!isObject(value)) throw invalid(place, 'A selector is an object, such as {"event_type":"test"}');
  place.budget.checkDepth(place.depth, place.pointer);
  const clauses: Selector[] = [];
  for (const [key, operand] of membersOf(value)) clauses.push(...parseMember(key, operand, within(place, key)));
  if (clauses.length === 0) place.budget.spendClause(place.pointer);
  return clauses.length === 1 && clauses[0] !== undefined ? clauses[0] : { op: 'and', clauses };
}

function parseMember(key: string, operand: ExactValue, place: Place): Selector[] {
  if (key === '$comment') return [];
  if (key.startsWith('$')) return [parseTopLevel(key, operand, place)];
  const path = parsePath(key);
  place.budget.checkPath(path.parts.length, place.pointer);
  return [{ op: 'field', path, test: parseFieldTest(operand, place, parseElementSelector) }];
}

/** What `$elemMatch` holds when it is a selector of its own. */
function parseElementSelector(value: ExactObject, place: Place): Selector {
  return parseClauses(value, place);
}

function parseTopLevel(operator: string, operand: ExactValue, place: Place): Selector {
  place.budget.spendClause(place.pointer);
  switch (operator) {
    case '$and':
    case '$or':
    case '$nor':
      return { op: LOGIC[operator], clauses: parseBranches(operator, operand, place) };
    case '$alwaysTrue':
    case '$alwaysFalse':
      if (!isNumeric(operand) || compareNumbers(numeric(operand), 1) !== 0) throw invalid(place, `${operator} takes the number 1`);
      return { op: 'always', value: operator === '$alwaysTrue' };
    case '$not':
      throw invalid(place, '$not stands below a field; use $nor with one selector here');
    default:
      throw refused(place, operator, KNOWN_BUT_REFUSED.has(operator) ? 'is not offered' : 'is not an operator that can stand here');
  }
}

const LOGIC = { $and: 'and', $or: 'or', $nor: 'nor' } as const;

function parseBranches(operator: string, operand: ExactValue, place: Place): Selector[] {
  if (!Array.isArray(operand) || operand.length === 0) throw invalid(place, `${operator} takes a list of at least one selector`);
  place.budget.checkDepth(place.depth, place.pointer);
  return operand.map((branch, index) => parseClauses(branch, within(place, index)));
}
