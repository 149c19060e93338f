import { type ExactValue, isObject, membersOf } from '../json-value.ts';
import { Budget, type SelectorLimits } from './limits.ts';
import { pointerTo, SelectorError } from './selector-error.ts';

/** Where in the selector the parser stands. */
export interface Place {
  readonly pointer: string;
  readonly depth: number;
  readonly budget: Budget;
}

export function rootPlace(limits: Partial<SelectorLimits>): Place {
  return { pointer: '', depth: 1, budget: new Budget(limits) };
}

/** The place of a member; one container deeper. */
export function within(place: Place, key: string | number): Place {
  return { pointer: pointerTo(place.pointer, key), depth: place.depth + 1, budget: place.budget };
}

export function invalid(place: Place, message: string): SelectorError {
  return new SelectorError('selector_invalid', place.pointer, message);
}

export function refused(place: Place, operator: string, why: string): SelectorError {
  const name = operator.length > 40 ? `${operator.slice(0, 40)}…` : operator;
  return new SelectorError('selector_operator_refused', place.pointer, `${name} ${why}; docs/compatibility.md lists the operators`);
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Checks a value that documents are compared with, and gives it back. */
export function literal(value: ExactValue, place: Place): ExactValue {
  if (typeof value === 'bigint' && (value > INT64_MAX || value < INT64_MIN))
    throw invalid(place, 'Integers have at most 64 bits; write 1e20 for a double');
  if (Array.isArray(value)) {
    place.budget.checkDepth(place.depth, place.pointer);
    value.forEach((element, index) => {
      literal(element, within(place, index));
    });
  } else if (isObject(value)) {
    place.budget.checkDepth(place.depth, place.pointer);
    for (const [key, member] of membersOf(value)) literal(member, within(place, key));
  }
  return value;
}
