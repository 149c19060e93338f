/** The translated expression while it is written: open groups, flags in force, and what is certain about matching texts. */
import { lacking } from './regex-cursor.ts';
import type { RegexDialect } from './regex-dialect.ts';
import { RegexShape } from './regex-shape.ts';

export interface RegexFlags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
}

/** A group that is open. */
interface Frame {
  flags: RegexFlags;
  /** Whether case is ignored where the group starts; a change within it is wrapped in `(?i:…)`. */
  readonly ignoresCase: boolean;
  isWrapped: boolean;
  readonly close: string;
  /** Whether `$` came before, at the start of the group and now: what follows could tell that RE2's takes in a line break. */
  readonly startsAfterEnd: boolean;
  isAfterEnd: boolean;
  /** Whether an earlier alternative ended in `$`. */
  endsAfterEnd: boolean;
}

export class RegexWriter {
  readonly shape = new RegexShape();
  readonly dialect: RegexDialect;
  /** Whether a quantifier may come next. */
  hasAtom = false;
  readonly #outer: Frame[] = [];
  #frame: Frame;
  #out = '';

  constructor(dialect: RegexDialect, flags: RegexFlags) {
    this.dialect = dialect;
    this.#frame = newFrame(flags, { ignoresCase: false, close: '', isAfterEnd: false });
    this.#openWrapper();
  }

  get flags(): RegexFlags {
    return this.#frame.flags;
  }

  /** How many groups are open. */
  get depth(): number {
    return this.#outer.length;
  }

  finish(): string {
    this.#closeWrapper();
    return this.#out;
  }

  literal(code: number): void {
    if (this.flags.i || this.depth > 0) this.shape.other();
    else this.shape.literal(String.fromCodePoint(code));
    this.#put(isPlainAscii(code) ? String.fromCharCode(code) : this.dialect.codePoint(code));
  }

  /** Something that takes in text, other than a literal character. */
  consume(translated: string): void {
    this.shape.other();
    this.#put(translated);
  }

  #put(translated: string): void {
    this.#refuseAfterEnd();
    this.#out += translated;
    this.hasAtom = true;
  }

  repeat(quantifier: string): void {
    this.#refuseAfterEnd();
    this.shape.repeat();
    this.#out += quantifier;
    this.hasAtom = false;
  }

  #refuseAfterEnd(): void {
    if (this.#frame.isAfterEnd && !this.dialect.hasLookAhead) throw lacking('$ with more behind it');
  }

  /** An assertion: takes in no text, and no quantifier may follow. */
  assert(translated: string): void {
    this.shape.other();
    this.#assert(translated);
  }

  textStart(): void {
    if (this.depth > 0) this.shape.other();
    else this.shape.start();
    this.#assert(this.dialect.textStart);
  }

  /** `lastLineEnd` stands before a line break that ends the text, too. */
  end(kind: 'lastLineEnd' | 'textEnd'): void {
    if (this.depth > 0) this.shape.other();
    else this.shape.finish(kind);
    this.#assert(this.dialect[kind]);
    if (kind === 'lastLineEnd') this.#frame.isAfterEnd = true;
  }

  #assert(translated: string): void {
    this.#out += `(?:${translated})`;
    this.hasAtom = false;
  }

  open(open: string, close: string, flags: RegexFlags = this.flags): void {
    const outer = this.#frame;
    this.shape.other();
    this.#outer.push(outer);
    this.#frame = newFrame(flags, { ignoresCase: outer.flags.i, close, isAfterEnd: outer.isAfterEnd });
    this.#out += open;
    this.hasAtom = false;
    this.#openWrapper();
  }

  /** False if no group is open. */
  close(): boolean {
    const outer = this.#outer.pop();
    if (outer === undefined) return false;
    this.#closeWrapper();
    this.#out += this.#frame.close;
    outer.isAfterEnd = this.#frame.endsAfterEnd || this.#frame.isAfterEnd;
    this.#frame = outer;
    this.hasAtom = true;
    return true;
  }

  alternative(): void {
    if (this.depth === 0) this.shape.alternative();
    this.#closeWrapper();
    this.#out += '|';
    this.#frame.endsAfterEnd ||= this.#frame.isAfterEnd;
    this.#frame.isAfterEnd = this.#frame.startsAfterEnd;
    this.#openWrapper();
    this.hasAtom = false;
  }

  /** From here to the end of the group. */
  setFlags(flags: RegexFlags): void {
    this.#closeWrapper();
    this.#frame.flags = flags;
    this.#openWrapper();
    this.hasAtom = false;
  }

  #openWrapper(): void {
    const { flags, ignoresCase } = this.#frame;
    if (flags.i === ignoresCase) return;
    this.#out += flags.i ? '(?i:' : '(?-i:';
    this.#frame.isWrapped = true;
  }

  #closeWrapper(): void {
    if (this.#frame.isWrapped) this.#out += ')';
    this.#frame.isWrapped = false;
  }
}

function newFrame(flags: RegexFlags, { ignoresCase, close, isAfterEnd }: Pick<Frame, 'ignoresCase' | 'close' | 'isAfterEnd'>): Frame {
  return { flags, ignoresCase, close, isWrapped: false, startsAfterEnd: isAfterEnd, isAfterEnd, endsAfterEnd: false };
}

/** Characters that no engine takes for syntax. */
function isPlainAscii(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x20 || code === 0x5f
  );
}
