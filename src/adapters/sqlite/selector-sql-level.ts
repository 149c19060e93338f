import type { ExactValue } from '../../core/json-value.ts';
import type { Comparison } from '../../core/selector/selector.ts';
import { BSON, isNumeric, numeric } from '../../core/selector/values.ts';
import { type ColumnTest, type Condition, FALSE, type SqlValue, TRUE } from './sql-condition.ts';

const OPERATORS: Readonly<Record<Comparison, string>> = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' };
const INT32 = 'level BETWEEN -2147483648 AND 2147483647';
const MAX_LISTED = 64;

/** A test on the level, a column that always holds an integer. */
export function levelCondition(test: ColumnTest): Condition | null {
  switch (test.op) {
    case 'compare':
      return comparison(test.how, test.value);
    case 'in':
      return membership(test.values);
    case 'exists':
      return TRUE;
    case 'type':
      return typeCondition(test.types.has(BSON.int), test.types.has(BSON.long));
    case 'mod':
    case 'bits':
      return null;
    default:
      return FALSE; // tests of texts and arrays
  }
}

function comparison(how: Comparison, value: ExactValue): Condition {
  if (!isNumeric(value) || Number.isNaN(numeric(value))) return FALSE;
  const { sql, params } = operand(numeric(value));
  return { sql: `level ${OPERATORS[how]} ${sql}`, params, isExact: true };
}

/** Integers stand in the text, so that SQLite can use an index over part of the levels (`WHERE level >= 40`). */
function operand(value: number | bigint): { sql: string; params: SqlValue[] } {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return { sql: String(value + 0), params: [] };
  return { sql: '?', params: [value] };
}

function membership(values: readonly ExactValue[]): Condition | null {
  const numbers = values
    .filter(isNumeric)
    .map(numeric)
    .filter((value) => !Number.isNaN(value));
  if (numbers.length === 0) return FALSE;
  if (numbers.length > MAX_LISTED) return null;
  const operands = numbers.map(operand);
  return {
    sql: `level IN (${operands.map(({ sql }) => sql).join(', ')})`,
    params: operands.flatMap(({ params }) => params),
    isExact: true,
  };
}

function typeCondition(takesInt: boolean, takesLong: boolean): Condition {
  if (takesInt === takesLong) return takesInt ? TRUE : FALSE;
  return { sql: takesInt ? INT32 : `NOT (${INT32})`, params: [], isExact: true };
}
