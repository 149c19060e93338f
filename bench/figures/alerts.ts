import { setTimeout as sleep } from 'node:timers/promises';
import { call, totalEvents, upload } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startPart, startSubject } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { ndjson, newRun } from '../sample-events.ts';
import { median, medianRatio, quantile } from '../statistics.ts';

const PER_SECOND = 100;
/** Sends are due every 10 ms; a timer can be that late. */
const TICK_MS = 1;
const ALERT = JSON.stringify({ event_type: 'log_error', log_level: 40, event_data: { message: 'Plate 17 is missing', plate: 17 } });

/** What alerts cost those who post: the others nothing, and alerts as much with a mail server that hangs as with one that works. */
export async function alerts(bench: Bench): Promise<Figure[]> {
  return [await belowTheLevel(bench), ...(await deadMailServer(bench))];
}

const settings = (port: number): { env: Record<string, string> } => ({
  env: {
    EVENT_EMAIL_ALERTS: JSON.stringify({
      smtp_server: '127.0.0.1',
      smtp_port: port,
      use_tls: false,
      email_addresses: ['someone@lab.example'],
    }),
  },
});

/** NDJSON of events below the alert level, with the handler that sends alerts and without it. */
async function belowTheLevel({ size, progress }: Bench): Promise<Figure> {
  const [rounds, count] = size === 'small' ? [5, 40_000] : [11, 100_000];
  await using plain = await startSubject();
  await using alerting = await startSubject(settings(9));
  const stored = new Map<string, number>();
  const rate = async (url: string): Promise<number> => {
    const run = newRun();
    const body = ndjson(count, (n) => ({ n, run }));
    stored.set(url, (stored.get(url) ?? 0) + count);
    return count / (await upload(url, body, count));
  };
  const sides = { plain: () => rate(plain.url), alerting: () => rate(alerting.url) };
  progress('warming up');
  for (const side of Object.values(sides)) await side();
  const samples = await interleave({ rounds, sides, progress });
  for (const [url, events] of stored) assertCount('events stored', await totalEvents(url), events);
  return {
    name: 'ingest below the alert level : without alerts',
    unit: 'events/s',
    subject: median(samples.alerting),
    baseline: median(samples.plain),
    ratio: medianRatio(samples.alerting, samples.plain),
    target: { of: 'ratio', least: 0.97 },
    note: `NDJSON, uploads of ${count}`,
  };
}

/** How long answers to alerts take at a steady rate, with a mail server that takes connections and is silent, against one that works. */
async function deadMailServer({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, seconds] = size === 'small' ? [3, 4] : [7, 8];
  const sink = new URL('../baselines/smtp-sink.ts', import.meta.url);
  await using live = await startPart<number>(sink);
  await using dead = await startPart<number>(sink, ['silent']);
  await using working = await startSubject(settings(live.ready));
  await using hanging = await startSubject(settings(dead.ready));
  const times: Record<string, number[]> = { working: [], hanging: [] };
  const p99 = async (name: string, url: string): Promise<number> => {
    const found = await answerTimes(url, seconds * PER_SECOND);
    times[name]?.push(...found);
    return quantile(found, 0.99);
  };
  const sides = { working: () => p99('working', working.url), hanging: () => p99('hanging', hanging.url) };
  progress('warming up');
  for (const side of Object.values(sides)) await side();
  const samples = await interleave({ rounds, sides, progress });
  const all = (rounds + 1) * seconds * PER_SECOND;
  for (const { url } of [working, hanging]) assertCount('alerts stored', await totalEvents(url), all);
  const common = { unit: 'ms', note: `${PER_SECOND} alerts a second` };
  return [
    {
      ...common,
      name: 'POST /event, an alert, p99: dead : live mail server',
      subject: median(samples.hanging),
      baseline: median(samples.working),
      ratio: medianRatio(samples.hanging, samples.working),
      target: { of: 'ratio', most: 1.2 },
    },
    {
      ...common,
      name: 'POST /event, an alert, p50: dead : live mail server',
      subject: quantile(times['hanging'] ?? [], 0.5),
      baseline: quantile(times['working'] ?? [], 0.5),
      ratio: null,
      target: null,
    },
  ];
}

/** Posts alerts at the steady rate, whether answers come or not; answers how long each took, in milliseconds. */
async function answerTimes(url: string, count: number): Promise<number[]> {
  const post = async (): Promise<number> => {
    const start = performance.now();
    await call(url, { method: 'POST', path: '/event', body: ALERT });
    return performance.now() - start;
  };
  const start = performance.now();
  const all: Promise<number>[] = [];
  while (all.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - start) * PER_SECOND) / 1000));
    while (all.length < due) all.push(post());
    await sleep(TICK_MS);
  }
  return await Promise.all(all);
}
