import type { ExactValue } from '../../core/json-value.ts';
import type { Comparison } from '../../core/selector/selector.ts';
import { BSON } from '../../core/selector/values.ts';
import { type ColumnTest, type Condition, FALSE, TRUE } from './sql-condition.ts';

export type TextColumn = 'id' | 'type' | 'ts' | 'node_id';

const OPERATORS: Readonly<Record<Comparison, string>> = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** Longer lists go in as one JSON array: SQLite bounds the number of parameters. */
const MAX_LISTED = 64;

/** A test on a column that always holds a text. BINARY collation orders UTF-8 by code point, as the evaluator does. */
export function textCondition(column: TextColumn, test: ColumnTest): Condition | null {
  switch (test.op) {
    case 'compare':
      return comparison(column, test.how, test.value);
    case 'in':
      return membership(column, test.values);
    case 'exists':
      return TRUE;
    case 'type':
      return test.types.has(BSON.string) ? TRUE : FALSE;
    case 'regex':
      return test.regex.shape?.isAnchored ? prefix(column, test.regex.shape.text) : null;
    default:
      return FALSE; // tests of numbers and arrays
  }
}

function comparison(column: TextColumn, how: Comparison, value: ExactValue): Condition | null {
  if (typeof value !== 'string') return FALSE;
  if (!value.isWellFormed()) return null;
  return { sql: `${column} ${OPERATORS[how]} ?`, params: [value], isExact: true };
}

function membership(column: TextColumn, values: readonly ExactValue[]): Condition | null {
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length === 0) return FALSE;
  if (!texts.every((text) => text.isWellFormed())) return null;
  if (texts.length <= MAX_LISTED) return { sql: `${column} IN (${texts.map(() => '?').join(', ')})`, params: texts, isExact: true };
  if (texts.some((text) => text.includes('\0'))) return null; // SQLite's JSON functions end a text there
  return { sql: `${column} IN (SELECT value FROM json_each(?))`, params: [JSON.stringify(texts)], isExact: true };
}

/** The range of texts that begin so; the evaluator looks at the rest of the expression. */
function prefix(column: TextColumn, text: string): Condition | null {
  if (text === '' || !text.isWellFormed()) return null;
  const last = [...text].at(-1) ?? '';
  const code = last.codePointAt(0) ?? 0;
  const from: Condition = { sql: `${column} >= ?`, params: [text], isExact: false };
  const next = code === 0xd7ff ? 0xe000 : code + 1;
  if (next > 0x10ffff) return from;
  const until = text.slice(0, text.length - last.length) + String.fromCodePoint(next);
  return { sql: `(${column} >= ? AND ${column} < ?)`, params: [text, until], isExact: false };
}
