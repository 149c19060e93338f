/**
 * Selectors as conditions on the columns of `events`, so that SQLite's indexes can serve them.
 * User text only ever becomes a parameter; the SQL text holds column names, operators and safe integers, nothing else.
 */
import { compileValueTest } from '../../core/selector/match.ts';
import type { FieldTest, Selector } from '../../core/selector/selector.ts';
import { levelCondition } from './selector-sql-level.ts';
import { textCondition } from './selector-sql-text.ts';
import { type ColumnTest, type Condition, conjunction, disjunction, FALSE, negation, TRUE } from './sql-condition.ts';

export interface PushDown {
  /** A condition that every matching row fulfils; never empty. */
  where: string;
  params: (string | number | bigint | null)[];
  /** Whether the rows are exactly the matching ones; otherwise each has to be tested again. */
  exact: boolean;
}

export function pushDown(selector: Selector): PushDown {
  const { sql, params, isExact } = conditionOf(selector) ?? { ...TRUE, isExact: false };
  return { where: sql, params: [...params], exact: isExact };
}

/** Null where the columns say nothing. */
function conditionOf(selector: Selector): Condition | null {
  switch (selector.op) {
    case 'always':
      return selector.value ? TRUE : FALSE;
    case 'and':
      return conjunction(selector.clauses.map(conditionOf));
    case 'or':
      return disjunction(selector.clauses.map(conditionOf));
    case 'nor':
      return negation(disjunction(selector.clauses.map(conditionOf)));
    case 'field':
      return fieldCondition(selector.path.text, selector.test);
    default:
      return selector satisfies never;
  }
}

function fieldCondition(path: string, test: FieldTest): Condition | null {
  if (test.op === 'every') return conjunction(test.tests.map((each) => fieldCondition(path, each)));
  if (test.op === 'not') return negation(conjunction(test.tests.map((each) => fieldCondition(path, each))));
  switch (path) {
    case '_id':
      return textCondition('id', test);
    case 'event_type':
      return textCondition('type', test);
    case 'event_timestamp':
      return textCondition('ts', test);
    case 'log_level':
      return levelCondition(test);
    case 'alert':
    case 'archived':
      return flagCondition(path, test);
    case 'source.node_id':
      return nodeCondition(test);
    default:
      return null;
  }
}

/** A flag has two values, so any test can be tried on both beforehand. */
function flagCondition(column: 'alert' | 'archived', test: ColumnTest): Condition {
  const passes = compileValueTest(test, { backtracking: true });
  const whenTrue = passes(true);
  if (whenTrue === passes(false)) return whenTrue ? TRUE : FALSE;
  return { sql: `${column} = ${whenTrue ? 1 : 0}`, params: [], isExact: true };
}

/** The column is null where there is no node, so only equality with a text says something. */
function nodeCondition(test: ColumnTest): Condition | null {
  const values = test.op === 'in' ? test.values : test.op === 'compare' && test.how === 'eq' ? [test.value] : [];
  return values.length > 0 && values.every((value) => typeof value === 'string') ? textCondition('node_id', test) : null;
}
