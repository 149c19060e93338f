import type { Given } from './event-fields.ts';
import type { EventLimits } from './event-limits.ts';
import type { ExactValue } from './json.ts';
import { notText, textTooLong, type ValidationIssue, valueIssue } from './validation.ts';

const CONTROL = /\p{Cc}/u;

/** Our own member `tags`: texts without control characters, each once, in the order given. Null when absent. */
export function readTags(value: Given, limits: EventLimits, issues: ValidationIssue[]): readonly string[] | null {
  if (value === undefined) return null;
  if (!Array.isArray(value)) {
    issues.push({ type: 'list_type', loc: ['tags'], msg: 'Input should be a valid list', input: value });
    return null;
  }
  if (value.length > limits.maxTags) issues.push(tooMany(value, limits.maxTags));
  else for (const [index, tag] of value.entries()) checkTag(tag, index, limits, issues);
  return [...new Set(value as string[])]; // checked just now; a caller drops the result when there are issues
}

function checkTag(tag: ExactValue, index: number, limits: EventLimits, issues: ValidationIssue[]): void {
  const loc = ['tags', index];
  if (typeof tag !== 'string') issues.push(notText(loc, tag));
  else if (tag === '') issues.push(emptyTag(loc));
  else if (tag.length > limits.maxTagLength) issues.push(textTooLong(loc, limits.maxTagLength, tag));
  else if (CONTROL.test(tag)) issues.push(valueIssue(loc, 'Control characters are not allowed in a tag', tag));
}

function emptyTag(loc: ValidationIssue['loc']): ValidationIssue {
  return { type: 'string_too_short', loc, msg: 'String should have at least 1 character', input: '', ctx: { min_length: 1 } };
}

function tooMany(input: ExactValue[], max: number): ValidationIssue {
  const msg = `List should have at most ${max} items after validation, not ${input.length}`;
  return { type: 'too_long', loc: ['tags'], msg, input, ctx: { field_type: 'List', max_length: max, actual_length: input.length } };
}
