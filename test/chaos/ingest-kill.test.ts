import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Host, ROUNDS, randomOf, startLoad } from './chaos.ts';

/** RELIABILITY experiment 1: kill -9 while events come in. */
test(
  'no acknowledged event is lost to kill -9, each has its executions, and the server is soon ready again',
  async () => {
    const random = randomOf('ingest-kill');
    await using host = await Host.start();
    const handlers = [
      await host.register('one', 'export default () => 1'),
      await host.register('two', 'export default (event) => event._id'),
    ];
    await host.register('none', 'export default () => 1', { filter: { event_type: 'log_error' } });
    const load = startLoad(host, random, { lines: 25 });
    for (let round = 0; round < ROUNDS; round++) {
      await setTimeout(random.between(50, 1_500));
      await host.killAndRestart();
    }
    await load.stop();
    await host.drained();
    const { output, lateStarts } = host;
    using audit = await host.audit();
    const acked = load.acked();
    process.stderr.write(`chaos: ${acked.length} acknowledged, slowest start ${Math.max(...host.starts).toFixed(0)} ms\n`);
    expect(audit.integrity).toBe('ok');
    expect(acked.length).toBeGreaterThan(ROUNDS * 10);
    expect(audit.missing(acked)).toEqual([]);
    expect(audit.without('succeeded', 'test', handlers)).toEqual([]);
    expect(audit.count('SELECT count(*) FROM executions')).toBe(2 * audit.count('SELECT count(*) FROM events'));
    expect(Object.fromEntries(load.refusals)).toEqual({});
    expect(output).not.toContain('unhandled');
    // Missed once is printed, with the load of the machine; missed twice is a defect.
    expect(lateStarts.length).toBeLessThan(2);
  },
  60_000 + ROUNDS * 8_000,
);
