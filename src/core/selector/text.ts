import { JsonScanner } from '../json-scanner.ts';
import { Double, type ExactValue, isObject, membersOf } from '../json-value.ts';
import { stringifyExact } from '../json-write.ts';

const MAX_DEPTH = 200;

/**
 * Reads the JSON text of a selector. Unlike an event it may hold numbers that are not finite: `{"$lt":1e400}` is a bound that the
 * original takes too. Throws JsonSyntaxError, JsonDepthError.
 */
export function parseSelectorText(text: string): ExactValue {
  return new JsonScanner(text, MAX_DEPTH).scan();
}

/** The text that `parseSelectorText` reads back as the same value: for carrying a selector to where it runs. */
export function selectorText(value: ExactValue): string {
  if (Array.isArray(value)) return `[${value.map(selectorText).join(',')}]`;
  if (isObject(value))
    return `{${[...membersOf(value)].map(([key, member]) => `${JSON.stringify(key)}:${selectorText(member)}`).join(',')}}`;
  const number = value instanceof Double ? value.value : value;
  return typeof number === 'number' && !Number.isFinite(number) ? String(number) : stringifyExact(value);
}
