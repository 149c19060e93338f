import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY } from '../../test/support/server.ts';
import { call, get, register, settled } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startSubject } from '../processes.ts';
import { quantile } from '../statistics.ts';

/** One of each class of RELIABILITY 12 to 15; each ends in a failure of its own kind, over and over. */
const ATTACKS: Record<string, string> = {
  loop: 'for (;;) {}',
  storm: 'const again = () => Promise.resolve().then(again); await again();',
  heap: 'const all = []; for (;;) all.push(new Array(10_000).fill(all.length));',
  abort: "return 'x'.repeat(2 ** 29 - 24).split('').length;",
  buffers: 'const all = []; for (;;) all.push(new ArrayBuffer(16 * 1024 * 1024));',
  regex: "return /^(a+)+$/.test('a'.repeat(40) + '!');",
  flood: "for (;;) ctx.log.info('x'.repeat(1_000));",
};
const PING_MS = 15;
const ATTACK_MS = 300;

/** How the server answers while strangers' code does its worst: health every 15 ms, and a handler of somebody else that goes on. */
export async function attack({ size, progress }: Bench): Promise<Figure[]> {
  const seconds = size === 'small' ? 5 : 30;
  await using server = await startSubject();
  const pid = server.pid;
  const control = await register(server.url, {
    name: 'control',
    code: 'export default (event) => event.event_data.n',
    tags: ['log_debug'],
  });
  const stranger = await keyOfStranger(server.url);
  for (const [name, body] of Object.entries(ATTACKS)) await registerAttack(server.url, stranger, name, body);

  progress('quiet');
  const quiet = await pings(server.url, 2);
  progress(`under attack for ${seconds} s`);
  const attacking = attackFor(server.url, seconds);
  const under = await pings(server.url, seconds);
  const posted = await attacking;
  await settled(server.url, control);
  const { items } = await get<{ items: unknown[] }>(server.url, `/executions?handler_id=${control}&state=succeeded&limit=1000`);
  assertCount('control executions', Math.min(items.length, 1_000), Math.min(posted, 1_000));
  assertCount('process id', server.pid, pid);
  assertCount('server ended', server.process.exitCode === null ? 0 : 1, 0);

  const line = (name: string, subject: number, target: Figure['target']): Figure => ({
    name,
    unit: 'ms',
    subject,
    baseline: null,
    ratio: null,
    target,
  });
  return [
    line('GET /health, nothing going on, p99', quantile(quiet, 0.99), null),
    line('GET /health under attack, p50', quantile(under, 0.5), null),
    line('GET /health under attack, p99', quantile(under, 0.99), { of: 'subject', most: 50 }),
    line('GET /health under attack, slowest', Math.max(...under), { of: 'subject', most: 1_000 }),
  ];
}

async function keyOfStranger(url: string): Promise<string> {
  const body = JSON.stringify({ name: 'stranger', scopes: ['handlers:write', 'events:read', 'events:write'] });
  return (JSON.parse(await call(url, { method: 'POST', path: '/keys', body })) as { secret: string }).secret;
}

async function registerAttack(url: string, key: string, name: string, body: string): Promise<void> {
  const handler = {
    hook: 'event.on_ingest',
    name,
    tags: [name],
    code: `export default async (event, ctx) => { ${body} };`,
    limits: { timeout_ms: ATTACK_MS, memory_mb: 32 },
    retry: { max_attempts: 1 },
  };
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const { status } = await fetch(`${url}/handlers`, { method: 'POST', headers, body: JSON.stringify(handler) });
  assertCount(`status of registering ${name}`, status, 201);
}

/** Each event carries one attack and the control handler's tag. Answers how many were posted. */
async function attackFor(url: string, seconds: number): Promise<number> {
  const names = Object.keys(ATTACKS);
  const end = performance.now() + seconds * 1_000;
  let posted = 0;
  for (; performance.now() < end; posted++) {
    const body = JSON.stringify({ event_type: 'log_debug', tags: [names[posted % names.length]], event_data: { n: posted } });
    await call(url, { method: 'POST', path: '/event', body });
    await sleep(50);
  }
  return posted;
}

async function pings(url: string, seconds: number): Promise<number[]> {
  const took: number[] = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    const start = performance.now();
    await fetch(`${url}/health`, { headers: { Authorization: `Bearer ${ADMIN_KEY}` } }).then((response) => response.arrayBuffer());
    took.push(performance.now() - start);
    await sleep(PING_MS);
  }
  return took;
}
