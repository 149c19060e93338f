import { type NewHandler, register, settled, upload } from '../client.ts';
import type { Bench, Figure } from '../figure.ts';
import { startSubject } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { idOf, ndjson, newRun } from '../sample-events.ts';
import { median, medianRatio } from '../statistics.ts';
import { TRIVIAL_HANDLER } from './pipe.ts';

const HANDLERS = 10_000;
const CONCURRENCY = 16;
const NODE = idOf('N0DE', 0);

/** Ingest with one handler that takes every event, and with 9,999 more that take none of them. */
export async function manyHandlers({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 20_000] : [7, 60_000];
  await using one = await startSubject();
  await using many = await startSubject();
  const ids = { one: await register(one.url, taker), many: await register(many.url, taker) };
  progress(`registering ${HANDLERS} handlers`);
  const registeringMs = await registerAll(many.url, HANDLERS - 1, progress);

  const side = (url: string, handlerId: number) => async (): Promise<number> => {
    const run = newRun();
    const seconds = await upload(
      url,
      ndjson(count, (n) => ({ n, run, nodeId: NODE })),
      count,
    );
    await settled(url, handlerId);
    return count / seconds;
  };
  const sides = { 'one handler': side(one.url, ids.one), 'many handlers': side(many.url, ids.many) };
  progress('warming up');
  for (const run of Object.values(sides)) await run();
  const samples = await interleave({ rounds, sides, progress });
  const [subject, baseline] = [samples['many handlers'], samples['one handler']];
  return [
    {
      name: `ingest with ${HANDLERS} handlers : one`,
      unit: 'events/s',
      subject: median(subject),
      baseline: median(baseline),
      ratio: medianRatio(subject, baseline),
      target: { of: 'ratio', least: 0.9 },
      note: 'a third by tag, a third by filter, a third by both; one matches',
    },
    {
      name: 'registering a handler',
      unit: 'ms',
      subject: registeringMs,
      baseline: null,
      ratio: null,
      target: null,
      note: `${CONCURRENCY} at once`,
    },
  ];
}

const taker: NewHandler = { name: 'taker', code: TRIVIAL_HANDLER, filter: { 'source.node_id': NODE } };

/** None of these takes an event of NODE: all are bound to another node, in one of three ways. */
function bystander(n: number): NewHandler {
  const node = idOf('0THER', n);
  const base = { name: `bystander ${n}`, code: `export default (event) => [${n}, event._id];` };
  if (n % 3 === 0) return { ...base, tags: [`node:${node}`] };
  if (n % 3 === 1) return { ...base, filter: { 'source.node_id': node } };
  return { ...base, tags: ['action_complete', 'level:warning'], filter: { 'event_data.plate': 1_000 + n, log_level: { $gte: 20 } } };
}

/** Answers the milliseconds that one takes on average. */
async function registerAll(url: string, count: number, progress: Bench['progress']): Promise<number> {
  const start = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      await register(url, bystander(n));
      if (n % 500 === 0) progress(`registering handlers: ${n} of ${count}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return (performance.now() - start) / count;
}
