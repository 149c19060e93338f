/** What a selector needs to hold before it can match: lets an index find the few filters that an event may pass. */
import type { ExactValue } from '../json-value.ts';
import { parsePath, reaches } from './path.ts';
import type { FieldTest, Selector } from './selector.ts';
import { scalarKey } from './values.ts';

export { scalarKey } from './values.ts';

/**
 * For each path, a list of texts, numbers and booleans of which a matching document holds at least one there.
 * Compare by `scalarKey`, for which 1 and 1.0 are one. A selector without such conditions gives an empty map.
 */
export function requiredEqualities(selector: Selector): Map<string, ExactValue[]> {
  const required = new Map<string, ExactValue[]>();
  collect(selector, required);
  return required;
}

function collect(selector: Selector, required: Map<string, ExactValue[]>): void {
  if (selector.op === 'and') for (const clause of selector.clauses) collect(clause, required);
  if (selector.op === 'field') collectFromTest(selector.path.text, selector.test, required);
}

function collectFromTest(path: string, test: FieldTest, required: Map<string, ExactValue[]>): void {
  if (test.op === 'every') for (const each of test.tests) collectFromTest(path, each, required);
  const values = test.op === 'in' ? test.values : test.op === 'compare' && test.how === 'eq' ? [test.value] : null;
  if (values === null || values.some((value) => scalarKey(value) === null)) return;
  const known = required.get(path);
  if (known === undefined || values.length < known.length) required.set(path, [...values]);
}

/** All values that an equality on this path may meet, elements of arrays and arrays themselves among them. */
export function valuesAt(document: ExactValue, path: string): ExactValue[] {
  const values: ExactValue[] = [];
  reaches(document, parsePath(path), 'elements', (value) => {
    if (value !== undefined) values.push(value);
    return false;
  });
  return values;
}
