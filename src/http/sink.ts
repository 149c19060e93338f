import { ERRORS } from '../core/errors.ts';
import type { HttpDeps } from './deps.ts';
import { type Context, type Middleware, requestId } from './exchange.ts';
import { LIMITS } from './limits.ts';
import { assertHost, hostCheck, isMadsci, isPreflight } from './origin.ts';
import { acceptsProblem, ClientGone, errorReply, HttpError, knownError } from './problem.ts';
import { rateLimiter } from './rate-limit.ts';
import { send } from './send.ts';

/** As nginx counts those that left before their answer. */
const CLIENT_GONE = 499;
const TOO_MANY = 429;
/** Others are what anybody may make up. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

/** The first middleware: turns away what may not enter, answers every error, and keeps count of requests under way. */
export interface Sink {
  middleware: Middleware;
  readonly active: number;
}

export function errorSink(deps: HttpDeps, isClosing: () => boolean): Sink {
  const isOurHost = hostCheck(deps.allowedHosts);
  const rateLimit = rateLimiter(deps.rateLimits, deps.now);
  const sink = { active: 0, middleware };

  async function middleware(ctx: Context, next: () => Promise<void>): Promise<void> {
    sink.active++;
    ctx.state.exchange = {
      requestId: requestId(ctx.req.headers['x-request-id']),
      startedAt: performance.now(),
      route: null,
      rateHeaders: null,
    };
    let ms: number | null = null;
    try {
      if (isClosing() || deps.stopping())
        throw new HttpError('shutting_down', 'The server is stopping', { headers: { Connection: 'close' } });
      if (!isPreflight(ctx.req)) ctx.state.exchange.rateHeaders = rateLimit(ctx.req);
      assertHost(isOurHost, ctx.req);
      await next();
      ms = elapsed(ctx);
      log(ctx, ms >= LIMITS.slowMs ? 'info' : 'debug', 'answered', ms);
    } catch (error) {
      answerError(ctx, error);
    } finally {
      sink.active--;
      count(ctx, ms ?? elapsed(ctx));
    }
  }

  function count({ method, res, state: { exchange } }: Context, ms: number): void {
    deps.answered({
      method: METHODS.has(method) ? method : 'other',
      route: exchange.route?.path ?? 'none',
      status: res.headersSent ? res.statusCode : CLIENT_GONE,
      ms,
    });
  }

  function answerError(ctx: Context, error: unknown): void {
    if (error instanceof ClientGone || ctx.req.socket.destroyed) {
      ctx.respond = false;
      log(ctx, 'debug', 'client gone', elapsed(ctx));
      return;
    }
    const known = knownError(error);
    const { status } = ERRORS[known.code];
    const { exchange } = ctx.state;
    const madsci = isMadsci(exchange.route) && !acceptsProblem(ctx.req.headers.accept);
    send(ctx, errorReply(known, { madsci, path: ctx.path, requestId: exchange.requestId }));
    // Whoever floods the server must not flood the log as well.
    const level = status >= 500 ? 'error' : status === TOO_MANY ? 'debug' : 'info';
    log(ctx, level, known.message, elapsed(ctx), {
      code: known.code,
      ...(status >= 500 ? { error: known.cause ?? known } : {}),
    });
  }

  /** Never the query string or the body: either may hold what a log should not. */
  function log(ctx: Context, level: 'debug' | 'info' | 'error', message: string, tookMs: number, more?: Record<string, unknown>): void {
    const { requestId: id } = ctx.state.exchange;
    const ms = Math.round(tookMs * 10) / 10;
    deps.log(level, message, { request_id: id, method: ctx.method, path: ctx.path, status: ctx.res.statusCode, ms, ...more });
  }

  return sink;
}

const elapsed = ({ state }: Context): number => performance.now() - state.exchange.startedAt;
