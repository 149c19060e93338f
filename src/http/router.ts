import Router from '@koa/router';
import { EngineError } from '../core/errors.ts';
import type { Context, Middleware } from './exchange.ts';
import { isPreflight, preflightReply } from './origin.ts';
import { plainPath } from './percent.ts';
import { HttpError } from './problem.ts';
import type { Reply, Route } from './route.ts';
import { send } from './send.ts';

type Handler = (ctx: Context) => Promise<void>;

/**
 * The route table as two middlewares: `dispatch` runs the route of a request, `refuse` answers those that have none.
 * @koa/router tries the pattern of every route it holds, so each first segment of a path gets a router of its own:
 * with the whole table in one, POST /event is a seventh slower.
 */
export function routing(routes: readonly Route[], handler: (route: Route) => Handler): { dispatch: Middleware; refuse: Middleware } {
  const bySegment = Map.groupBy(routes, ({ path }) => firstSegment(path));
  const segments = new Map(Array.from(bySegment, ([name, members]) => [name, new Segment(members, handler)]));
  const routesAt = (path: string): Route[] => segments.get(firstSegment(path))?.routesAt(path) ?? [];

  return {
    async dispatch(ctx, next) {
      if (ctx.path.includes('%')) ctx.path = plainPath(ctx.path);
      const segment = segments.get(firstSegment(ctx.path));
      await (segment === undefined || ctx.method === 'OPTIONS' ? next() : segment.dispatch(ctx, next));
    },
    async refuse(ctx) {
      const found = routesAt(ctx.path);
      if (isPreflight(ctx.req)) send(ctx, preflight(ctx, found));
      else if (found.length > 0) throw methodNotAllowed(found);
      else send(ctx, withoutSlash(ctx, routesAt));
    },
  };
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1);
  return end < 0 ? path : path.slice(0, end);
}

/** The routes below one first segment of a path. */
class Segment {
  readonly #router = new Router<Context['state']>({ sensitive: true, strict: true });
  readonly #byName = new Map<string, Route>();
  readonly dispatch: Middleware;

  constructor(routes: readonly Route[], handler: (route: Route) => Handler) {
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      this.#byName.set(name, route);
      this.#router.register(route.path, [route.method], handler(route), { name });
    }
    this.dispatch = this.#router.routes() as Middleware; // its own context type only adds what it sets itself
  }

  /** The routes of that very path, whatever their method. */
  routesAt(path: string): Route[] {
    return this.#router.match(path, 'GET').path.flatMap(({ name }) => this.#byName.get(name ?? '') ?? []);
  }
}

/** A preflight is answered for the route it asks about (M26). */
function preflight({ req, state }: Context, found: readonly Route[]): Reply {
  const method = req.headers['access-control-request-method']?.toLowerCase();
  const route = found.find((candidate) => candidate.method === method) ?? found[0] ?? null;
  state.exchange.route = route;
  return preflightReply(req, route);
}

/** Also for HEAD and OPTIONS, which MADSci does not offer (M63). */
export function methodNotAllowed(found: readonly Route[]): HttpError {
  const methods = found.flatMap(({ method, head }) => (head === true ? [method.toUpperCase(), 'HEAD'] : [method.toUpperCase()]));
  return new HttpError('method_not_allowed', 'Method Not Allowed', { headers: { Allow: methods.join(', ') } });
}

/** A path with slashes at its end is sent to the one without, when that exists (M63). */
function withoutSlash({ path, search }: Context, routesAt: (path: string) => Route[]): Reply {
  const shorter = path.replace(/\/+$/, '');
  if (shorter === path || shorter === '' || routesAt(shorter).length === 0) throw new EngineError('not_found', 'Not Found');
  return { status: 307, headers: { Location: `${shorter}${search}` } };
}
