/** JSON that loses nothing: the spelling of floats, integers beyond 2^53, the order of members (details 2 and 3 of COMPATIBILITY). */
import { JsonNumberError } from './json-error.ts';
import { JsonScanner } from './json-scanner.ts';
import { surveyJson } from './json-survey.ts';
import { type ExactValue, isObject, membersOf } from './json-value.ts';

export { JsonDepthError, JsonNumberError, JsonSyntaxError } from './json-error.ts';
export { Double, type ExactObject, type ExactValue, isObject, memberOf, membersOf, OrderedObject, setMember } from './json-value.ts';
export { naiveDateText, pythonFloat, stringifyExact } from './json-write.ts';

const DEFAULT_MAX_DEPTH = 200;

/** Whether JSON.parse and JSON.stringify lose nothing of this JSON text. May say no to a few that are. */
export function isPlain(text: string): boolean {
  return surveyJson(text, Number.POSITIVE_INFINITY) === 'plain';
}

/**
 * Reads a JSON text; throws JsonSyntaxError with Python's wording, JsonDepthError, or JsonNumberError for what is not a finite number.
 * `maxDepth` counts nested arrays and objects and should stay below a thousand.
 */
export function parseExact(text: string, limits?: { maxDepth?: number }): ExactValue {
  return parseSurveyed(text, limits).value;
}

/** As parseExact; `plain` tells whether the text was, so that the caller need not look again. */
export function parseSurveyed(text: string, limits?: { maxDepth?: number }): { value: ExactValue; plain: boolean } {
  const maxDepth = limits?.maxDepth ?? DEFAULT_MAX_DEPTH;
  if (surveyJson(text, maxDepth) === 'plain') {
    try {
      return { value: JSON.parse(text) as ExactValue, plain: true }; // JSON.parse makes no other values than these
    } catch {
      // The scanner below says what is wrong in Python's words, and knows NaN and Infinity.
    }
  }
  return { value: scanExact(text, maxDepth), plain: false };
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
