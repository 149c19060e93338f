/** JSON that loses nothing: the spelling of floats, integers beyond 2^53, the order of members (details 2 and 3 of COMPATIBILITY). */
import { JsonDepthError, JsonNumberError } from './json-error.ts';
import { JsonScanner } from './json-scanner.ts';
import { type ExactValue, isObject, membersOf } from './json-value.ts';

export { JsonDepthError, JsonNumberError, JsonSyntaxError } from './json-error.ts';
export { Double, type ExactObject, type ExactValue, isObject, memberOf, membersOf, OrderedObject, setMember } from './json-value.ts';
export { naiveDateText, pythonFloat, stringifyExact } from './json-write.ts';

const DEFAULT_MAX_DEPTH = 200;

/**
 * Finds what JSON.parse and JSON.stringify might change. A hit inside a string costs time, never correctness, so the number part
 * asks for what can stand before and after a number, which keeps "2025-03-04T05:06:07.000000" and the like on the fast path:
 * - `-0`; integers that may exceed 2^53; any exponent
 * - fractions that are, or could round to, a whole number (.0, .0000…, .9999…; 12 digits before the point leave 4 safe ones behind);
 *   this covers those below 1e-4, which Python writes with an exponent
 * - keys that look like an integer, which objects move to the front, also with an escaped digit
 */
const CHANGED_BY_NATIVE_JSON =
  /(?:^|[\s:,[])(?:-0|-?(?:\d{17,}|9\d{15})|-?\d{12,}\.\d+|-?\d+\.(?:0{1,3}|0000\d*|9999\d*)|-?\d+(?:\.\d+)?[eE][-+]?\d+)(?=[\s,\]}]|$)|"\d{1,10}"\s*:|\\u003/;

/** Whether JSON.parse and JSON.stringify lose nothing of this JSON text. May say no to a few that are. */
export function isPlain(text: string): boolean {
  return !CHANGED_BY_NATIVE_JSON.test(text);
}

/**
 * Reads a JSON text; throws JsonSyntaxError with Python's wording, JsonDepthError, or JsonNumberError for what is not a finite number.
 * `maxDepth` counts nested arrays and objects and should stay below a thousand.
 */
export function parseExact(text: string, limits?: { maxDepth?: number }): ExactValue {
  const maxDepth = limits?.maxDepth ?? DEFAULT_MAX_DEPTH;
  if (!isPlain(text)) return scanExact(text, maxDepth);
  assertDepth(text, maxDepth);
  try {
    return JSON.parse(text) as ExactValue; // JSON.parse makes no other values than these
  } catch {
    return scanExact(text, maxDepth);
  }
}

function scanExact(text: string, maxDepth: number): ExactValue {
  const scanner = new JsonScanner(text, maxDepth);
  const value = scanner.scan();
  const loc = scanner.sawNonFinite ? findNonFinite(value) : null;
  if (loc !== null) throw new JsonNumberError(loc);
  return value;
}

/** Where the first number that is not finite stands, or null: one that a later equal key replaced does no harm. */
function findNonFinite(value: ExactValue): (string | number)[] | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : [];
  if (!Array.isArray(value) && !isObject(value)) return null;
  for (const [key, member] of Array.isArray(value) ? value.entries() : membersOf(value)) {
    const loc = findNonFinite(member);
    if (loc !== null) return [key, ...loc];
  }
  return null;
}

/** JSON.parse takes any depth, but nothing that walks the value by recursion does. */
function assertDepth(text: string, maxDepth: number): void {
  if (text.length <= 2 * maxDepth || countUpTo(text, '{', maxDepth) + countUpTo(text, '[', maxDepth) <= maxDepth) return;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x22) i = stringEnd(text, i);
    else if (char === 0x7b || char === 0x5b) depth++;
    else if (char === 0x7d || char === 0x5d) depth--;
    if (depth > maxDepth) throw new JsonDepthError(maxDepth, i);
  }
}

/** Where the string that opens at `open` closes. */
function stringEnd(text: string, open: number): number {
  let i = open + 1;
  for (let char = text.charCodeAt(i); i < text.length && char !== 0x22; char = text.charCodeAt(i)) i += char === 0x5c ? 2 : 1;
  return i;
}

function countUpTo(text: string, char: string, limit: number): number {
  let count = 0;
  for (let i = text.indexOf(char); i >= 0 && count <= limit; i = text.indexOf(char, i + 1)) count++;
  return count;
}
