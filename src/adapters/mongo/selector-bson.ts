import type { Document } from 'mongodb';
import { type ExactObject, type ExactValue, isObject, memberOf, membersOf } from '../../core/json.ts';
import { compileSelector } from '../../core/selector/match.ts';
import { parseSelector } from '../../core/selector/parse.ts';
import { SelectorError } from '../../core/selector/selector-error.ts';
import { parseSelectorText, selectorText } from '../../core/selector/text.ts';
import { bsonOf } from './bson-write.ts';

const BRANCHES = new Set(['$and', '$or', '$nor']);

/** $elemMatch on this name, beside a condition on an index, makes MongoDB 6.0 crash. No event has such a member itself. */
const NO_NAME = '';
const CRASHES = '$elemMatch cannot stand below an empty name on MongoDB';

/** A filter for the database: checked by our whitelist, then meant as MongoDB means it, with every number of the type it is spelled in. */
export function filterOf(selector: ExactValue): Document {
  parseSelector(selector);
  const own = parseSelectorText(selectorText(selector)) as ExactObject; // `bsonOf` changes what it is given
  return { $and: [clauses(own)] };
}

/** A map, since a plain object would move keys like "10" to the front. */
function clauses(selector: ExactObject): Map<string, unknown> {
  const filter = new Map<string, unknown>();
  for (const [key, operand] of membersOf(selector)) {
    if (key === '$comment') continue;
    if (BRANCHES.has(key)) filter.set(key, (operand as ExactObject[]).map(clauses));
    else if (key === NO_NAME || isHidden(key)) filter.set(...constant(key, selector));
    else {
      refuseNameless(operand, false);
      filter.set(key, bsonOf(operand));
    }
  }
  return filter;
}

function refuseNameless(value: ExactValue, isNameless: boolean): void {
  if (Array.isArray(value)) for (const each of value) refuseNameless(each, isNameless);
  else if (isObject(value))
    for (const [key, operand] of membersOf(value)) {
      if (isNameless && key === '$elemMatch') throw new SelectorError('selector_operator_refused', '', CRASHES);
      refuseNameless(operand, key === NO_NAME || (isNameless && key.startsWith('$')));
    }
}

/** The bookkeeping beside an event is no part of it: to a selector it is missing. */
export function isHidden(path: string): boolean {
  return path === '_hookwright' || path.startsWith('_hookwright.');
}

function constant(key: string, selector: ExactObject): [string, unknown] {
  const matchesNothing = compileSelector(parseSelector({ [key]: memberOf(selector, key) ?? null }), { backtracking: true });
  return [matchesNothing({}) ? '$alwaysTrue' : '$alwaysFalse', 1];
}
