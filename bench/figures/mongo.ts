import type { MongoReply, MongoRequest } from '../baselines/mongo-insert.ts';
import { countSucceeded, register, settled, totalEvents, upload } from '../client.ts';
import { assertCount, type Bench, Broken, type Figure } from '../figure.ts';
import { LOAD_TOOL, postLoad } from '../load/load.ts';
import { type Part, startPart, startSubject } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { anonymousEventText, ndjson, newRun } from '../sample-events.ts';
import { median, medianRatio } from '../statistics.ts';
import { newDatabase } from '../store.ts';
import { TRIVIAL_HANDLER } from './pipe.ts';

const CONNECTIONS = 32;

/** The bare driver in a process of its own; on a new database unless one is given. */
export async function bareDriver(place = newDatabase()): Promise<Part<MongoRequest, MongoReply>> {
  if (place === null) throw new Broken('there is no MongoDB');
  return startPart<string, MongoRequest, MongoReply>(new URL('../baselines/mongo-insert.ts', import.meta.url), [place.url, place.database]);
}

/** POST /event against as many callers of the bare driver that each insert one event. */
export async function postEventMongo({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, seconds] = size === 'small' ? [3, 2] : [7, 4];
  await using bare = await bareDriver();
  await using server = await startSubject();
  const body = anonymousEventText();
  let stored = 0;
  const sides = {
    bare: async () => {
      const reply = await bare.ask({ kind: 'single', run: newRun(), callers: CONNECTIONS, seconds });
      return reply.done / reply.seconds;
    },
    server: async () => {
      const { requests, failed, seconds: took } = await postLoad({ url: `${server.url}/event`, body, connections: CONNECTIONS, seconds });
      if (failed > 0) throw new Broken(`${failed} of ${requests} requests failed`);
      stored += requests;
      return requests / took;
    },
  };
  for (const [name, side] of Object.entries(sides)) {
    progress(`warming up: ${name}`);
    await side();
  }
  const samples = await interleave({ rounds, sides, progress });
  // Requests under way at the end of a run are stored and not counted.
  const total = await totalEvents(server.url);
  if (total < stored || total > stored + CONNECTIONS * 64) assertCount('events stored', total, stored);
  return [figure('POST /event : bare driver, one insert each', 'req/s', samples, `${LOAD_TOOL}, ${CONNECTIONS} connections`)];
}

/** POST /events as NDJSON against inserts of 512. */
export async function ndjsonMongo({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 20_000] : [7, 100_000];
  await using bare = await bareDriver();
  await using server = await startSubject();
  const sides = {
    bare: () => bareRate(bare, { kind: 'bulk', run: newRun(), count }),
    server: async () => {
      const run = newRun();
      const body = ndjson(count, (n) => ({ n, run }));
      return count / (await upload(server.url, body, count));
    },
  };
  progress('warming up');
  for (const side of Object.values(sides)) await side();
  const samples = await interleave({ rounds, sides, progress });
  assertCount('events stored', await totalEvents(server.url), (rounds + 1) * count);
  return [figure('POST /events NDJSON : bare driver, 512 an insert', 'events/s', samples, `uploads of ${count}`)];
}

/** Event to settled execution against the three writes that it takes. */
export async function pipeMongo({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 10_000] : [7, 50_000];
  await using bare = await bareDriver();
  await using server = await startSubject();
  const handlerId = await register(server.url, { name: 'trivial', code: TRIVIAL_HANDLER });
  const sides = {
    bare: () => bareRate(bare, { kind: 'pipe', run: newRun(), count }),
    server: async () => {
      const run = newRun();
      const body = ndjson(count, (n) => ({ n, run }));
      const start = performance.now();
      await upload(server.url, body, count);
      await settled(server.url, handlerId);
      return (count * 1_000) / (performance.now() - start);
    },
  };
  progress('warming up');
  for (const side of Object.values(sides)) await side();
  const samples = await interleave({ rounds, sides, progress });
  assertCount('executions succeeded', await countSucceeded(server.url, handlerId), (rounds + 1) * count);
  return [figure('event → handler → settled : bare driver, three writes', 'exec/s', samples, `uploads of ${count}`)];
}

async function bareRate(bare: Part<MongoRequest, MongoReply>, request: Extract<MongoRequest, { count: number }>): Promise<number> {
  const { seconds, done } = await bare.ask(request);
  assertCount('written by the bare driver', done, request.count);
  return done / seconds;
}

function figure(name: string, unit: string, samples: { server: number[]; bare: number[] }, note: string): Figure {
  const [subject, baseline] = [median(samples.server), median(samples.bare)];
  return { name, unit, subject, baseline, ratio: medianRatio(samples.server, samples.bare), target: null, note };
}
