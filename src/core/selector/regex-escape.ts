import type { RegexCursor } from './regex-cursor.ts';
import type { RegexDialect } from './regex-dialect.ts';

/** What an escape outside or inside a class stands for: one code point, or a set spelled as the members of a class. */
export type Escape = { code: number } | { members: string; isNegated: boolean };

const CONTROL: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['e', 0x1b],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
]);

/** The members of \s. */
export const SPACE = '\\t-\\r\\x20';
const HORIZONTAL = [0x09, 0x20, 0xa0, 0x1680, 0x180e, [0x2000, 0x200a], 0x202f, 0x205f, 0x3000] as const;
const VERTICAL = [[0x0a, 0x0d], 0x85, 0x2028, 0x2029] as const;

const HEX = /x(?:\{([0-9a-fA-F]{1,8})\}|(?!\{)([0-9a-fA-F]{0,2}))/y;
const OCTAL = /[0-7]{1,3}|o\{([0-7]{1,11})\}/y;
/** Letters that MongoDB refuses behind a backslash; the others that mean nothing stand for themselves, as 8 and 9 do. */
const MEANINGLESS = /(?![FIJMOTYijmqy])[A-Za-z]/;
const CONTROL_LETTER = /c([ -~])/y;
const PROPERTY = /([pP])(?:\{(\^?)([A-Za-z_&]+)\}|([A-Z]))/y;

/** Reads the escape behind a backslash, apart from assertions, references and \Q, which depend on where they stand. */
export function readEscape(cursor: RegexCursor, dialect: RegexDialect): Escape {
  return readSet(cursor, dialect) ?? { code: readCode(cursor) };
}

function readSet(cursor: RegexCursor, dialect: RegexDialect): Escape | null {
  const letter = cursor.peek();
  switch (letter) {
    case 'd':
    case 'w':
      cursor.at++;
      return { members: `\\${letter}`, isNegated: false };
    case 'D':
    case 'W':
      cursor.at++;
      return { members: `\\${letter.toLowerCase()}`, isNegated: true };
    case 's':
    case 'S':
      cursor.at++;
      return { members: SPACE, isNegated: letter === 'S' };
    case 'h':
    case 'H':
      cursor.at++;
      return { members: spell(HORIZONTAL, dialect), isNegated: letter === 'H' };
    case 'v':
    case 'V':
      cursor.at++;
      return { members: spell(VERTICAL, dialect), isNegated: letter === 'V' };
    default:
      return readProperty(cursor, dialect);
  }
}

function spell(codes: readonly (number | readonly [number, number])[], dialect: RegexDialect): string {
  return codes.map((code) => (typeof code === 'number' ? [code] : code).map((each) => dialect.codePoint(each)).join('-')).join('');
}

function readProperty(cursor: RegexCursor, dialect: RegexDialect): Escape | null {
  const found = cursor.match(PROPERTY);
  if (found === null) {
    if (cursor.peek() === 'p' || cursor.peek() === 'P') throw cursor.fault('\\p takes the name of a property in braces');
    return null;
  }
  const isNegated = (found[1] === 'P') !== (found[2] === '^');
  const name = found[3] ?? found[4] ?? '';
  if (name === 'L&') return { members: ['Lu', 'Ll', 'Lt'].map((each) => dialect.property(each, false)).join(''), isNegated };
  return { members: dialect.property(name, false), isNegated };
}

function readCode(cursor: RegexCursor): number {
  const hex = cursor.match(HEX);
  if (hex !== null) return inRange(cursor, Number.parseInt(hex[1] ?? hex[2] ?? '', 16) || 0);
  const octal = cursor.match(OCTAL);
  if (octal !== null) return inRange(cursor, Number.parseInt(octal[1] ?? octal[0], 8));
  const control = cursor.match(CONTROL_LETTER);
  if (control !== null) return (control[1] ?? '').toUpperCase().charCodeAt(0) ^ 0x40;
  const letter = cursor.peek();
  const code = CONTROL.get(letter);
  if (code === undefined && MEANINGLESS.test(letter)) throw cursor.fault(`\\${letter} has no meaning`);
  const literal = cursor.next();
  return code ?? literal;
}

function inRange(cursor: RegexCursor, code: number): number {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw cursor.fault('it names a character that does not exist');
  return code;
}
