import { Double, type ExactValue, membersOf, naiveDateText, pythonFloat } from './json.ts';

/** Python's str() of a JSON value, which MADSci makes an event's id from (M2): null is "None", a list its literal. */
export function pythonStr(value: ExactValue): string {
  return typeof value === 'string' ? value : pythonRepr(value);
}

/** Python's repr() of a JSON value. */
export function pythonRepr(value: ExactValue): string {
  if (typeof value === 'string') return textLiteral(value);
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : pythonFloat(value);
  if (value instanceof Double) return pythonFloat(value.value);
  if (value instanceof Date) return naiveDateText(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  return `{${Array.from(membersOf(value), ([key, member]) => `${textLiteral(key)}: ${pythonRepr(member)}`).join(', ')}}`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** What Python shows by an escape: controls, formats, surrogates, private and unassigned ones, and blanks other than the space. */
const NEEDS_ESCAPE = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function textLiteral(text: string): string {
  const body = text.replace(NEEDS_ESCAPE, escapeOf);
  if (!text.includes("'")) return `'${body}'`;
  return text.includes('"') ? `'${body.replaceAll("'", "\\'")}'` : `"${body}"`;
}

function escapeOf(char: string): string {
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
