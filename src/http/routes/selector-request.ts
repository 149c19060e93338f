/** What POST /events/query asks for: a selector as the body, or in the query string as MADSci's client sends it (M12, M53). */
import { type ExactValue, JsonSyntaxError } from '../../core/json.ts';
import type { PageRequest } from '../../core/page.ts';
import { parsePythonLiteral } from '../../core/python-literal.ts';
import { parseSelector } from '../../core/selector/parse.ts';
import { parseProjection } from '../../core/selector/project.ts';
import { SelectorError, type SelectorErrorCode } from '../../core/selector/selector-error.ts';
import { parseSort } from '../../core/selector/sort.ts';
import { parseSelectorText } from '../../core/selector/text.ts';
import type { EventQuery } from '../../ports/event-store.ts';
import { madsciValue } from '../body/madsci-body.ts';

const DEFAULT_LIMIT = 100;

export interface SelectorParameters {
  selector?: string | undefined;
  limit: number | null;
  sort?: string | undefined;
  projection?: string | undefined;
  cursor?: string | undefined;
}

/** `page` is null when MADSci's map is asked for. */
export function readSelectorRequest(text: string, query: SelectorParameters): { query: EventQuery; page: PageRequest | null } {
  const selector = text === '' && query.selector !== undefined ? fromQueryString(query.selector) : madsciValue(text, parseSelectorText);
  parseSelector(selector);
  const sort = query.sort === undefined ? null : literal(query.sort, 'sort_invalid', 'sort');
  if (sort !== null) parseSort(sort);
  const projection = query.projection === undefined ? null : literal(query.projection, 'projection_invalid', 'projection');
  if (projection !== null) parseProjection(projection);
  return { query: { selector, sort, projection }, page: pageOf(query) };
}

function fromQueryString(text: string): ExactValue {
  try {
    return literal(text, 'selector_invalid', 'selector');
  } catch (error) {
    if (!(error instanceof SelectorError) || text.includes('{')) throw error;
    throw new SelectorError('selector_invalid', '', 'The selector came as its keys only, as old clients send it: send it as the body');
  }
}

/** JSON, or else a Python literal. */
function literal(text: string, code: SelectorErrorCode, name: string): ExactValue {
  try {
    return parseSelectorText(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
  }
  try {
    return parsePythonLiteral(text);
  } catch (error) {
    throw new SelectorError(
      code,
      '',
      `The ${name} is neither JSON nor a Python literal: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

function pageOf({ limit, sort, projection, cursor }: SelectorParameters): PageRequest | null {
  if (limit === null && sort === undefined && projection === undefined && cursor === undefined) return null;
  return { limit: limit ?? DEFAULT_LIMIT, cursor: cursor ?? null };
}
