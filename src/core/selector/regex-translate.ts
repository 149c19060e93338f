/** Translates PCRE's spelling, which MongoDB takes, for an engine that spells differently (detail 9 of COMPATIBILITY). */
import { translateClass } from './regex-class.ts';
import { lacking, RegexCursor } from './regex-cursor.ts';
import type { RegexDialect } from './regex-dialect.ts';
import { readEscape } from './regex-escape.ts';
import type { RegexShape } from './regex-shape.ts';
import { RegexWriter } from './regex-writer.ts';

const MAX_GROUP_DEPTH = 100;
const QUANTIFIER = /[*+?]|\{\d+(?:,\d*)?\}/y;
const MAX_REPETITIONS = 65_535;
const INLINE_FLAGS = /\?([imsxU]*)(?:-([imsxU]*))?([:)])/y;
const NAMED_GROUP = /\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y;
const PYTHON_REFERENCE = /\?P=(\w+)\)/y;
const DIGITS_REFERENCE = /[1-9]\d*/y;
const MAX_CERTAIN_REFERENCE = 7;
const NUMBERED_REFERENCE = /g(?:\{?(-?\d{1,2})\}?)/y;
const NAMED_REFERENCE = /(?:k(?:<(\w+)>|\{(\w+)\}|'(\w+)')|g\{([A-Za-z_]\w*)\})/y;
const CODE_POINT_NAME = /N\{(?!\d+(?:,\d*)?\})/y;
const EXTENDED_BLANKS = /[ \t\n\v\f\r]+/y;

export interface Translation {
  readonly source: string;
  readonly shape: RegexShape;
}

/** Throws RegexFault: `syntax` if PCRE would refuse it too, `engine` if this dialect lacks a feature. */
export function translateRegex(source: string, options: string, dialect: RegexDialect): Translation {
  return new Translator(source, options, dialect).run();
}

class Translator {
  readonly #cursor: RegexCursor;
  readonly #dialect: RegexDialect;
  readonly #writer: RegexWriter;
  readonly #groupNames = new Map<string, number>();
  #groupCount = 0;

  constructor(source: string, options: string, dialect: RegexDialect) {
    const has = (flag: string): boolean => options.includes(flag);
    this.#cursor = new RegexCursor(source);
    this.#dialect = dialect;
    this.#writer = new RegexWriter(dialect, { i: has('i'), m: has('m'), s: has('s'), x: has('x') });
  }

