import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Host, ROUNDS, randomOf, startLoad } from './chaos.ts';

const CODE = `export default async (event, ctx) => {
  await ctx.sleep(event.event_data.ms);
  await ctx.events.emit({ event_type: 'log_debug', event_data: { of: event._id } });
  await ctx.state.increment('runs', 1);
  await ctx.mail.send({ to: 'someone@lab.example', subject: 'done', text: event._id });
  return event._id;
}`;

/** RELIABILITY experiment 2: kill -9 while handlers run. */
test(
  'every handler ends although the server is killed under it, and nothing happens twice',
  async () => {
    const random = randomOf('handler-kill');
    await using host = await Host.start();
    const limits = { filter: { event_type: 'test' }, concurrency: 20 };
    const handlers = [
      await host.register('one', CODE, limits),
      await host.register('ordered', CODE, { ...limits, ordering_key: 'event_data.key' }),
    ];
    const event = (id: string, n: number) => ({ _id: id, event_type: 'test', event_data: { ms: 5 + ((n * 37) % 200), key: n % 7 } });
    const load = startLoad(host, random, { singles: 2, batches: 1, pauseMs: 200, event });
    for (let round = 0; round < ROUNDS; round++) {
      await setTimeout(random.between(300, 1_500));
      await host.killAndRestart();
    }
    await load.stop();
    await host.drained(60_000 + ROUNDS * 10_000);
    const { output } = host;
    using audit = await host.audit();
    const acked = load.acked();
    const runs = audit.count("SELECT count(*) FROM events WHERE type = 'test'") * handlers.length;
    expect(audit.integrity).toBe('ok');
    expect(audit.missing(acked)).toEqual([]);
    expect(audit.without('succeeded', 'test', handlers)).toEqual([]);
    expect(audit.count('SELECT count(*) FROM executions')).toBe(runs);
    expect(audit.count("SELECT count(*) FROM events WHERE type = 'log_debug'")).toBe(runs);
    expect(audit.count("SELECT count(DISTINCT cause) FROM events WHERE type = 'log_debug'")).toBe(runs);
    expect(audit.count("SELECT sum(CAST(value AS INTEGER)) FROM handler_state WHERE key = 'runs'")).toBe(runs);
    expect(audit.count("SELECT count(*) FROM deliveries WHERE state = 'sent'")).toBe(runs);
    expect(audit.count('SELECT count(DISTINCT execution_id) FROM deliveries')).toBe(runs);
    // Attempts that were cut off are all that there are beside the successes: nobody pays for the end of a server.
    expect(
      audit.all("SELECT x.id, x.attempts FROM executions x, json_each(x.attempts) a WHERE a.value ->> '$.outcome.reason' <> 'lost'"),
    ).toEqual([]);
    expect(audit.count('SELECT max(attempt) FROM executions')).toBeLessThanOrEqual(ROUNDS + 1);
    expect(output).not.toContain('unhandled');
  },
  120_000 + ROUNDS * 20_000,
);
