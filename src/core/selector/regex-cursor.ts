/** A regular expression that is refused, before the place in the selector is known. */
export class RegexFault extends Error {
  /** `syntax`: no engine takes it. `engine`: this engine lacks the feature, another may have it. */
  readonly kind: 'syntax' | 'engine';

  constructor(kind: 'syntax' | 'engine', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Walks the source of a regular expression by code point. */
export class RegexCursor {
  at = 0;
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#source.length;
  }

  peek(offset = 0): string {
    return this.#source.charAt(this.at + offset);
  }

  /** The next code point, stepped over. */
  next(): number {
    const code = this.#source.codePointAt(this.at);
    if (code === undefined) throw this.fault('it ends too early');
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  /** Steps over `text` if it comes next. */
  take(text: string): boolean {
    if (!this.#source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Steps over what a sticky pattern finds here. */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#source);
    if (found !== null) this.at += found[0].length;
    return found;
  }

  /** The text up to `end`, both stepped over; null if `end` never comes. */
  until(end: string): string | null {
    const found = this.#source.indexOf(end, this.at);
    if (found < 0) return null;
    const text = this.#source.slice(this.at, found);
    this.at = found + end.length;
    return text;
  }

  fault(why: string): RegexFault {
    return new RegexFault('syntax', `The regular expression is not valid: ${why} (at character ${this.at})`);
  }
}

/** The fault of an expression that needs what the engine does not have. */
export function lacking(feature: string): RegexFault {
  return new RegexFault('engine', `The regular expression uses ${feature}`);
}
