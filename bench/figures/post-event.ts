import { totalEvents } from '../client.ts';
import { assertCount, type Bench, Broken, type Figure } from '../figure.ts';
import { LOAD_TOOL, postLoad } from '../load/load.ts';
import { startPart, startSubject } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { anonymousEventText } from '../sample-events.ts';
import { median, medianRatio } from '../statistics.ts';

const CONNECTIONS = 32;
/** The server's code is larger than the echo's and takes longer to be compiled by the JIT: twice 40,000 requests at the least. */
const WARM_UP_RUNS = 3;

/** POST /event, durable, against bare Koa servers that only echo. */
export async function postEvent({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, seconds] = size === 'small' ? [3, 2] : [7, 4];
  await using koaBody = await startPart<string>(new URL('../baselines/echo-koa-body.ts', import.meta.url));
  await using byHand = await startPart<string>(new URL('../baselines/echo-by-hand.ts', import.meta.url));
  await using server = await startSubject();
  const body = anonymousEventText();
  let stored = 0;

  async function rate(url: string): Promise<number> {
    const { requests, failed, seconds: took } = await postLoad({ url: `${url}/event`, body, connections: CONNECTIONS, seconds });
    if (failed > 0) throw new Broken(`${failed} of ${requests} requests to ${url} failed`);
    if (url === server.url) stored += requests;
    return requests / took;
  }

  const sides = { 'koa-body echo': () => rate(koaBody.ready), 'echo by hand': () => rate(byHand.ready), server: () => rate(server.url) };
  for (const [name, side] of Object.entries(sides)) {
    progress(`warming up: ${name}`);
    for (let run = 0; run < WARM_UP_RUNS; run++) await side();
  }
  const samples = await interleave({ rounds, sides, progress });
  assertStored(await totalEvents(server.url), stored);

  const against = (name: string, baseline: number[], target: Figure['target']): Figure => ({
    name,
    unit: 'req/s',
    subject: median(samples.server),
    baseline: median(baseline),
    ratio: medianRatio(samples.server, baseline),
    target,
    note: `${LOAD_TOOL}, ${CONNECTIONS} connections`,
  });
  return [
    against('POST /event : koa-body echo', samples['koa-body echo'], { of: 'ratio', least: 0.8 }),
    against('POST /event : echo by hand', samples['echo by hand'], null),
  ];
}

/** When a run of load ends, requests under way are cut off: each connection may have stored one more than was counted. */
function assertStored(total: number, counted: number): void {
  const isPlausible = total >= counted && total <= counted + CONNECTIONS * 64;
  if (!isPlausible) assertCount('events stored', total, counted);
}
