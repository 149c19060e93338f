import { describe, expect, test } from '@jest/globals';
import { type RateLimits, rateLimiter } from '../../../src/http/rate-limit.ts';
import { PROBLEM_HEADERS, startServer } from './support.ts';

const LIMITS: RateLimits = { requests: 300, windowSeconds: 60, shortRequests: 50, shortWindowSeconds: 1, cleanupSeconds: 300, exempt: [] };
const START = 1_741_064_767_250;

describe('M26 the rate limit of an address', () => {
  test('headers of an answer, and of a refusal by the short window', async () => {
    let time = START;
    await using server = await startServer({ rateLimits: LIMITS, now: () => time });
    const first = await server.call('/healthz');
    expect(first.headers).toMatchObject({
      'x-ratelimit-limit': '300',
      'x-ratelimit-remaining': '299',
      'x-ratelimit-reset': '1741064827',
      'x-ratelimit-burst-limit': '50',
      'x-ratelimit-burst-remaining': '49',
    });
    time += 400;
    for (let i = 1; i < 50; i++) await server.call('/healthz');
    const refused = await server.call('/event/x', { headers: { Origin: 'http://a.example' } });
    expect([refused.status, refused.text]).toEqual([429, '{"detail":"Rate limit exceeded: 50 requests per 1 seconds (burst limit)"}']);
    expect(refused.headers).toMatchObject({
      'content-type': 'application/json',
      'retry-after': '1',
      'x-ratelimit-limit': '300',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1741064827',
      'x-ratelimit-burst-limit': '50',
      'x-ratelimit-burst-remaining': '0',
      'access-control-allow-origin': '*',
    });
    time += 600; // the first of the window is a second old
    expect((await server.call('/healthz')).headers).toMatchObject({ 'x-ratelimit-remaining': '249', 'x-ratelimit-burst-remaining': '0' });
  });

  test('refusal by the long window, which has no headers of the short one', async () => {
    let time = START;
    await using server = await startServer({ rateLimits: { ...LIMITS, requests: 2 }, now: () => time });
    await server.call('/healthz');
    await server.call('/nothing');
    time += 10_000;
    const refused = await server.call('/healthz', { headers: PROBLEM_HEADERS });
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([429, 'rate_limited']);
    expect(JSON.parse(refused.text).detail).toBe('Rate limit exceeded: 2 requests per 60 seconds');
    expect(refused.headers).toMatchObject({ 'retry-after': '51', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1741064827' });
    expect(refused.headers).not.toHaveProperty('x-ratelimit-burst-limit');
    time = START + 60_000;
    expect((await server.call('/healthz')).status).toBe(200);
  });

  test('exempt addresses have neither bound nor headers, and a preflight does not count', async () => {
    await using server = await startServer({ rateLimits: { ...LIMITS, requests: 1, exempt: ['127.0.0.1'] } });
    for (let i = 0; i < 3; i++) {
      const { status, headers } = await server.call('/healthz');
      expect([status, headers['x-ratelimit-limit']]).toEqual([200, undefined]);
    }
    await using strict = await startServer({ rateLimits: { ...LIMITS, requests: 1 } });
    const headers = { Origin: 'http://a.example', 'Access-Control-Request-Method': 'POST' };
    for (let i = 0; i < 3; i++) expect((await strict.call('/event', { method: 'OPTIONS', headers })).status).toBe(200);
    expect((await strict.call('/healthz')).status).toBe(200);
  });

  test('without a short window there is only the long one', () => {
    const limit = rateLimiter({ ...LIMITS, shortWindowSeconds: null }, () => START);
    for (let i = 0; i < 300; i++) expect(limit(from('10.0.0.1'))).toHaveLength(6);
    expect(() => limit(from('10.0.0.1'))).toThrow('300 requests per 60 seconds');
    expect(limit(from('10.0.0.2'))).toHaveLength(6);
  });

  test('an IPv4 address is exempt also where IPv6 is listened on', () => {
    expect(rateLimiter({ ...LIMITS, exempt: ['10.0.0.1'] }, () => START)(from('::ffff:10.0.0.1'))).toBeNull();
  });

  test('memory is bounded: whoever was silent longest is forgotten first', () => {
    const limit = rateLimiter({ ...LIMITS, requests: 10, shortRequests: null }, () => START, 25);
    const send = (address: string, times: number): string[] => {
      let left: string[] = [];
      for (let i = 0; i < times; i++) left = [...(limit(from(address)) ?? [])];
      return left;
    };
    send('a', 10);
    send('b', 10);
    expect(() => limit(from('a'))).toThrow('10 requests');
    send('c', 6);
    expect(send('a', 1)[3]).toBe('9');
    expect(() => limit(from('b'))).toThrow('10 requests');
  });

  test('a clock that is set back locks nobody out', () => {
    let time = START;
    const limit = rateLimiter({ ...LIMITS, requests: 2, shortRequests: null }, () => time);
    limit(from('a'));
    limit(from('a'));
    time -= 3_600_000;
    expect(limit(from('a'))?.[3]).toBe('1');
  });
});

const from = (remoteAddress: string): never => ({ socket: { remoteAddress } }) as never; // all that the limiter looks at
