/** Who calls, and whether they may. */
import type { IncomingMessage } from 'node:http';
import { type Caller, hasScope, type Scope } from '../core/key.ts';
import type { HttpDeps } from './deps.ts';
import { FailedLogins } from './failed-logins.ts';
import { isCrossSite } from './origin.ts';
import { HttpError } from './problem.ts';
import type { Route } from './route.ts';

const BEARER = /^bearer +([\x21-\x7e]+) *$/i;
const EVENT_SCOPES: ReadonlySet<Scope> = new Set<Scope>(['events:read', 'events:write']);

/** Answers the caller of a request, or throws unauthenticated, rate_limited, forbidden or cross_site_refused. */
export type Authorize = (request: IncomingMessage, route: Route) => Caller;

export function authorizer(deps: HttpDeps): Authorize {
  const anonymous: Caller = Object.freeze({ keyId: null, name: 'anonymous', scopes: deps.anonymousScopes });
  const failures = new FailedLogins();

  function authenticate(request: IncomingMessage): Caller {
    const { authorization } = request.headers;
    if (authorization === undefined) return anonymous;
    const secret = isGivenTwice(request) ? undefined : BEARER.exec(authorization)?.[1];
    const caller = secret === undefined ? null : deps.keys.authenticate(secret);
    return caller ?? refuse(request);
  }

  function refuse(request: IncomingMessage): never {
    const wait = failures.note(request.socket.remoteAddress ?? '', deps.now());
    if (wait > 0) throw new HttpError('rate_limited', `Try again in ${wait} s`, { headers: { 'Retry-After': String(wait) } });
    throw unauthenticated('The key is not valid: send one Authorization header with Bearer and a live key', ', error="invalid_token"');
  }

  return (request, route) => {
    const { scope } = route;
    if (scope === null) return anonymous;
    const caller = authenticate(request);
    if (caller.keyId === null) assertSameSite(request, route);
    if (hasScope(caller.scopes, scope)) return caller;
    throw caller.keyId === null ? unauthenticated(`This needs a key with the scope ${scope}`, '') : forbidden(scope);
  };
}

/** Browsers send requests of any page along: those may do no more without a key than MADSci lets them (M26). */
function assertSameSite(request: IncomingMessage, { method, scope, sameSite = false }: Route): void {
  if (method === 'get' || scope === null || (EVENT_SCOPES.has(scope) && !sameSite) || !isCrossSite(request)) return;
  throw new HttpError('cross_site_refused', 'A page of another site may not do this without a key');
}

/** Node keeps the first of two Authorization headers; which one was meant is not for us to guess. */
function isGivenTwice({ rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'authorization') count++;
  return count > 1;
}

function unauthenticated(message: string, challenge: string): HttpError {
  return new HttpError('unauthenticated', message, { headers: { 'WWW-Authenticate': `Bearer realm="hookwright"${challenge}` } });
}

/** A key that may not do this. */
export function forbidden(scope: Scope): HttpError {
  const headers = { 'WWW-Authenticate': `Bearer realm="hookwright", error="insufficient_scope", scope="${scope}"` };
  return new HttpError('forbidden', `The key lacks the scope ${scope}`, { headers });
}
