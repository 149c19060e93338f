/**
 * Reads the plain members of an event as MADSci's model does in its lax mode (M4 to M6).
 * A reader adds to `issues` what is wrong and returns a stand-in, so that one pass finds all faults.
 */
import type { EventLimits } from './event-limits.ts';
import { EXPECTED_EVENT_TYPES, isEventType } from './event-types.ts';
import { Double, type ExactValue } from './json.ts';
import { readTimestamp, Timestamp } from './timestamp.ts';
import { enumIssue, notText, type ValidationIssue } from './validation.ts';

/** A member as JSON gave it; undefined when it was not given. */
export type Given = ExactValue | undefined;

const DEFAULT_TYPE = 'unknown';
const DEFAULT_LEVEL = 20;
const CUSTOM_TYPE = /^[a-z][a-z0-9_.:-]{0,127}$/;

/** Any case is taken (M5). */
export function readEventType(value: Given, limits: EventLimits, issues: ValidationIssue[]): string {
  if (value === undefined) return DEFAULT_TYPE;
  if (typeof value === 'string') {
    if (isEventType(value)) return value;
    const name = value.toLowerCase();
    if (isEventType(name) || (limits.allowCustomTypes && CUSTOM_TYPE.test(name))) return name;
  }
  issues.push(enumIssue(['event_type'], EXPECTED_EVENT_TYPES, value));
  return DEFAULT_TYPE;
}

// --- log_level ---

const LEVEL_BY_NAME: ReadonlyMap<string, number> = new Map([
  ['NOTSET', 0],
  ['DEBUG', 10],
  ['INFO', 20],
  ['WARNING', 30],
  ['ERROR', 40],
  ['CRITICAL', 50],
]);
const EXPECTED_LEVELS = '0, 10, 20, 30, 40 or 50';

/** Rust's blanks around digits that may be grouped by single underscores, and zeros behind a point. */
const INTEGER_TEXT = /^\p{White_Space}*([-+]?\d+(?:_\d+)*)(?:\.0+)?\p{White_Space}*$/u;
const MAX_INTEGER_TEXT = 4300;

const isLevel = (value: number): boolean => value % 10 === 0 && value >= 0 && value <= 50;
const isBeyond64Bits = (value: bigint): boolean => BigInt.asIntN(64, value) !== value;

/** Numbers, their texts, names, and names behind "EventLogLevel." (M5). */
export function readLogLevel(value: Given, issues: ValidationIssue[]): number {
  if (value === undefined) return DEFAULT_LEVEL;
  const level = levelOf(value);
  if (typeof level === 'number' && isLevel(level)) return level + 0; // + 0: no -0
  issues.push(level === 'too_large' ? levelTooLarge(value) : enumIssue(['log_level'], EXPECTED_LEVELS, value));
  return DEFAULT_LEVEL;
}

/** Also used for the `level` of a listing (M10). Null when the value is neither a number nor a name. */
export function levelOf(value: ExactValue): number | 'too_large' | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return levelOfText(value);
  if (value instanceof Double) return value.value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return isBeyond64Bits(value) ? 'too_large' : Number(value);
  return null;
}

function levelOfText(text: string): number | 'too_large' | null {
  const named = LEVEL_BY_NAME.get(text.toUpperCase().replaceAll('EVENTLOGLEVEL.', ''));
  if (named !== undefined) return named;
  const digits = INTEGER_TEXT.exec(text)?.[1]
    ?.replaceAll('_', '')
    .replace(/^([-+]?)0+(?=\d)/, '$1');
  if (digits === undefined || digits.length > MAX_INTEGER_TEXT) return null;
  const value = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits.replace('+', ''));
  return isBeyond64Bits(value) ? 'too_large' : Number(value);
}

function levelTooLarge(input: ExactValue): ValidationIssue {
  const msg = 'Unable to parse input string as an integer, exceeded maximum size';
  return { type: 'int_parsing_size', loc: ['log_level'], msg, input };
}

// --- booleans, optional texts, times ---

const TRUE_TEXTS: ReadonlySet<string> = new Set(['1', 'on', 't', 'true', 'y', 'yes']);
const FALSE_TEXTS: ReadonlySet<string> = new Set(['0', 'off', 'f', 'false', 'n', 'no']);
const LONGEST_BOOLEAN_TEXT = 5;

/** Also 1, 0 and their words in any case (M6); false when absent. */
export function readBoolean(value: Given, key: string, issues: ValidationIssue[]): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  const number = value instanceof Double ? value.value : value;
  if (number === 1) return true;
  if (number === 0) return false;
  if (typeof value === 'string' && value.length <= LONGEST_BOOLEAN_TEXT) {
    const word = value.toLowerCase();
    if (TRUE_TEXTS.has(word)) return true;
    if (FALSE_TEXTS.has(word)) return false;
  }
  issues.push(notBoolean(value, key));
  return false;
}

/** Texts and integers up to 64 bits could have been one; all else is of the wrong type. */
function notBoolean(input: ExactValue, key: string): ValidationIssue {
  const number = input instanceof Double ? input.value : input;
  const isCandidate =
    typeof number === 'string' ||
    (typeof number === 'number' && Number.isInteger(number) && Math.abs(number) < 2 ** 63) ||
    (typeof number === 'bigint' && !isBeyond64Bits(number));
  const msg = 'Input should be a valid boolean';
  if (!isCandidate) return { type: 'bool_type', loc: [key], msg, input };
  return { type: 'bool_parsing', loc: [key], msg: `${msg}, unable to interpret input`, input };
}

/** trace_id and span_id: any text, or null. */
export function readOptionalText(value: Given, key: string, issues: ValidationIssue[]): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  issues.push(notText([key], value));
  return null;
}

/** A time (M7), or null when the value is none. */
export function readTime(value: ExactValue, key: string, issues: ValidationIssue[]): Timestamp | null {
  const time = readTimestamp(value);
  if (time instanceof Timestamp) return time;
  const msg = time.type === 'datetime_from_date_parsing' ? 'Input should be a valid datetime or date' : 'Input should be a valid datetime';
  if (time.error === '') issues.push({ type: time.type, loc: [key], msg, input: value });
  else issues.push({ type: time.type, loc: [key], msg: `${msg}, ${time.error}`, input: value, ctx: { error: time.error } });
  return null;
}
