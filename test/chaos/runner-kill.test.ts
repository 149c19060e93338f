import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { childrenOf } from '../support/leftovers.ts';
import { api, eventually } from '../support/server.ts';
import { Host, ROUNDS, randomOf, startLoad } from './chaos.ts';

const runners = (pid: number): number[] => childrenOf(pid).map((child) => Number.parseInt(child, 10));
const PATIENT = { max_attempts: 20, backoff: { first_ms: 50, factor: 1, max_ms: 50 } };
interface Paid {
  id: string;
  reason: string;
}
const PAID = `SELECT x.id, a.value ->> '$.outcome.reason' AS reason FROM executions x, json_each(x.attempts) a`;

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

/** RELIABILITY experiment 2, second half: kill -9 of the processes that run handlers. */
test(
  'the server outlives its runners, and all executions end well',
  async () => {
    const random = randomOf('runner-kill');
    await using host = await Host.start({ env: { RUNNERS: '2' } });
    const { pid } = host.server;
    const code = 'export default async (event, ctx) => { await ctx.sleep(event.event_data.ms); await ctx.state.increment("runs", 1); }';
    const handlers = [
      await host.register('one', code, { concurrency: 10, retry: PATIENT }),
      await host.register('two', code, { concurrency: 10, retry: PATIENT }),
    ];
    const event = (id: string, n: number) => ({ _id: id, event_type: 'test', event_data: { ms: (n * 13) % 60 } });
    const load = startLoad(host, random, { singles: 2, batches: 1, pauseMs: 100, event });
    let kills = 0;
    while (kills < ROUNDS * 2) {
      await setTimeout(random.between(100, 800)); // long enough for some to get ready: a pool of which each is killed at birth waits longer each time
      const alive = runners(pid);
      const victim = alive[random.below(alive.length)];
      if (victim === undefined) continue;
      kill(victim);
      kills++;
    }
    await load.stop();
    await host.drained();
    expect(host.server.process.exitCode).toBeNull();
    expect((await api(host.server, 'GET', '/readyz')).status).toBe(200);
    using audit = await host.audit();
    const runs = audit.count('SELECT count(*) FROM events') * handlers.length;
    expect(audit.missing(load.acked())).toEqual([]);
    expect(audit.without('succeeded', 'test', handlers)).toEqual([]);
    expect(audit.count("SELECT sum(CAST(value AS INTEGER)) FROM handler_state WHERE key = 'runs'")).toBe(runs);
    // Whoever was alone with a runner that was killed pays; at most one for each kill.
    const paid = audit.all<Paid>(PAID);
    expect(paid.filter(({ reason }) => reason !== 'crashed_runner')).toEqual([]);
    expect(paid.length).toBeLessThanOrEqual(kills);
    expect(Object.fromEntries(load.refusals)).toEqual({});
  },
  120_000 + ROUNDS * 15_000,
);

test('a handler that kills its runner pays for it alone; those that ran beside it pay nothing', async () => {
  randomOf('killer');
  await using host = await Host.start({ env: { RUNNERS: '2' } });
  const { pid } = host.server;
  const code = `export default async (event, ctx) => {
      await ctx.sleep(20);
      if (event.event_data.kills) 'x'.repeat(2 ** 29 - 24).split('');
      await ctx.sleep(20);
    }`;
  const id = await host.register('mixed', code, {
    concurrency: 20,
    retry: { max_attempts: 2, backoff: { first_ms: 50, factor: 1, max_ms: 50 } },
  });
  const events = Array.from({ length: 60 }, (_, n) => ({ _id: `e${n}`, event_type: 'test', event_data: { kills: n % 30 === 7 } }));
  const { status } = await api(host.server, 'POST', '/events', events);
  expect(status).toBe(200);
  await host.drained();
  expect(host.server.process.exitCode).toBeNull();
  expect(host.server.pid).toBe(pid);
  using audit = await host.audit();
  const ended = audit.all<{ id: string; state: number; attempt: number; error: string | null }>(
    'SELECT id, state, attempt, error FROM executions',
  );
  const guilty = new Set([`e7.${id}`, `e37.${id}`]);
  for (const { id: one, state, attempt, error } of ended) {
    const reason = error === null ? null : (JSON.parse(error) as { reason: string }).reason;
    const how = reason === null ? 'well' : ['crashed_runner', 'memory'].includes(reason) ? 'killed it' : reason;
    const expected = guilty.has(one) ? { state: 3, attempt: 2, how: 'killed it' } : { state: 2, attempt: 1, how: 'well' };
    expect({ one, state, attempt, how }).toEqual({ one, ...expected });
  }
  expect(ended).toHaveLength(60);
});

test('an execution whose runner dies each time goes to the dead letters with that as its reason', async () => {
  randomOf('dying runner');
  await using host = await Host.start();
  const limits = { timeout_ms: 60_000, memory_mb: 64 };
  const id = await host.register('long', 'export default async (event, ctx) => { await ctx.sleep(30_000); }', {
    limits,
    retry: { ...PATIENT, max_attempts: 2 },
  });
  await api(host.server, 'POST', '/event', { _id: 'e', event_type: 'test' });
  const dead = await eventually(async () => {
    for (const runner of runners(host.server.pid)) kill(runner);
    await setTimeout(500);
    const { body } = await api(host.server, 'GET', `/executions/e.${id}`);
    return body.state === 'dead' ? body : null;
  });
  expect(dead).toMatchObject({ state: 'dead', attempt: 2, error: { reason: 'crashed_runner' } });
  expect(host.server.process.exitCode).toBeNull();
});
