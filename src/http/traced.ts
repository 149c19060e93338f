import { ERRORS } from '../core/errors.ts';
import type { RequestTracing } from '../ports/tracing.ts';
import type { Context } from './exchange.ts';
import type { Input } from './input.ts';
import { knownError } from './problem.ts';
import type { Reply, Route } from './route.ts';

/** The handler of a route within a span, below the one that the caller names (W3C Trace Context). */
export function traced(route: Route, tracing: RequestTracing): (ctx: Context, input: Input) => Promise<Reply> {
  const { name = '', attributes } = route.span ?? {};
  const base = { 'http.request.method': route.method.toUpperCase(), 'http.route': route.path };
  return async (ctx, input) => {
    const { traceparent } = ctx.req.headers;
    const span = tracing.request(name, typeof traceparent === 'string' ? traceparent : undefined);
    try {
      const reply = await route.handle(input);
      span.end(reply.status, { ...base, ...attributes?.(input, reply), ...reply.traced });
      return reply;
    } catch (error) {
      const { code } = knownError(error);
      span.end(ERRORS[code].status, { ...base, ...attributes?.(input, null), 'error.type': code });
      throw error;
    }
  };
}