  run(): Translation {
    while (!this.#cursor.isAtEnd) this.#token();
    if (this.#writer.depth > 0) throw this.#cursor.fault('a group is not closed');
    return { source: this.#writer.finish(), shape: this.#writer.shape };
  }

  #token(): void {
    const cursor = this.#cursor;
    const writer = this.#writer;
    if (writer.flags.x && this.#skipExtended()) return;
    const quantifier = cursor.match(QUANTIFIER);
    if (quantifier !== null) this.#repeat(quantifier[0]);
    else if (cursor.take('\\')) this.#escape();
    else if (cursor.take('[')) writer.consume(translateClass(cursor, this.#dialect));
    else if (cursor.take('(')) this.#open();
    else if (cursor.take(')')) this.#close();
    else if (cursor.take('|')) writer.alternative();
    else if (cursor.take('.')) writer.consume(writer.flags.s ? this.#anyCharacter() : '[^\\n]');
    else if (cursor.take('^')) this.#start();
    else if (cursor.take('$')) this.#end();
    else writer.literal(cursor.next());
  }

  #anyCharacter(): string {
    return `[${this.#dialect.codePoint(0)}-${this.#dialect.codePoint(0x10ffff)}]`;
  }

  /** Blanks and comments of the extended mode. */
  #skipExtended(): boolean {
    if (this.#cursor.match(EXTENDED_BLANKS) !== null) return true;
    if (!this.#cursor.take('#')) return false;
    if (this.#cursor.until('\n') === null) throw this.#cursor.fault('a comment is not closed by a line break');
    return true;
  }

  #repeat(quantifier: string): void {
    if (!this.#writer.hasAtom) throw this.#cursor.fault(`there is nothing for ${quantifier} to repeat`);
    if (quantifier.match(/\d+/g)?.some((count) => Number(count) > MAX_REPETITIONS))
      throw this.#cursor.fault(`${quantifier} repeats more than ${MAX_REPETITIONS} times`);
    if (this.#cursor.take('+')) throw lacking('a possessive quantifier');
    this.#writer.repeat(quantifier + (this.#cursor.take('?') ? '?' : ''));
  }

  #start(): void {
    if (this.#writer.flags.m) this.#writer.assert(this.#dialect.lineStart);
    else this.#writer.textStart();
  }

  #end(): void {
    if (this.#writer.flags.m) this.#writer.assert(this.#dialect.lineEnd);
    else this.#writer.end('lastLineEnd');
  }

  #escape(): void {
    const cursor = this.#cursor;
    const writer = this.#writer;
    if (cursor.take('A')) writer.textStart();
    else if (cursor.take('Z')) writer.end('lastLineEnd');
    else if (cursor.take('z')) writer.end('textEnd');
    else if (cursor.take('b')) writer.assert('\\b');
    else if (cursor.take('B')) writer.assert('\\B');
    else if (cursor.take('Q')) this.#quoted();
    else if (cursor.take('E')) return;
    else if (cursor.take('G')) writer.textStart();
    else if (/[CKX]/.test(cursor.peek())) throw lacking(`\\${cursor.peek()}`);
    else if (cursor.match(CODE_POINT_NAME) !== null) throw cursor.fault('\\N takes no name');
    else if (cursor.take('N')) writer.consume('[^\\n]');
    else if (cursor.take('R')) writer.consume(this.#anyLineBreak());
    else if (!this.#reference()) this.#character();
  }

  #quoted(): void {
    const text = this.#cursor.until('\\E');
    if (text === null) throw this.#cursor.fault('\\Q needs its \\E');
    for (const char of text) this.#writer.literal(char.codePointAt(0) ?? 0);
  }

  #anyLineBreak(): string {
    const others = [0x85, 0x2028, 0x2029].map((code) => this.#dialect.codePoint(code)).join('');
    return `(?:\\r\\n|[\\n-\\r${others}])`;
  }

  #character(): void {
    const read = readEscape(this.#cursor, this.#dialect);
    if ('code' in read) this.#writer.literal(read.code);
    // PCRE keeps \w and \p{Lu} as they are where case is ignored.
    else this.#writer.consume(`(?-i:[${read.isNegated ? '^' : ''}${read.members}])`);
  }

  #reference(): boolean {
    if (this.#digitsReference()) return true;
    const numbered = this.#cursor.match(NUMBERED_REFERENCE);
    if (numbered !== null) {
      const group = Number(numbered[1]);
      this.#referTo(group < 0 ? this.#groupCount + 1 + group : group);
      return true;
    }
    const named = this.#cursor.match(NAMED_REFERENCE);
    if (named === null) return false;
    this.#referToName(named[1] ?? named[2] ?? named[3] ?? named[4] ?? '');
    return true;
  }

  /** A number from 8 that no group has yet is the code of a character, or the digit itself. */
  #digitsReference(): boolean {
    const start = this.#cursor.at;
    const group = Number(this.#cursor.match(DIGITS_REFERENCE)?.[0] ?? 0);
    if (group === 0) return false;
    if (group > MAX_CERTAIN_REFERENCE && group > this.#groupCount) {
      this.#cursor.at = start;
      return false;
    }
    this.#referTo(group);
    return true;
  }

  #referToName(name: string): void {
    this.#referTo(this.#groupNames.get(name) ?? 0);
  }

  #referTo(group: number): void {
    if (group < 1 || group > this.#groupCount) throw this.#cursor.fault('it refers to a group that is not before it');
    if (!this.#dialect.hasBackReferences) throw lacking('a back reference');
    this.#writer.consume(`(?:\\${group})`);
  }

  #open(): void {
    const cursor = this.#cursor;
    const writer = this.#writer;
    if (writer.depth >= MAX_GROUP_DEPTH) throw cursor.fault(`groups nest deeper than ${MAX_GROUP_DEPTH} levels`);
    if (cursor.peek() === '*') throw lacking('a (*VERB)');
    if (cursor.peek() !== '?') this.#openCapture();
    else if (cursor.take('?:')) writer.open('(?:', ')');
    else if (cursor.take('?#')) this.#comment();
    else if (cursor.take('?=')) this.#openLookAhead('(?:(?=');
    else if (cursor.take('?!')) this.#openLookAhead('(?:(?!');
    else if (cursor.take('?<=')) writer.open('(?:(?<=', '))');
    else if (cursor.take('?<!')) writer.open('(?:(?<!', '))');
    else if (!this.#flags() && !this.#named()) throw lacking('a kind of group that is not offered');
  }

  #openCapture(): void {
    this.#groupCount++;
    this.#writer.open(this.#dialect.hasBackReferences ? '(' : '(?:', ')');
  }

  #openLookAhead(open: string): void {
    if (!this.#dialect.hasLookAhead) throw lacking('look-ahead');
    this.#writer.open(open, '))');
  }

  #close(): void {
    if (!this.#writer.close()) throw this.#cursor.fault('a closing parenthesis has no opening one');
  }

  #comment(): void {
    if (this.#cursor.until(')') === null) throw this.#cursor.fault('a comment is not closed');
  }

  /** `(?P=name)`, or the start of a group with a name. */
  #named(): boolean {
    const reference = this.#cursor.match(PYTHON_REFERENCE);
    if (reference !== null) {
      this.#referToName(reference[1] ?? '');
      return true;
    }
    const group = this.#cursor.match(NAMED_GROUP);
    if (group === null) return false;
    const name = group[1] ?? group[2] ?? '';
    if (this.#groupNames.has(name)) throw this.#cursor.fault(`two groups are named ${name}`);
    this.#openCapture();
    this.#groupNames.set(name, this.#groupCount);
    return true;
  }

  /** `(?i)` holds to the end of the group it stands in, `(?i:` opens a group. */
  #flags(): boolean {
    const found = this.#cursor.match(INLINE_FLAGS);
    if (found === null) return false;
    const [, on = '', off = '', end] = found;
    const flags = { ...this.#writer.flags };
    for (const flag of ['i', 'm', 's', 'x'] as const) flags[flag] = !off.includes(flag) && (on.includes(flag) || flags[flag]);
    if (end === ':') this.#writer.open('(?:', ')', flags);
    else this.#writer.setFlags(flags);
    return true;
  }
}
