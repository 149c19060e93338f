import { lacking, type RegexCursor } from './regex-cursor.ts';
import type { RegexDialect } from './regex-dialect.ts';
import { type Escape, readEscape, SPACE } from './regex-escape.ts';

const POSIX_CLASS = /\[:(\^?)([a-z]*):\]/y;
/** A class without its brackets, and names of characters that MongoDB knows and refuses. */
const LONE_POSIX_CLASS = /([:.=])[^\\[\]]*\1\]/y;
const COLLATION = /\[([.=])[^\\[\]]*\1\]/y;
/** Escapes that are letters within brackets. */
const ESCAPED_LETTER = /[ABCGKRXZz]/y;
const BACKSPACE = 0x08;

/** Translates a bracket class; the cursor stands behind the opening bracket. */
export function translateClass(cursor: RegexCursor, dialect: RegexDialect): string {
  if (cursor.match(LONE_POSIX_CLASS) !== null) throw cursor.fault('a class such as [:alpha:] stands within brackets');
  const open = cursor.take('^') ? '[^' : '[';
  let members = cursor.take(']') ? dialect.codePoint(0x5d) : '';
  while (!cursor.take(']')) {
    if (cursor.isAtEnd) throw cursor.fault('a bracket is not closed');
    members += translateMember(cursor, dialect);
  }
  return `${open}${members}]`;
}

function translateMember(cursor: RegexCursor, dialect: RegexDialect): string {
  const posix = cursor.match(POSIX_CLASS);
  if (posix !== null) {
    const members = dialect.posixClass(posix[2] ?? '', posix[1] === '^');
    if (members === null) throw cursor.fault(`[:${posix[2]}:] is not a class`);
    return members;
  }
  if (cursor.match(COLLATION) !== null) throw cursor.fault('names of characters in brackets are not supported');
  if (cursor.take('\\Q')) return quoted(cursor, dialect);
  if (cursor.take('\\E')) return '';
  const from = readMember(cursor, dialect);
  if ('members' in from) return spellSet(from, dialect);
  return dialect.codePoint(from.code) + rangeEnd(from.code, cursor, dialect);
}

function quoted(cursor: RegexCursor, dialect: RegexDialect): string {
  const text = cursor.until('\\E');
  if (text === null) throw cursor.fault('\\Q in a bracket needs its \\E');
  return [...text].map((char) => dialect.codePoint(char.codePointAt(0) ?? 0)).join('');
}

function readMember(cursor: RegexCursor, dialect: RegexDialect): Escape {
  if (!cursor.take('\\')) return { code: cursor.next() };
  if (cursor.take('b')) return { code: BACKSPACE };
  const letter = cursor.match(ESCAPED_LETTER);
  return letter === null ? readEscape(cursor, dialect) : { code: letter[0].charCodeAt(0) };
}

/** Negated sets inside a class have short spellings only where the engines have a letter for them. */
function spellSet(set: { members: string; isNegated: boolean }, dialect: RegexDialect): string {
  if (!set.isNegated) return set.members;
  if (/^\\[dw]$/.test(set.members)) return set.members.toUpperCase();
  if (/^\\p\{[^}]*\}$/.test(set.members)) return `\\P${set.members.slice(2)}`;
  if (set.members === SPACE) return `\\x00-\\x08\\x0e-\\x1f\\x21-${dialect.codePoint(0x10ffff)}`;
  throw lacking('a negated set within brackets that the engine cannot express');
}

/** The rest of a range such as `a-z`; a dash before a set or the closing bracket is a dash. */
function rangeEnd(from: number, cursor: RegexCursor, dialect: RegexDialect): string {
  if (cursor.peek() !== '-' || cursor.peek(1) === ']' || cursor.peek(1) === '') return '';
  cursor.at++;
  const to = readMember(cursor, dialect);
  if ('members' in to) throw cursor.fault('a range in brackets ends in a set');
  if (to.code < from) throw cursor.fault('a range in brackets runs backwards');
  return `-${dialect.codePoint(to.code)}`;
}
