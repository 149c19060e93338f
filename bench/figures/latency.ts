import { setTimeout as sleep } from 'node:timers/promises';
import { call, executions, register, settled } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startSubject } from '../processes.ts';
import { anonymousEventText } from '../sample-events.ts';
import { quantile } from '../statistics.ts';
import { TRIVIAL_HANDLER } from './pipe.ts';

const PER_SECOND = 500;
const WARM_UP_SECONDS = 2;
/** Sends are due every 2 ms; a timer can be that late. */
const TICK_MS = 1;

/**
 * From an event to the start of its handler, at a steady rate of single POSTs. Two clocks of the same machine are compared, both in
 * milliseconds since the epoch: `started_at` is taken inside the isolate, right before the handler is called; `created_at` by the server
 * right before the commit (whole milliseconds, so up to one too early); the answer by this process when it has arrived.
 */
export async function latency({ size, progress }: Bench): Promise<Figure[]> {
  const seconds = size === 'small' ? 4 : 20;
  await using server = await startSubject();
  const handlerId = await register(server.url, { name: 'trivial', code: TRIVIAL_HANDLER });
  const body = anonymousEventText();
  progress('warming up');
  await send(server.url, body, WARM_UP_SECONDS * PER_SECOND);
  progress(`${PER_SECOND} events/s for ${seconds} s`);
  const answered = await send(server.url, body, seconds * PER_SECOND);
  await settled(server.url, handlerId);

  const sinceCreated: number[] = [];
  const sinceAnswer: number[] = [];
  let succeeded = 0;
  for await (const { event_id, created_at, started_at } of executions(server.url, handlerId, 'succeeded')) {
    succeeded++;
    const answeredAt = answered.get(event_id);
    if (answeredAt === undefined) continue;
    sinceCreated.push(epochMs(started_at) - epochMs(created_at));
    sinceAnswer.push(epochMs(started_at) - answeredAt);
  }
  assertCount('executions succeeded', succeeded, (WARM_UP_SECONDS + seconds) * PER_SECOND);
  assertCount('executions measured', sinceCreated.length, seconds * PER_SECOND);

  const line = (name: string, subject: number, target: Figure['target']): Figure => ({
    name,
    unit: 'ms',
    subject,
    baseline: null,
    ratio: null,
    target,
  });
  return [
    line('start after created_at, p50', quantile(sinceCreated, 0.5), null),
    line('start after created_at, p99', quantile(sinceCreated, 0.99), { of: 'subject', most: 10 }),
    line('start after the answer, p50', quantile(sinceAnswer, 0.5), null),
    line('start after the answer, p99', quantile(sinceAnswer, 0.99), null),
  ];
}

/** Posts `count` events at the steady rate, whether answers come or not; answers when each was answered, by event id. */
async function send(url: string, body: string, count: number): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  const post = async (): Promise<void> => {
    const text = await call(url, { method: 'POST', path: '/event', body });
    answered.set((JSON.parse(text) as { _id: string })._id, performance.timeOrigin + performance.now());
  };
  const start = performance.now();
  const all: Promise<void>[] = [];
  while (all.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - start) * PER_SECOND) / 1000));
    while (all.length < due) all.push(post());
    await sleep(TICK_MS);
  }
  await Promise.all(all);
  return answered;
}

/** An instant in ISO 8601 with up to microseconds, which Date.parse cuts off. */
function epochMs(text: string): number {
  return Number(Temporal.Instant.from(text).epochNanoseconds) / 1e6;
}
