import type { FieldTest } from '../../core/selector/selector.ts';

/** A test of single values; what combines tests is combined in SQL. */
export type ColumnTest = Exclude<FieldTest, { op: 'not' | 'every' }>;

export type SqlValue = string | number | bigint | null;

/** A condition that every matching row fulfils; if exact, no other row does. */
export interface Condition {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  readonly isExact: boolean;
}

export const TRUE: Condition = { sql: '1', params: [], isExact: true };
export const FALSE: Condition = { sql: '0', params: [], isExact: true };

/** What can be expressed is, the rest is left to the evaluator. */
export function conjunction(conditions: readonly (Condition | null)[]): Condition | null {
  const known = conditions.filter((condition) => condition !== null);
  if (known.length === 0) return conditions.length === 0 ? TRUE : null;
  return { ...join(known, ' AND '), isExact: known.length === conditions.length && known.every((condition) => condition.isExact) };
}

/** One branch that cannot be expressed lets any row through. */
export function disjunction(conditions: readonly (Condition | null)[]): Condition | null {
  const known = conditions.filter((condition) => condition !== null);
  if (known.length < conditions.length) return null;
  return known.length === 0 ? FALSE : { ...join(known, ' OR '), isExact: known.every((condition) => condition.isExact) };
}

/** The opposite of a superset is no superset, so only exact conditions are turned round. `IS NOT TRUE` holds for null too. */
export function negation(condition: Condition | null): Condition | null {
  if (condition === null || !condition.isExact) return null;
  return { sql: `(${condition.sql}) IS NOT TRUE`, params: condition.params, isExact: true };
}

/** Joins in a balanced tree, as SQLite bounds the depth of an expression at 1,000. */
function join(conditions: readonly Condition[], operator: ' AND ' | ' OR '): { sql: string; params: SqlValue[] } {
  return {
    sql: balanced(
      conditions.map(({ sql }) => sql),
      operator,
    ),
    params: conditions.flatMap(({ params }) => params),
  };
}

function balanced(terms: readonly string[], operator: string): string {
  if (terms.length <= 8) return terms.length === 1 ? (terms[0] ?? '') : `(${terms.join(operator)})`;
  const middle = terms.length >> 1;
  return `(${balanced(terms.slice(0, middle), operator)}${operator}${balanced(terms.slice(middle), operator)})`;
}
