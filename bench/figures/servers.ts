import { call, countSucceeded, register, settled } from '../client.ts';
import { assertCount, type Bench, Broken, type Figure } from '../figure.ts';
import { startSubject } from '../processes.ts';
import { ndjson, newRun } from '../sample-events.ts';
import { median } from '../statistics.ts';
import { newDatabase } from '../store.ts';

/** Waits rather than computes: two servers on two cores have no more processors than one. */
const WAITING = 'export default async (event, ctx) => { await ctx.sleep(250); return event._id; };';
const CONCURRENCY = 20;
const CHUNK = 100;
const TRIES = 5;

/** Two servers against one on the same MongoDB, with a handler that waits. */
export async function twoServers({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 1_600] : [5, 4_000];
  const place = newDatabase();
  if (place === null) throw new Broken('several servers need --store mongodb');
  const env = { EVENT_DB_URL: place.url, EVENT_DATABASE_NAME: place.database };
  await using first = await startSubject({ env });
  const handlerId = await register(first.url, { name: 'waiting', code: WAITING, concurrency: CONCURRENCY });
  let uploads = 0;
  /** Events go to all servers in turn, as a load balancer sends them. */
  const rate = async (...servers: { url: string }[]): Promise<number> => {
    uploads++;
    const run = newRun();
    const start = performance.now();
    const chunks = Array.from({ length: Math.ceil(count / CHUNK) }, (_, n) => n * CHUNK);
    await Promise.all(
      chunks.map((from, n) => uploadChunk((servers[n % servers.length] ?? first).url, { run, from, count: Math.min(CHUNK, count - from) })),
    );
    await settled(first.url, handlerId);
    return (count * 1_000) / (performance.now() - start);
  };
  progress('warming up');
  await rate(first);
  const one: number[] = [];
  const two: number[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}: one server`);
    one.push(await rate(first));
    await using second = await startSubject({ env });
    progress(`round ${round + 1} of ${rounds}: two servers`);
    two.push(await rate(first, second));
  }
  assertCount('executions succeeded', await countSucceeded(first.url, handlerId), uploads * count);
  const [subject, baseline] = [median(two), median(one)];
  const ratio = median(two.map((value, round) => value / (one[round] as number)));
  const note = `a handler that waits 250 ms, concurrency ${CONCURRENCY}, uploads of ${count}, to the servers in turn`;
  return [{ name: 'two servers : one', unit: 'exec/s', subject, baseline, ratio, target: { of: 'ratio', least: 1.8 }, note }];
}

/** What is measured is how fast the handlers run: where the database is slow to take events in, they are sent again, and stored once. */
async function uploadChunk(url: string, { run, from, count }: { run: string; from: number; count: number }): Promise<void> {
  const body = ndjson(count, (n) => ({ n: from + n, run }));
  for (let left = TRIES; ; left--) {
    try {
      await call(url, { method: 'POST', path: '/events?summary=true', body, type: 'application/x-ndjson' });
      return;
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}
