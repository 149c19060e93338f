/** Texts and truth as Python takes them. */
import { Double, type ExactObject, type ExactValue, isObject, memberOf, membersOf } from '../json.ts';

/** Python's truth: None, false, 0, '' and what is empty are not. */
export function isTruthy(value: ExactValue | undefined): value is ExactValue {
  if (value === undefined || value === null || value === false || value === '' || value === 0 || value === 0n) return false;
  if (value instanceof Double) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? ![...membersOf(value)].every(() => false) : true;
}

const BLANK = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const AROUND = new RegExp(`^${BLANK}|${BLANK}$`, 'g');

/** Python's strip(). */
export function strip(text: string): string {
  return text.replace(AROUND, '');
}

/** The last eight characters: how an id is shown to people. */
export function tail(id: string): string {
  return Array.from(id.slice(-16)).slice(-8).join('');
}

const NOTHING: ExactObject = {};

/** The member of an object, or undefined, also for what is no object. */
export function at(value: ExactValue | undefined, key: string): ExactValue | undefined {
  return isObject(value) ? memberOf(value, key) : undefined;
}
export function objectOf(value: ExactValue | undefined): ExactObject {
  return isObject(value) ? value : NOTHING;
}
