import { JsonScanner } from '../json-scanner.ts';
import type { ExactValue } from '../json-value.ts';

const MAX_DEPTH = 200;

/**
 * Reads the JSON text of a selector. Unlike an event it may hold numbers that are not finite: `{"$lt":1e400}` is a bound that the
 * original takes too. Throws JsonSyntaxError, JsonDepthError.
 */
export function parseSelectorText(text: string): ExactValue {
  return new JsonScanner(text, MAX_DEPTH).scan();
}
