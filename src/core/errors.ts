export interface ErrorSpec {
  status: number;
  /** Whether the same request may succeed later without being changed. */
  retryable: boolean;
  title: string;
  /** What the caller can do about it; shown in docs/errors.md and in /docs. */
  remedy: string;
}

/** Every error a client can meet, by its stable code. docs/errors.md is tested against this table. */
export const ERRORS = {
  invalid_request: {
    status: 422,
    retryable: false,
    title: 'The request does not fit its schema',
    remedy: 'Correct the members named in `errors` and send it again.',
  },
  invalid_json: {
    status: 400,
    retryable: false,
    title: 'The body is not JSON',
    remedy: 'Send UTF-8 JSON (RFC 8259) with Content-Type application/json.',
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: 'The content type is not read here',
    remedy: 'Use the content type that /docs names for this route.',
  },
  body_too_large: {
    status: 413,
    retryable: false,
    title: 'The body is larger than the server reads',
    remedy: 'Send less at once, or POST /events with NDJSON, which takes any number of lines.',
  },
  not_found: { status: 404, retryable: false, title: 'No such route', remedy: 'Look the route up in /docs.' },
  method_not_allowed: {
    status: 405,
    retryable: false,
    title: 'The route does not offer this method',
    remedy: 'Use one of the methods in the Allow header.',
  },
  event_not_found: { status: 404, retryable: false, title: 'No such event', remedy: 'List events with GET /events.' },
  hook_not_found: { status: 404, retryable: false, title: 'No such hook', remedy: 'List hooks with GET /hooks.' },
  hook_not_triggerable: {
    status: 409,
    retryable: false,
    title: 'The hook fires by itself and cannot be triggered',
    remedy: 'Post an event instead, or use a hook that GET /hooks shows as triggerable.',
  },
  handler_not_found: { status: 404, retryable: false, title: 'No such handler', remedy: 'List handlers with GET /handlers.' },
  handler_not_runnable: {
    status: 409,
    retryable: false,
    title: 'The handler cannot be run by hand',
    remedy: 'Only enabled handlers on schedule.cron can; for others, fire their hook.',
  },
  version_not_found: {
    status: 404,
    retryable: false,
    title: 'The handler has no such version',
    remedy: 'List versions with GET /handlers/{id}/versions.',
  },
  execution_not_found: { status: 404, retryable: false, title: 'No such execution', remedy: 'List executions with GET /executions.' },
  delivery_not_found: { status: 404, retryable: false, title: 'No such delivery', remedy: 'List deliveries with GET /deliveries.' },
  key_not_found: { status: 404, retryable: false, title: 'No such key', remedy: 'List keys with GET /keys.' },
  execution_not_cancelable: {
    status: 409,
    retryable: false,
    title: 'The execution has already ended',
    remedy: 'Only pending and leased executions can be canceled.',
  },
  execution_not_replayable: {
    status: 409,
    retryable: false,
    title: 'The execution has not ended yet',
    remedy: 'Wait for it to end, or cancel it first.',
  },
  delivery_not_resendable: {
    status: 409,
    retryable: false,
    title: 'The mail is still on its way',
    remedy: 'Only sent and failed deliveries can be sent again.',
  },
  retention_held: {
    status: 409,
    retryable: false,
    title: 'Retention waits, because the clock is far ahead of what the store has seen',
    remedy: 'Set the clock right. If it is right, because no server ran for so long, run it with clock_is_right.',
  },
  handler_source_invalid: {
    status: 422,
    retryable: false,
    title: 'The handler does not compile',
    remedy: 'Correct the source at the line and column named; nothing was stored.',
  },
  selector_invalid: {
    status: 400,
    retryable: false,
    title: 'The selector is not valid',
    remedy: 'Correct it at the place named by `pointer`.',
  },
  selector_operator_refused: {
    status: 400,
    retryable: false,
    title: 'The selector uses an operator that is not offered',
    remedy: 'Use the operators listed in docs/compatibility.md.',
  },
  selector_too_large: { status: 400, retryable: false, title: 'The selector is too large', remedy: 'Use fewer clauses or shorter lists.' },
  selector_regex_unsupported: {
    status: 400,
    retryable: false,
    title: 'This regular expression is not offered here',
    remedy: 'Handler filters run in linear time: leave out look-around and back references.',
  },
  projection_invalid: {
    status: 400,
    retryable: false,
    title: 'The projection is not valid',
    remedy: 'Name members with 1 or with 0, not both.',
  },
  sort_invalid: { status: 400, retryable: false, title: 'The sort order is not valid', remedy: 'Give at most five members, each 1 or -1.' },
  cursor_invalid: {
    status: 400,
    retryable: false,
    title: 'The cursor is not valid',
    remedy: 'Use next_cursor of the same list as it came.',
  },
  query_deadline: {
    status: 503,
    retryable: false,
    title: 'The query took too long and was stopped',
    remedy: 'Narrow it: by time, type, level or node, or add a limit.',
  },
  result_too_large: {
    status: 413,
    retryable: false,
    title: 'The answer would be too large',
    remedy: 'Ask for pages with limit and cursor.',
  },
  unauthenticated: {
    status: 401,
    retryable: false,
    title: 'A key is needed',
    remedy: 'Send Authorization: Bearer <key>. The first start printed the admin key.',
  },
  forbidden: {
    status: 403,
    retryable: false,
    title: 'The key lacks the scope for this',
    remedy: 'Use a key with the scope named, or have an admin make one with POST /keys.',
  },
  cross_site_refused: {
    status: 403,
    retryable: false,
    title: 'The request comes from another site',
    remedy: 'Call the API from the same origin, or send a key.',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    title: 'Too many requests, or failed logins, from this address',
    remedy: 'Wait for Retry-After seconds; check the key. EVENT_RATE_LIMIT_* are the bounds.',
  },
  request_timeout: {
    status: 408,
    retryable: true,
    title: 'The request took too long to arrive',
    remedy: 'Send it again without pauses; POST /events with NDJSON may take any time while data flows.',
  },
  last_admin_key: {
    status: 409,
    retryable: false,
    title: 'This is the last admin key',
    remedy: 'Create another admin key first.',
  },
  backup_running: {
    status: 409,
    retryable: true,
    title: 'Another backup is being made',
    remedy: 'Wait until it has ended; GET /backup/status lists it then.',
  },
  backup_failed: {
    status: 500,
    retryable: true,
    title: 'The backup could not be made',
    remedy: 'The text says why: make room, or set BACKUP_DIR to a folder that the server may write.',
  },
  backup_not_found: { status: 404, retryable: false, title: 'No such backup', remedy: 'List backups with hookwright backup list.' },
  backup_damaged: {
    status: 409,
    retryable: false,
    title: 'The backup is not as it was made',
    remedy: 'Use another one: hookwright backup list shows which are valid. Nothing was changed.',
  },
  backup_unfit: {
    status: 409,
    retryable: false,
    title: 'The backup does not fit this store or this release',
    remedy: 'Restore it with the release and the kind of store that made it. Nothing was changed.',
  },
  restore_refused: {
    status: 409,
    retryable: true,
    title: 'The restore cannot be done now',
    remedy: 'Do what the text says (mostly: stop every server on the store) and run it again. Nothing was changed.',
  },
  store_unavailable: { status: 503, retryable: true, title: 'The store does not answer', remedy: 'Try again; see /readyz.' },
  store_full: {
    status: 507,
    retryable: true,
    title: 'The store has no room left',
    remedy: 'Free space in the data folder; nothing was half stored.',
  },
  runners_unavailable: {
    status: 503,
    retryable: true,
    title: 'No process that runs handlers could be started',
    remedy: 'Try again; the log says why runners do not start.',
  },
  overloaded: { status: 503, retryable: true, title: 'Too much is waiting to be stored', remedy: 'Try again after Retry-After seconds.' },
  shutting_down: { status: 503, retryable: true, title: 'The server is stopping', remedy: 'Try again after Retry-After seconds.' },
  internal: { status: 500, retryable: true, title: 'Something went wrong inside', remedy: 'Report it with the request id.' },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** One fault in a request: where (JSON pointer into the body, or the name of a parameter) and what. */
export interface Fault {
  pointer: string;
  detail: string;
  /** For a fault within a text of several lines, such as a handler's code: where, counted from 1. */
  line?: number;
  column?: number;
}

/** An error that its caller caused or can act on. `message` may be shown to the client; it never holds secrets. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];
  constructor(code: ErrorCode, message: string, options: { faults?: readonly Fault[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.faults = options.faults ?? [];
  }
}
