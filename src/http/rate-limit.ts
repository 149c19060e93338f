import type { IncomingMessage } from 'node:http';
import { HttpError } from './problem.ts';

/** How many requests an address may send (M26). */
export interface RateLimits {
  requests: number;
  windowSeconds: number;
  /** The second bound, for bursts; none when either is null. */
  shortRequests: number | null;
  shortWindowSeconds: number | null;
  cleanupSeconds: number;
  exempt: readonly string[];
}

/** Requests remembered at most, over all addresses: 8 MB. The addresses that were silent longest are forgotten first. */
const MAX_REMEMBERED = 500_000;

const MAPPED = '::ffff:';

/** The headers for the answer of a request, null for an exempt address; throws rate_limited. */
export type RateLimit = (request: IncomingMessage) => readonly string[] | null;

export function rateLimiter(limits: RateLimits | null, now: () => number, maxRemembered = MAX_REMEMBERED): RateLimit {
  if (limits === null) return () => null;
  // Node shows an IPv4 address in one of these forms, by what is listened on.
  const exempt = new Set(limits.exempt.flatMap((address) => [address, `${MAPPED}${address}`]));
  const burst = burstOf(limits);
  const { requests: limit, windowSeconds } = limits;
  const windowMs = windowSeconds * 1_000;
  const addresses = new Addresses(windowMs, limits.cleanupSeconds * 1_000, maxRemembered);

  return ({ socket }) => {
    const address = socket.remoteAddress ?? 'unknown';
    if (exempt.has(address)) return null;
    const time = now();
    const seen = addresses.at(address, time);
    const recent = burst === null ? 0 : seen.countSince(time - burst.windowMs);
    if (burst !== null && recent >= burst.limit) {
      const free = seen.firstSince(time - burst.windowMs) + burst.windowMs;
      const text = `${burst.limit} requests per ${burst.windowMs / 1_000} seconds (burst limit)`;
      throw refused(text, free - time, [...longHeaders(limit, 0, seen.first + windowMs), ...burstHeaders(burst, 0)]);
    }
    const resetAt = (seen.total === 0 ? time : seen.first) + windowMs;
    if (seen.total >= limit)
      throw refused(`${limit} requests per ${windowSeconds} seconds`, resetAt - time, longHeaders(limit, 0, resetAt));
    const left = limit - seen.total - 1;
    addresses.add(address, time);
    const long = longHeaders(limit, left, resetAt);
    return burst === null ? long : [...long, ...burstHeaders(burst, burst.limit - recent - 1)];
  };
}

interface Burst {
  limit: number;
  windowMs: number;
}
function burstOf({ shortRequests, shortWindowSeconds }: RateLimits): Burst | null {
  return shortRequests === null || shortWindowSeconds === null ? null : { limit: shortRequests, windowMs: shortWindowSeconds * 1_000 };
}

function longHeaders(limit: number, left: number, resetMs: number): string[] {
  return ['X-RateLimit-Limit', `${limit}`, 'X-RateLimit-Remaining', `${left}`, 'X-RateLimit-Reset', `${Math.trunc(resetMs / 1_000)}`];
}

const burstHeaders = ({ limit }: Burst, left: number): string[] => [
  'X-RateLimit-Burst-Limit',
  `${limit}`,
  'X-RateLimit-Burst-Remaining',
  `${left}`,
];

function refused(bound: string, waitMs: number, headers: readonly string[]): HttpError {
  const pairs = Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i], headers[2 * i + 1]]);
  const after = String(Math.max(1, Math.trunc(waitMs / 1_000) + 1));
  return new HttpError('rate_limited', `Rate limit exceeded: ${bound}`, {
    headers: { 'Retry-After': after, ...Object.fromEntries(pairs) },
  });
}

/** What each address sent within the window. An address that is seen moves to the end: the first is the one that was silent longest. */
class Addresses {
  readonly #byName = new Map<string, Seen>();
  readonly #windowMs: number;
  readonly #cleanupMs: number;
  readonly #maxRemembered: number;
  #remembered = 0;
  #cleanedAt = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number, cleanupMs: number, maxRemembered: number) {
    this.#windowMs = windowMs;
    this.#cleanupMs = cleanupMs;
    this.#maxRemembered = maxRemembered;
  }

  at(address: string, now: number): Seen {
    if (now - this.#cleanedAt > this.#cleanupMs) this.#forgetSilent(now);
    const seen = this.#byName.get(address) ?? new Seen();
    if (seen.last > now) {
      this.#forget(address, seen); // the clock was set back: what was seen then means nothing now
      return new Seen();
    }
    this.#remembered -= seen.forget(now - this.#windowMs);
    return seen;
  }

  add(address: string, now: number): void {
    const seen = this.#byName.get(address) ?? new Seen();
    this.#byName.delete(address);
    this.#byName.set(address, seen);
    seen.add(now);
    this.#remembered++;
    while (this.#remembered > this.#maxRemembered) this.#forgetFirst();
  }

  #forgetSilent(now: number): void {
    this.#cleanedAt = now;
    for (const [address, seen] of this.#byName) {
      if (seen.last > now - this.#windowMs) return;
      this.#forget(address, seen);
    }
  }

  #forgetFirst(): void {
    for (const [address, seen] of this.#byName) {
      this.#forget(address, seen);
      return;
    }
  }

  #forget(address: string, seen: Seen): void {
    this.#byName.delete(address);
    this.#remembered -= seen.total;
  }
}

/** Times of requests, oldest first. */
class Seen {
  #times: number[] = [];
  #start = 0;

  get total(): number {
    return this.#times.length - this.#start;
  }
  /** The last time, and the first of those that count. */
  get last(): number {
    return this.#times.at(-1) ?? Number.NEGATIVE_INFINITY;
  }
  get first(): number {
    return this.#times[this.#start] ?? Number.NEGATIVE_INFINITY;
  }

  add(time: number): void {
    this.#times.push(time);
  }

  /** Forgets what is no later than `end`; answers how many that were. */
  forget(end: number): number {
    const before = this.#start;
    this.#start = this.#indexAfter(end);
    const forgotten = this.#start - before;
    if (this.#start > 64 && this.#start * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#start);
      this.#start = 0;
    }
    return forgotten;
  }

  countSince(end: number): number {
    return this.#times.length - this.#indexAfter(end);
  }
  firstSince(end: number): number {
    return this.#times[this.#indexAfter(end)] ?? Number.NEGATIVE_INFINITY;
  }

  /** Where the times after `end` begin. */
  #indexAfter(end: number): number {
    let [low, high] = [this.#start, this.#times.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] ?? 0) > end) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
