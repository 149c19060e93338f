/**
 * A quick look over a JSON text, made before it is parsed: can native JSON be trusted with it, and how deep does it nest?
 * It walks over UTF-8, as all that matters is ASCII and a loop over bytes is three times as fast as one over charCodeAt.
 */

const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const EXPONENT = 0x65;

/** Whole numbers of so many digits are below 2^53. */
const SAFE_DIGITS = 15;
/** With at most so many digits before the point, a double tells four digits behind it apart. */
const SAFE_WHOLE_DIGITS = 11;
/** Objects move keys of up to so many digits (array indexes) to the front. */
const MAX_INDEX_DIGITS = 10;

/**
 * `plain`: JSON.parse and JSON.stringify lose nothing, and spell all as Python does. `exact`: they might. `deep`: nested too deeply.
 * May say exact of some that are plain; what it says of a text that is not JSON is right for the part before the fault.
 */
export type Survey = 'plain' | 'exact' | 'deep';

const encoder = new TextEncoder();
/** Reused, since nothing is kept from one look to the next. */
const sharedBytes = new Uint8Array(64 * 1024);

export function surveyJson(text: string, maxDepth: number): Survey {
  const bytes = text.length * 3 < sharedBytes.length ? sharedBytes : new Uint8Array(text.length * 3 + 1);
  const length = encoder.encodeInto(text, bytes).written;
  bytes[length] = 0; // so that a look one byte ahead of a number or a blank stays inside
  return surveyBytes(bytes, length, maxDepth);
}

function surveyBytes(bytes: Uint8Array, length: number, maxDepth: number): Survey {
  let depth = 0;
  let isExact = false;
  for (let i = 0; i < length; i++) {
    const byte = at(bytes, i);
    if (byte === QUOTE) {
      const end = stringEnd(bytes, i + 1, length);
      if (!isExact && isIndexKey(bytes, i + 1, end)) isExact = true;
      i = end;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > maxDepth) return 'deep';
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    } else if ((isDigit(byte) || byte === MINUS) && !isExact) {
      const end = plainNumberEnd(bytes, i);
      if (end < 0) isExact = true;
      else i = end - 1;
    }
  }
  return isExact ? 'exact' : 'plain';
}

/** Callers stay within the text or one byte behind it, where there is a zero. */
const at = (bytes: Uint8Array, index: number): number => bytes[index] as number;
const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Where the closing quote is, or the end of the text. */
function stringEnd(bytes: Uint8Array, from: number, length: number): number {
  let i = from;
  while (i < length) {
    const byte = at(bytes, i);
    if (byte === QUOTE) return i;
    i += byte === BACKSLASH ? 2 : 1;
  }
  return length;
}

/** Whether the string is a key that looks like an array index, or might be one behind an escape. */
function isIndexKey(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from > MAX_INDEX_DIGITS * 6) return false; // 6: a digit may be written \u003n
  for (let i = from; i < end; i++) {
    const byte = at(bytes, i);
    if (byte === BACKSLASH) break;
    if (!isDigit(byte)) return false;
  }
  return end > from && isKey(bytes, end);
}

/** Whether a colon follows the closing quote. */
function isKey(bytes: Uint8Array, quote: number): boolean {
  let i = quote + 1;
  while (isBlank(at(bytes, i))) i++;
  return at(bytes, i) === COLON;
}

/**
 * Where a number ends that both languages read and write alike, or -1. Excluded are -0, whole numbers that may exceed 2^53, exponents,
 * and fractions that are whole or might round to it; those below 1e-4, which Python writes with an exponent, are among them.
 */
function plainNumberEnd(bytes: Uint8Array, start: number): number {
  const wholeStart = at(bytes, start) === MINUS ? start + 1 : start;
  const wholeEnd = digitsEnd(bytes, wholeStart);
  const digits = wholeEnd - wholeStart;
  const mark = at(bytes, wholeEnd);
  if (mark === DOT) return digits > SAFE_WHOLE_DIGITS ? -1 : plainFractionEnd(bytes, wholeEnd + 1);
  const isMinusZero = wholeStart > start && at(bytes, wholeStart) === ZERO;
  return digits > SAFE_DIGITS || isMinusZero || (mark | 0x20) === EXPONENT ? -1 : wholeEnd;
}

/** The first four digits must hold one that is not 0, and one that is not 9 unless nothing follows them. */
function plainFractionEnd(bytes: Uint8Array, start: number): number {
  const end = digitsEnd(bytes, start);
  if ((at(bytes, end) | 0x20) === EXPONENT) return -1;
  const headEnd = Math.min(end, start + 4);
  let isZeros = true;
  let isNines = end > headEnd;
  for (let i = start; i < headEnd; i++) {
    const byte = at(bytes, i);
    isZeros &&= byte === ZERO;
    isNines &&= byte === NINE;
  }
  return isZeros || isNines ? -1 : end;
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let i = from;
  while (isDigit(at(bytes, i))) i++;
  return i;
}
