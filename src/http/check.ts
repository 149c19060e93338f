/** Checks what a request gives against the schemas of its route. */
import { z } from 'zod';
import { EngineError, type Fault } from '../core/errors.ts';
import { pointerTo } from '../core/selector/selector-error.ts';
import type { ValidationIssue } from '../core/validation.ts';
import { InvalidRequest } from './problem.ts';
import type { Route } from './route.ts';

type Texts = Record<string, string>;

/** The parameters of a query string; the last of several wins, as on MADSci. */
function queryTexts(queryString: string): { texts: Texts; repeated: string[] } {
  const texts: Texts = Object.create(null);
  const repeated: string[] = [];
  for (const [name, text] of new URLSearchParams(queryString)) {
    if (name in texts) repeated.push(name);
    texts[name] = text;
  }
  return { texts, repeated };
}

/** Reads query strings of one route. */
export function queryChecker(route: Route): (queryString: string) => unknown {
  const { query } = route;
  const known = query instanceof z.ZodObject ? new Set(Object.keys(query.shape)) : null;
  const isStrict = route.madsci !== true && (query === undefined || known !== null);
  const nothing = Object.freeze({});
  return (queryString) => {
    if (query === undefined && (queryString === '' || !isStrict)) return nothing;
    const { texts, repeated } = queryTexts(queryString);
    if (isStrict) refuseStrange(texts, repeated, known);
    return query === undefined ? nothing : checked(query, texts, 'query');
  };
}

function refuseStrange(texts: Texts, repeated: readonly string[], known: ReadonlySet<string> | null): void {
  const unknown = Object.keys(texts).filter((name) => known === null || !known.has(name));
  const faults: Fault[] = [
    ...unknown.map((pointer) => ({ pointer, detail: 'There is no such parameter' })),
    ...repeated.map((pointer) => ({ pointer, detail: 'Given more than once' })),
  ];
  if (faults.length > 0) throw invalid(faults);
}

/** What `schema` makes of `value`; throws invalid_request, in FastAPI's terms where the schema speaks them. */
export function checked(schema: z.ZodType, value: unknown, part: 'query' | 'path' | 'body'): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  if (issues.every(isPydantic)) throw new InvalidRequest(asMadsciHas(issues).map((issue) => pydanticIssue(issue, part)));
  throw invalid(issues.flatMap((issue) => faultsOf(issue, part)));
}

function invalid(faults: readonly Fault[]): EngineError {
  const message = faults.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`)).join('; ');
  return new EngineError('invalid_request', message, { faults });
}

function faultsOf(issue: z.core.$ZodIssue, part: string): Fault[] {
  const path = issue.path.map(String);
  const pointer = (more: string[]): string =>
    part === 'body' ? [...path, ...more].reduce<string>(pointerTo, '') : [...path, ...more].join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ pointer: pointer([key]), detail: 'There is no such member' }));
  return [{ pointer: pointer([]), detail: issue.message }];
}

/** What a schema of query-values.ts says about a fault, beyond zod's message and path. */
export type PydanticFault = Pick<ValidationIssue, 'type' | 'msg' | 'input' | 'ctx'> & {
  below: (string | number)[];
  /** Whether MADSci takes the value. Such a fault is told only when there is no other. */
  isOurs?: boolean;
};

function isPydantic(issue: z.core.$ZodIssue): issue is PydanticIssue {
  return issue.code === 'custom' && issue.params !== undefined && 'pydantic' in issue.params;
}

type PydanticIssue = z.core.$ZodIssueCustom & { params: { pydantic: PydanticFault } };

function asMadsciHas(issues: PydanticIssue[]): PydanticIssue[] {
  const shared = issues.filter(({ params }) => params.pydantic.isOurs !== true);
  return shared.length > 0 ? shared : issues;
}

function pydanticIssue(issue: PydanticIssue, part: string): ValidationIssue {
  const { below, isOurs: _, ...fault } = issue.params.pydantic;
  return { ...fault, loc: [part, ...issue.path.map(String), ...below] };
}
