import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { childrenOf } from '../support/leftovers.ts';
import { Host, ROUNDS, randomOf, startLoad } from './chaos.ts';

/** RELIABILITY experiment 24: SIGTERM under load, with handlers that run, and one that never ends. */
test(
  'SIGTERM under load ends with 0 within 10 s, and loses nothing',
  async () => {
    const random = randomOf('stop');
    await using host = await Host.start();
    const code = 'export default async (event, ctx) => { await ctx.sleep(50); await ctx.state.increment("runs", 1); }';
    const handlers = [await host.register('one', code, { concurrency: 10, filter: { event_type: 'test' } })];
    await host.register('loop', 'export default () => { for (;;); }', {
      filter: { event_type: 'log_debug' },
      limits: { timeout_ms: 2_000, memory_mb: 64 },
      retry: { max_attempts: 1, backoff: { first_ms: 1, factor: 1, max_ms: 1 } },
    });
    const event = (id: string, n: number) => ({ _id: id, event_type: n % 100 === 99 ? 'log_debug' : 'test' });
    const load = startLoad(host, random, { singles: 3, batches: 1, pauseMs: 60, event });
    const rounds = Math.max(2, Math.round(ROUNDS / 4));
    for (let round = 0; round < rounds; round++) {
      await setTimeout(random.between(200, 1_500));
      const { server } = host;
      const children = childrenOf(server.pid).map((child) => Number.parseInt(child, 10));
      const before = performance.now();
      const code = await server.kill(random.below(2) === 0 ? 'SIGTERM' : 'SIGINT');
      const ms = performance.now() - before;
      expect({ code, isInTime: ms < 10_000, ms }).toEqual({ code: 0, isInTime: true, ms });
      expect(children.filter(isAlive)).toEqual([]);
      await host.restart();
    }
    await load.stop();
    await host.drained(240_000);
    using audit = await host.audit();
    const runs = audit.count("SELECT count(*) FROM events WHERE type = 'test'");
    expect(audit.integrity).toBe('ok');
    expect(audit.missing(load.acked())).toEqual([]);
    expect(audit.without('succeeded', 'test', handlers)).toEqual([]);
    expect(audit.count("SELECT sum(CAST(value AS INTEGER)) FROM handler_state WHERE key = 'runs'")).toBe(runs);
    const refusals = [...load.refusals.keys()].filter((refusal) => refusal !== '503 shutting_down');
    expect(refusals).toEqual([]);
    expect(host.output).not.toContain('unhandled');
  },
  300_000 + ROUNDS * 5_000,
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
