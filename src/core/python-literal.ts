/** Reads the repr of a Python dict, as older clients put it into a query string (M53), by rewriting it as JSON. Nothing is evaluated. */
import { type ExactValue, parseExact } from './json.ts';

const MAX_DEPTH = 64;

/** A text that is not a literal of None, booleans, numbers, texts, lists and dicts. */
export class PythonLiteralError extends Error {
  override readonly name = 'PythonLiteralError';
  /** Index into the text, in UTF-16 units. */
  readonly position: number;

  constructor(reason: string, position: number) {
    super(`${reason} at character ${position}`);
    this.position = position;
  }
}

/** Reads one literal; throws PythonLiteralError. Numbers are as exact as in JSON. */
export function parsePythonLiteral(text: string): ExactValue {
  const scanner = new PythonScanner(text);
  return parseExact(scanner.toJson(), { maxDepth: MAX_DEPTH });
}

const WORDS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' };
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};

const BLANKS = /[ \t\r\n\f]*/y;
const WORD = /[A-Za-z_]\w*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
const PLAIN_TEXT = /[^'"\\\n\r]+/y;
const CODED_ESCAPE = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})/y;

class PythonScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  toJson(): string {
    const json = this.#value(0);
    this.#skipBlanks();
    if (this.#at < this.#text.length) this.#fail('Unexpected text after the value');
    return json;
  }

  #value(depth: number): string {
    if (depth > MAX_DEPTH) this.#fail(`Nesting deeper than ${MAX_DEPTH} levels`);
    this.#skipBlanks();
    const char = this.#text.charAt(this.#at);
    if (char === '{') return this.#list('}', () => this.#entry(depth));
    if (char === '[') return this.#list(']', () => this.#value(depth + 1));
    if (char === '(') this.#fail('Tuples are not read; write a list');
    if (char === "'" || char === '"') return JSON.stringify(this.#string(char));
    return this.#number() ?? this.#word();
  }

  /** Items up to the closing bracket, which is the JSON one too. */
  #list(close: ']' | '}', item: () => string): string {
    const open = this.#text.charAt(this.#at++);
    const items: string[] = [];
    this.#skipBlanks();
    while (!this.#take(close)) {
      items.push(item());
      this.#skipBlanks();
      if (this.#text.charAt(this.#at) !== close && !this.#take(',')) this.#fail(`Expected , or ${close}`);
      this.#skipBlanks();
    }
    return open + items.join(',') + close;
  }

  #entry(depth: number): string {
    const quote = this.#text.charAt(this.#at);
    if (quote !== "'" && quote !== '"') this.#fail('Expected a key in quotes');
    const key = JSON.stringify(this.#string(quote));
    this.#skipBlanks();
    if (!this.#take(':')) this.#fail('Expected :');
    return `${key}:${this.#value(depth + 1)}`;
  }

  #string(quote: string): string {
    const open = this.#at++;
    let read = '';
    for (;;) {
      read += this.#match(PLAIN_TEXT)?.[0] ?? '';
      const char = this.#text.charAt(this.#at);
      if (char === '' || char === '\n' || char === '\r') this.#fail('A text is not closed', open);
      this.#at++;
      if (char === quote) return read;
      read += char === '\\' ? this.#escape() : char;
    }
  }

  #escape(): string {
    const coded = this.#match(CODED_ESCAPE);
    if (coded !== null) return this.#coded(coded);
    const letter = this.#text.charAt(this.#at);
    if (letter === 'N' || letter === 'x' || letter === 'u' || letter === 'U') this.#fail(`\\${letter} is not an escape that is read here`);
    this.#at++;
    return ESCAPES[letter] ?? `\\${letter}`; // as in Python, an unknown escape stands for itself
  }

  #coded([, byte, unit, point, octal]: RegExpExecArray): string {
    const code = octal === undefined ? Number.parseInt(byte ?? unit ?? point ?? '', 16) : Number.parseInt(octal, 8);
    if (code > 0x10ffff) this.#fail('An escape names a character that does not exist');
    return String.fromCodePoint(code);
  }

  #number(): string | null {
    return this.#match(NUMBER)?.[0] ?? null;
  }

  #word(): string {
    const start = this.#at;
    const word = this.#match(WORD)?.[0];
    const json = word === undefined || !Object.hasOwn(WORDS, word) ? undefined : WORDS[word];
    if (json === undefined)
      this.#fail(word === undefined ? 'Expected a value' : `${word.slice(0, 40)} is not a value that is read here`, start);
    return json;
  }

  #take(char: string): boolean {
    if (this.#text.charAt(this.#at) !== char) return false;
    this.#at++;
    return true;
  }

  #skipBlanks(): void {
    this.#match(BLANKS);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #fail(reason: string, position = this.#at): never {
    throw new PythonLiteralError(reason, position);
  }
}
