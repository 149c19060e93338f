/**
 * Notes what of a regular expression is plain text, as most are: `alpha`, `^node_`, `^done$` need no engine,
 * and a literal beginning narrows an index range.
 */
export class RegexShape {
  /** Whether it starts with `^` or `\A`. */
  isAnchored = false;
  /** The literal characters it begins with. */
  text = '';
  end: 'open' | 'lastLineEnd' | 'textEnd' = 'open';
  /** Whether there is nothing but anchors and literal characters. */
  isPlain = true;
  #isReading = true;
  #lastLength = 0;

  start(): void {
    if (this.#isReading && this.text === '' && !this.isAnchored) this.isAnchored = true;
    else this.other();
    this.#lastLength = 0;
  }

  literal(char: string): void {
    if (!this.#isReading) return;
    this.text += char;
    this.#lastLength = char.length;
  }

  finish(end: 'lastLineEnd' | 'textEnd'): void {
    if (!this.#isReading) return;
    this.end = end;
    this.#isReading = false;
    this.#lastLength = 0;
  }

  /** Anything that is not literal, or comes behind what is not. */
  other(): void {
    this.isPlain = false;
    this.#isReading = false;
    this.#lastLength = 0;
  }

  /** A quantifier: what it follows may be missing. */
  repeat(): void {
    if (this.#isReading && this.#lastLength === 0) this.isAnchored = false;
    this.text = this.text.slice(0, this.text.length - this.#lastLength);
    this.other();
  }

  /** An alternative at the outermost level: nothing is certain any more. */
  alternative(): void {
    this.isAnchored = false;
    this.text = '';
    this.other();
  }
}
