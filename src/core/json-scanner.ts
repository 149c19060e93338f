/**
 * The scanner behind `parseExact` for texts that JSON.parse would change or refuse.
 * It follows Python's json module step by step, so that reason and position of an error are Python's (M27).
 */
import { JsonDepthError, JsonSyntaxError } from './json-error.ts';
import { Double, type ExactValue, OrderedObject, setMember } from './json-value.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const NO_NAME = 'Expecting property name enclosed in double quotes';
const NO_VALUE = 'Expecting value';
const NO_COLON = "Expecting ':' delimiter";
const NO_COMMA = "Expecting ',' delimiter";
const OPEN_STRING = 'Unterminated string starting at';
const BAD_UNICODE_ESCAPE = 'Invalid \\uXXXX escape';

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const WORDS: readonly (readonly [text: string, value: ExactValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
];

/** Python refuses to read longer integers, as the time to do so grows with the square of the length. */
const MAX_INTEGER_DIGITS = 4300;
/** Fewer digits than this always fit a safe integer. */
const SAFE_INTEGER_LENGTH = 15;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Keys that JavaScript objects move to the front: array indexes, and a few longer ones for simplicity. */
function isIntegerLike(key: string): boolean {
  if (key.length === 0 || key.length > 10) return false;
  for (let i = 0; i < key.length; i++) if (!isDigit(key.charCodeAt(i))) return false;
  return true;
}

/** Reads one JSON text. Numbers that are not finite are kept as such and noted in `sawNonFinite`. */
export class JsonScanner {
  sawNonFinite = false;
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  /** The value of the whole text. */
  scan(): ExactValue {
    this.#skipBlanks();
    const value = this.#value();
    this.#skipBlanks();
    if (this.#at !== this.#text.length) this.#fail('Extra data', this.#at);
    return value;
  }

  #value(): ExactValue {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) return this.#string();
    if (code === OPEN_BRACE) return this.#nested(() => this.#object());
    if (code === OPEN_BRACKET) return this.#nested(() => this.#array());
    if (isDigit(code) || (code === MINUS && isDigit(this.#text.charCodeAt(this.#at + 1)))) return this.#number();
    return this.#word();
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > this.#maxDepth) throw new JsonDepthError(this.#maxDepth, this.#codePoints(this.#at));
    this.#at++;
    this.#skipBlanks();
    const value = read();
    this.#at++;
    this.#depth--;
    return value;
  }

  /** Members up to the closing brace, where it stops. Of equal keys, the last value takes the place of the first. */
  #object(): ExactValue {
    const plain: { [key: string]: ExactValue } = {};
    let ordered: Map<string, ExactValue> | null = null;
    if (this.#text.charCodeAt(this.#at) === CLOSE_BRACE) return plain;
    for (;;) {
      const key = this.#key();
      const value = this.#value();
      if (ordered === null && isIntegerLike(key)) ordered = new Map(Object.entries(plain));
      if (ordered === null) setMember(plain, key, value);
      else ordered.set(key, value);
      if (this.#endsAt(CLOSE_BRACE)) return ordered === null ? plain : new OrderedObject(ordered);
    }
  }

  #key(): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail(NO_NAME, this.#at);
    const key = this.#string();
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== COLON) this.#fail(NO_COLON, this.#at);
    this.#at++;
    this.#skipBlanks();
    return key;
  }

  #array(): ExactValue {
    const items: ExactValue[] = [];
    if (this.#text.charCodeAt(this.#at) === CLOSE_BRACKET) return items;
    for (;;) {
      items.push(this.#value());
      if (this.#endsAt(CLOSE_BRACKET)) return items;
    }
  }

  /** Whether the list ends here; else steps over the comma to the next item. */
  #endsAt(close: number): boolean {
    this.#skipBlanks();
    const code = this.#text.charCodeAt(this.#at);
    if (code === close) return true;
    if (code !== COMMA) this.#fail(NO_COMMA, this.#at);
    this.#at++;
    this.#skipBlanks();
    return false;
  }

  #string(): string {
    const text = this.#text;
    const open = this.#at;
    let read = '';
    let from = open + 1;
    for (let i = from; ; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) {
        this.#at = i + 1;
        return from === open + 1 ? text.slice(from, i) : read + text.slice(from, i);
      }
      if (code === BACKSLASH) {
        read += text.slice(from, i);
        this.#at = i + 1;
        read += this.#escape(open);
        from = this.#at;
        i = from - 1;
      } else if (code < 0x20) {
        this.#fail('Invalid control character at', i);
      } else if (Number.isNaN(code)) {
        this.#fail(OPEN_STRING, open);
      }
    }
  }

  /** The text that an escape stands for; starts behind the backslash. */
  #escape(open: number): string {
    const letter = this.#text.charAt(this.#at);
    if (letter === '') this.#fail(OPEN_STRING, open);
    if (letter === 'u') return this.#unicodeEscape();
    const value = ESCAPES[letter];
    if (value === undefined) this.#fail('Invalid \\escape', this.#at - 1);
    this.#at++;
    return value;
  }

  /** Halves of a surrogate pair may come as two escapes: each is a code unit of its own here. */
  #unicodeEscape(): string {
    const letter = this.#at;
    const end = letter + 5;
    if (end >= this.#text.length) this.#fail(BAD_UNICODE_ESCAPE, letter);
    let unit = 0;
    for (let i = letter + 1; i < end; i++) {
      const digit = hexDigit(this.#text.charCodeAt(i));
      if (digit < 0) this.#fail(BAD_UNICODE_ESCAPE, letter);
      unit = unit * 16 + digit;
    }
    this.#at = end;
    return String.fromCharCode(unit);
  }

  #number(): ExactValue {
    const text = this.#text;
    const start = this.#at;
    let i = text.charCodeAt(start) === MINUS ? start + 1 : start;
    if (text.charCodeAt(i) === ZERO) i++;
    else i = this.#digitsEnd(i);
    const integerEnd = i;
    if (text.charCodeAt(i) === DOT && isDigit(text.charCodeAt(i + 1))) i = this.#digitsEnd(i + 1);
    i = this.#exponentEnd(i);
    this.#at = i;
    return i === integerEnd ? this.#integer(text.slice(start, i)) : this.#double(Number(text.slice(start, i)));
  }

  #exponentEnd(at: number): number {
    const letter = this.#text.charAt(at);
    if (letter !== 'e' && letter !== 'E') return at;
    const sign = this.#text.charAt(at + 1);
    const from = sign === '+' || sign === '-' ? at + 2 : at + 1;
    const end = this.#digitsEnd(from);
    return end > from ? end : at;
  }

  #digitsEnd(at: number): number {
    let i = at;
    while (isDigit(this.#text.charCodeAt(i))) i++;
    return i;
  }

  #integer(digits: string): ExactValue {
    if (digits.length <= SAFE_INTEGER_LENGTH) return Number(digits) + 0; // + 0: Python reads -0 as the integer 0
    if (digits.length > MAX_INTEGER_DIGITS) {
      this.sawNonFinite = true;
      return Number.POSITIVE_INFINITY;
    }
    const exact = BigInt(digits);
    const near = Number(exact);
    return Number.isSafeInteger(near) ? near : exact;
  }

  #double(value: number): ExactValue {
    if (Number.isInteger(value)) return new Double(value);
    if (!Number.isFinite(value)) this.sawNonFinite = true;
    return value;
  }

  #word(): ExactValue {
    for (const [text, value] of WORDS) {
      if (!this.#text.startsWith(text, this.#at)) continue;
      this.#at += text.length;
      if (typeof value === 'number') this.sawNonFinite = true;
      return value;
    }
    this.#fail(NO_VALUE, this.#at);
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(reason: string, at: number): never {
    throw new JsonSyntaxError(reason, this.#codePoints(at));
  }

  /** JavaScript counts code units, Python code points. */
  #codePoints(end: number): number {
    let count = 0;
    for (let i = 0; i < end; count++) i += (this.#text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
    return count;
  }
}

function hexDigit(code: number): number {
  if (isDigit(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
