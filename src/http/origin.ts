/** Host and Origin: what protects a server on a lab's network from pages that its users' browsers visit. */
import type { IncomingMessage } from 'node:http';
import { HttpError } from './problem.ts';
import type { Reply, Route } from './route.ts';

/** Whether a Host header names this server. A page that rebinds its own name to our address is stopped here. */
export type HostCheck = (host: string | undefined) => boolean;

const PORT = /:\d+$/;

export function hostCheck(allowedHosts: readonly string[] | null): HostCheck {
  if (allowedHosts === null) return () => true;
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (host) => {
    if (host === undefined || allowed.has(host)) return true; // no browser leaves Host out
    const name = host.toLowerCase();
    return allowed.has(name) || allowed.has(name.replace(PORT, '').replace(/\.$/, ''));
  };
}

export function assertHost(check: HostCheck, request: IncomingMessage): void {
  if (check(request.headers.host)) return;
  throw new HttpError('cross_site_refused', 'This server does not answer to the name in the Host header');
}

/** Whether a browser sent the request for a page of another origin. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return headers['sec-fetch-site'] === 'cross-site';
  return origin !== `http://${host}` && origin !== `https://${host}`;
}

/**
 * What lets pages of other origins read an answer (M26): all answers of MADSci's routes, and of ours those to a request with a key.
 * Credentials that a browser adds by itself mean nothing here, so `*` gives nothing away.
 */
export function corsHeaders(request: IncomingMessage, route: Route | null): readonly string[] {
  const { origin, cookie } = request.headers;
  if (origin === undefined || !(isMadsci(route) || hasKey(request))) return NONE;
  return cookie === undefined ? ANY_ORIGIN : ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin'];
}

const NONE: readonly string[] = [];
const ANY_ORIGIN: readonly string[] = ['Access-Control-Allow-Origin', '*'];

/** Whether a request brings a key, or a preflight announces one. */
function hasKey({ headers }: IncomingMessage): boolean {
  return headers.authorization !== undefined || (headers['access-control-request-headers'] ?? '').toLowerCase().includes('authorization');
}

/** Paths that are no route at all answer as MADSci does. */
export function isMadsci(route: Route | null): boolean {
  return route === null || route.madsci === true;
}

const ALLOWED_METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';

export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

/** Answers a preflight as MADSci does (M26); for our own routes only when a key is announced. */
export function preflightReply(request: IncomingMessage, route: Route | null): Reply {
  if (!isMadsci(route) && !hasKey(request)) throw new HttpError('cross_site_refused', 'A page of another site needs a key for this');
  const { 'access-control-request-headers': wanted, 'access-control-request-method': method = '' } = request.headers;
  const isKnown = ALLOWED_METHODS.split(', ').includes(method);
  return {
    status: isKnown ? 200 : 400,
    text: isKnown ? 'OK' : 'Disallowed CORS method',
    contentType: 'text/plain; charset=utf-8',
    headers: {
      'Access-Control-Allow-Methods': ALLOWED_METHODS,
      'Access-Control-Max-Age': '600',
      ...(wanted === undefined ? {} : { 'Access-Control-Allow-Headers': wanted }),
    },
  };
}
