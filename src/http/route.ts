import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { ErrorCode } from '../core/errors.ts';
import type { Caller, Scope } from '../core/key.ts';
import type { SpanAttributes } from '../ports/tracing.ts';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Area = 'events' | 'handlers' | 'hooks' | 'executions' | 'deliveries' | 'keys' | 'utilization' | 'operation';

/** What a route answers. At most one of `json`, `text` and `bytes`; none of them is an answer without a body. */
export interface Reply {
  status: number;
  json?: unknown;
  /** Ready JSON text (or whatever `contentType` says), sent as it is. */
  text?: string;
  bytes?: Uint8Array;
  headers?: Readonly<Record<string, string>>;
  /** application/json when absent. */
  contentType?: string;
  /** What the span of the request tells besides, where traces are on. */
  traced?: SpanAttributes;
}

/** What a route's handler gets: everything is checked already. */
export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The JSON text of the body as it came, for members that must not lose anything; '' unless `reads` is 'json'. */
  readonly bodyText: string;
  readonly caller: Caller;
  readonly request: IncomingMessage;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
}

export interface ReplySpec {
  description: string;
  schema?: z.ZodType;
  example?: unknown;
  /** application/json when absent. */
  contentType?: string;
}

/**
 * One route as data: the same object is mounted on the router, checks requests and prints the OpenAPI document.
 * Each file in routes/ exports `<area>Routes(deps: HttpDeps): Route[]`.
 */
export interface RouteSpec<P, Q, B> {
  method: Method;
  /** In the router's syntax: '/event/:id'. */
  path: string;
  summary: string;
  description?: string;
  area: Area;
  /** What the caller needs; null: open to all, such as /healthz. */
  scope: Scope | null;
  /** Of text values, percent-decoded. */
  params?: z.ZodType<P>;
  /**
   * Of text values. An object schema names the parameters there are: others are refused with 422, as are repeated ones;
   * on MADSci's own routes others are ignored and the last of several wins.
   */
  query?: z.ZodType<Q>;
  /** With `reads: 'json'` the body is parsed and checked by it; with 'stream' it only documents. */
  body?: z.ZodType<B>;
  /** 'json': parsed and checked before `handle`; 'stream': `handle` reads `request` itself; absent: the route has no body. */
  reads?: 'json' | 'stream';
  /** Content types for the documentation; application/json when absent. */
  consumes?: readonly string[];
  /** Not without a key for pages of other sites, although their scope lets those do more. */
  sameSite?: boolean;
  /** Errors in MADSci's shape, unless the client accepts application/problem+json. */
  madsci?: boolean;
  /** Also answers HEAD (M63). */
  head?: boolean;
  replies: Readonly<Record<number, ReplySpec>>;
  /** Codes from core/errors.ts that this route can answer, besides those every route can. */
  errors?: readonly ErrorCode[];
  /** Where traces are on: the span that holds a request, by MADSci's name for it (M58), and what it tells. */
  span?: { name: string; attributes?(input: RouteInput<P, Q, B>, reply: Reply | null): SpanAttributes };
  handle(input: RouteInput<P, Q, B>): Promise<Reply>;
}

/** A route whose types have done their work. */
export type Route = RouteSpec<unknown, unknown, unknown>;

/** Declares a route; the types of `handle`'s input follow from the schemas. */
export function route<P = unknown, Q = unknown, B = unknown>(spec: RouteSpec<P, Q, B>): Route {
  return spec;
}
