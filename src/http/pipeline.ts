import type { RequestTracing } from '../ports/tracing.ts';
import type { Authorize } from './auth.ts';
import type { ReadJson } from './body/json-body.ts';
import { checked, queryChecker } from './check.ts';
import type { Context } from './exchange.ts';
import { Input } from './input.ts';
import { percentDecoded } from './percent.ts';
import type { Route } from './route.ts';
import { methodNotAllowed } from './router.ts';
import { send } from './send.ts';
import { traced } from './traced.ts';

const PARAMETER = /:(\w+)/g;

/** Everything between the router and a route's handler: rights, parameters, query, body, and the answer. */
export function pipeline(
  route: Route,
  { authorize, readJson, tracing }: { authorize: Authorize; readJson: ReadJson; tracing: RequestTracing | null },
): (ctx: Context) => Promise<void> {
  const names = Array.from(route.path.matchAll(PARAMETER), (match) => match[1] ?? '');
  const query = queryChecker(route);

  function params(captures: readonly string[]): unknown {
    const texts = Object.fromEntries(names.map((name, i) => [name, percentDecoded(captures[i] ?? '')]));
    return route.params === undefined ? texts : checked(route.params, texts, 'path');
  }

  const handle = tracing === null || route.span === undefined ? (_: Context, input: Input) => route.handle(input) : traced(route, tracing);

  return async (ctx) => {
    ctx.state.exchange.route = route;
    if (ctx.method === 'HEAD' && route.head !== true) throw methodNotAllowed([route]);
    const input = new Input(authorize(ctx.req, route), ctx.req, ctx.res);
    if (names.length > 0) input.params = params(ctx['captures'] ?? []);
    input.query = query(ctx.querystring);
    if (route.reads === 'json') {
      const { value, text } = await readJson(ctx);
      input.bodyText = text;
      input.body = route.body === undefined ? value : checked(route.body, value, 'body');
    }
    send(ctx, await handle(ctx, input));
  };
}
