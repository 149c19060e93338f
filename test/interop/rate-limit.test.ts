import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RateLimits } from '../../src/http/rate-limit.ts';
import { interopPython, runPython } from '../support/python.ts';
import { type Answer, startServer } from '../unit/http/support.ts';

const DEFAULTS: RateLimits = {
  requests: 300,
  windowSeconds: 60,
  shortRequests: 50,
  shortWindowSeconds: 1,
  cleanupSeconds: 300,
  exempt: [],
};
const START = 1_741_064_767_250;
const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, i) => START + i * ms);

/** Times are quarters of a second or so, which are exact in both languages. */
const CASES = [
  { why: 'a burst, and what comes a moment later', limits: DEFAULTS, times: [...every(0, 55), ...every(250, 8).map((time) => time + 500)] },
  { why: 'steadily, up to the long bound', limits: DEFAULTS, times: every(125, 310) },
  {
    why: 'a long bound that is reached and passes',
    limits: { ...DEFAULTS, requests: 5 },
    times: [...every(500, 8), START + 59_750, START + 60_000, START + 60_250, START + 62_000],
  },
  { why: 'no short window', limits: { ...DEFAULTS, requests: 3, shortRequests: null }, times: [...every(250, 5), START + 61_000] },
  { why: 'a short window of several seconds', limits: { ...DEFAULTS, shortRequests: 2, shortWindowSeconds: 5 }, times: every(1_000, 14) },
  {
    why: 'silence in between',
    limits: { ...DEFAULTS, requests: 4, cleanupSeconds: 10 },
    times: [...every(0, 4), START + 30_000, START + 200_000, START + 200_250],
  },
];

let folder: string;
let theirs: unknown[][];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-rate-'));
  const cases = CASES.map(({ limits, times }) => ({
    limits: {
      requests_limit: limits.requests,
      time_window: limits.windowSeconds,
      short_requests_limit: limits.shortRequests,
      short_time_window: limits.shortWindowSeconds,
      cleanup_interval: limits.cleanupSeconds,
    },
    times: times.map((time) => time / 1_000),
  }));
  const [input, target] = [join(folder, 'cases.json'), join(folder, 'answers.json')];
  writeFileSync(input, JSON.stringify(cases));
  const run = await runPython(interopPython(), [join(import.meta.dirname, 'original_rate_limit.py'), input, target], folder);
  if (run.code !== 0) throw new Error(run.output);
  theirs = JSON.parse(readFileSync(target, 'utf8')) as unknown[][];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const told = ({ status, headers, text }: Answer) => ({
  status,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-ratelimit') || name === 'retry-after')),
  text: status === 429 ? text : '',
});

describe('M26 the rate limit judges as the original does', () => {
  test.each(CASES.map((one, index) => ({ ...one, index })))('$why', async ({ limits, times, index }) => {
    let time = START;
    await using server = await startServer({ rateLimits: limits, now: () => time });
    const answers = [];
    for (const at of times) {
      time = at;
      answers.push(told(await server.call('/healthz')));
    }
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect(answers).toEqual(theirs[index]);
  });
});
