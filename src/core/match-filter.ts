/** A handler's filter: a Mongo selector on the payload, kept as JSON text. */
import { EngineError } from './errors.ts';
import { type ExactValue, JsonNumberError, JsonSyntaxError, parseExact } from './json.ts';
import { HEAD_MEMBERS, type Matchable } from './match-probe.ts';
import { requiredEqualities } from './selector/index-keys.ts';
import { compileSelector } from './selector/match.ts';
import { parseSelector } from './selector/parse.ts';
import { looksOnlyAt } from './selector/roots.ts';
import { SelectorError } from './selector/selector-error.ts';

export type Filter = Pick<Matchable, 'matches' | 'anchors' | 'needsHeadOnly'>;

/** Where a registration holds its filter. */
const POINTER = '/filter';

/**
 * Compiles a filter so that it runs in time linear in the payload: it runs for every event, where no deadline can stop it.
 * Throws EngineError with pointers below /filter for what is no selector or is not offered.
 */
export function compileFilter(text: string): Filter {
  try {
    const selector = parseSelector(parseExact(text));
    if (selector.op === 'and' && selector.clauses.length === 0) return { matches: null, anchors: new Map() };
    return {
      matches: compileSelector(selector, { backtracking: false }),
      anchors: requiredEqualities(selector),
      needsHeadOnly: looksOnlyAt(selector, HEAD_MEMBERS),
    };
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof SelectorError) {
    const faults = error.faults.map(({ pointer, detail }) => ({ pointer: POINTER + pointer, detail }));
    return new EngineError(error.code, error.message, { faults, cause: error });
  }
  if (error instanceof JsonSyntaxError || error instanceof JsonNumberError)
    return new EngineError('selector_invalid', `The filter is not JSON: ${error.message}`, {
      faults: [{ pointer: POINTER, detail: error.message }],
      cause: error,
    });
  return error;
}

/** A filter that could not be compiled (any more): takes nothing. */
export const NO_MATCH: Filter = { matches: (_document: ExactValue) => false, anchors: new Map() };
