/** Errors as clients see them: problem+json (RFC 9457), or FastAPI's shapes on MADSci's routes (M27). */
import { EngineError, ERRORS, type ErrorCode, type Fault } from '../core/errors.ts';
import { type ExactValue, stringifyExact } from '../core/json.ts';
import { pointerTo } from '../core/selector/selector-error.ts';
import type { ValidationIssue } from '../core/validation.ts';
import type { Reply } from './route.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** An error whose answer needs more than the catalogue says: headers, or further members of the problem. */
export class HttpError extends EngineError {
  readonly headers: Readonly<Record<string, string>>;
  /** Further members as JSON text without braces, such as `"stored":5`. */
  readonly members: string;

  constructor(
    code: ErrorCode,
    message: string,
    more: { headers?: Readonly<Record<string, string>>; members?: string; cause?: unknown } = {},
  ) {
    super(code, message, { cause: more.cause });
    this.headers = more.headers ?? {};
    this.members = more.members ?? '';
  }
}

/** A request that its schema refuses. Each `loc` begins with the part of the request: "body", "query" or "path". */
export class InvalidRequest extends EngineError {
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    const faults = issues.map(faultOf);
    super('invalid_request', faults.map(({ pointer, detail }) => `${pointer === '' ? 'body' : pointer}: ${detail}`).join('; '), { faults });
    this.issues = issues;
  }
}

/** The client went away: nobody is left to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** A JSON pointer for what is in the body, a name for a parameter. */
function faultOf({ loc, msg }: ValidationIssue): Fault {
  const [part, ...path] = loc;
  const pointer = part === 'body' ? path.reduce<string>(pointerTo, '') : path.join('.');
  return { pointer, detail: msg };
}

/** Issues of a body as the core words them, with the part that FastAPI puts first. */
export function inBody(issues: readonly ValidationIssue[]): InvalidRequest {
  return new InvalidRequest(issues.map((issue) => ({ ...issue, loc: ['body', ...issue.loc] })));
}

/** The error to answer: unknown ones become `internal`, with nothing of them shown. */
export function knownError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError('internal', 'Something went wrong inside; the log has more under this request id', { cause: error });
}

/** Where and to whom an error is answered. */
export interface ErrorContext {
  /** In MADSci's shape. */
  madsci: boolean;
  path: string;
  requestId: string;
}

export function errorReply(error: EngineError, context: ErrorContext): Reply {
  const { status } = ERRORS[error.code];
  const headers = { ...retryAfter(error), ...(error instanceof HttpError ? error.headers : {}) };
  if (context.madsci) return { status, headers, text: `{"detail":${detailText(error)}}` };
  return { status, headers, text: problemText(error, context), contentType: PROBLEM_TYPE };
}

/** A client that names problem+json gets it everywhere. */
export function acceptsProblem(accept: string | undefined): boolean {
  return accept?.includes(PROBLEM_TYPE) ?? false;
}

function retryAfter({ code }: EngineError): Record<string, string> {
  const { status, retryable } = ERRORS[code];
  return status === 503 && retryable ? { 'Retry-After': '1' } : {};
}

function detailText(error: EngineError): string {
  return error instanceof InvalidRequest ? `[${error.issues.map(issueText).join(',')}]` : JSON.stringify(error.message);
}

function issueText({ type, loc, msg, input, ctx }: ValidationIssue): string {
  const issue: { [key: string]: ExactValue } = { type, loc: [...loc], msg, input: input ?? null };
  if (ctx !== undefined) issue['ctx'] = ctx;
  return stringifyExact(issue);
}

function problemText(error: EngineError, { path, requestId }: ErrorContext): string {
  const { status, title } = ERRORS[error.code];
  const problem = {
    type: `/docs/errors#${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    instance: path,
    request_id: requestId,
    ...(error.faults.length > 0 ? { errors: error.faults } : {}),
  };
  const text = JSON.stringify(problem);
  return error instanceof HttpError && error.members !== '' ? `${text.slice(0, -1)},${error.members}}` : text;
}
