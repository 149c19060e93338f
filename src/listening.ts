import type { Config } from './config.ts';
import type { RateLimits } from './http/rate-limit.ts';

/** An address that says "all of them" is no place to visit. */
export function visitable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

export function listenFault(error: unknown, { HOST, PORT }: Config): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new Error(`Port ${PORT} is taken on ${HOST}. Stop what uses it, or set PORT.`, { cause: error });
  if (code === 'EACCES') return new Error(`Port ${PORT} may not be used by this user. Set PORT to 1024 or more.`, { cause: error });
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new Error(`${HOST} is no address of this machine. Set HOST to one that is, or to 0.0.0.0 for all.`, { cause: error });
  return new Error(`The server cannot listen on ${HOST}:${PORT}: ${message}`, { cause: error });
}

/** Names under which requests may come in (DNS rebinding); null takes any, where a key is needed for everything anyway. */
export function allowedHosts(config: Config): readonly string[] | null {
  if (
    config.ALLOWED_HOSTS?.includes('*') ||
    (!config.isLoopback && config.ALLOWED_HOSTS === undefined && config.anonymousScopes.length === 0)
  )
    return null;
  const own = config.PUBLIC_URL === undefined ? [] : [new URL(config.PUBLIC_URL).hostname];
  return ['127.0.0.1', 'localhost', '[::1]', '::1', config.HOST, ...own, ...(config.ALLOWED_HOSTS ?? [])];
}

/** As MADSci, this machine itself is not bounded unless a list says who is not (M26). */
export function rateLimitsOf(config: Config): RateLimits | null {
  if (!config.RATE_LIMIT_ENABLED) return null;
  return {
    requests: config.RATE_LIMIT_REQUESTS,
    windowSeconds: config.RATE_LIMIT_WINDOW,
    shortRequests: config.RATE_LIMIT_SHORT_REQUESTS,
    shortWindowSeconds: config.RATE_LIMIT_SHORT_WINDOW,
    cleanupSeconds: config.RATE_LIMIT_CLEANUP_INTERVAL,
    exempt: config.RATE_LIMIT_EXEMPT_IPS ?? ['127.0.0.1', '::1'],
  };
}
