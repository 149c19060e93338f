import { type ExactValue, isObject, membersOf } from './json.ts';
import { notUnicode, type ValidationIssue, valueIssue } from './validation.ts';

/**
 * What one of the stores could not give back as it came (M62): half surrogate pairs, which UTF-8 cannot carry,
 * and keys with NUL, which BSON cannot. Both show in JSON text as an escape, so `mayHoldUnstorable` is a cheap first look.
 */
export function findUnstorable(value: ExactValue, loc: ValidationIssue['loc']): ValidationIssue | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : notUnicode(loc, value);
  if (Array.isArray(value)) return firstOf(value.entries(), loc);
  if (!isObject(value)) return null;
  for (const [key] of membersOf(value)) {
    if (!key.isWellFormed()) return notUnicode([...loc, key], key);
    if (key.includes('\0')) return valueIssue([...loc, key], 'A key must not contain the character NUL', key);
  }
  return firstOf(membersOf(value), loc);
}

/** Whether the JSON text may hold something unstorable. */
export function mayHoldUnstorable(json: string): boolean {
  return json.includes('\\u') && (json.includes('\\ud') || json.includes('\\u0000'));
}

function firstOf(members: Iterable<[string | number, ExactValue]>, loc: ValidationIssue['loc']): ValidationIssue | null {
  for (const [key, member] of members) {
    const issue = findUnstorable(member, [...loc, key]);
    if (issue !== null) return issue;
  }
  return null;
}
