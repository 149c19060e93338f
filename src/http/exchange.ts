import type { ParameterizedContext } from 'koa';
import type { Route } from './route.ts';

/** What the layers of the server share about one request on its way. */
interface Exchange {
  readonly requestId: string;
  /** On the monotonic clock, in milliseconds. */
  readonly startedAt: number;
  /** Null until a route is found. */
  route: Route | null;
  /** What the answer says about the rate limit; null where there is none. */
  rateHeaders: readonly string[] | null;
}

export type Context = ParameterizedContext<{ exchange: Exchange }>;
/** Middleware that answers by itself or passes on. */
export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void>;

const SANE_ID = /^[\w.:/+=-]{1,128}$/;
const PREFIX = Math.floor(Math.random() * 36 ** 6).toString(36);
let count = 0;

/** The client's own id when it is harmless, else one that is new in this process and most likely in all. */
export function requestId(given: string | string[] | undefined): string {
  if (typeof given === 'string' && SANE_ID.test(given)) return given;
  count++;
  return `${PREFIX}-${count.toString(36)}`;
}
