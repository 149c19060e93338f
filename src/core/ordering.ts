import { type ExactValue, isObject, memberOf, stringifyExact } from './json.ts';

const MAX_LENGTH = 500;

/** The text by which executions of a handler with `ordering_key` queue up: the value at the dotted path, "null" when nothing is there. */
export function orderingText(document: ExactValue, path: string): string {
  let value: ExactValue | undefined = document;
  for (const part of path.split('.')) {
    if (!isObject(value)) return 'null';
    value = memberOf(value, part);
  }
  return stringifyExact(value ?? null).slice(0, MAX_LENGTH);
}
