import { describe, expect, test } from '@jest/globals';
import type { Activity } from '../../../../src/core/utilization/activity.ts';
import { Coverage } from '../../../../src/core/utilization/coverage.ts';
import { NodeUse } from '../../../../src/core/utilization/node-use.ts';
import { SystemUse } from '../../../../src/core/utilization/system-use.ts';
import { TimeOrder } from '../../../../src/core/utilization/time-order.ts';
import { trendsOf } from '../../../../src/core/utilization/trends.ts';

const seconds = (value: number): number => value * 1e6;

describe('how use is counted', () => {
  test('M45 periods that overlap or touch count once', () => {
    const covered = new Coverage();
    for (const [start, end] of [
      [0, 10],
      [5, 7],
      [10, 12],
      [20, 30],
    ] as const)
      covered.add(seconds(start), seconds(end));
    expect(covered.seconds).toBe(22);
  });

  test('M45 the system is active while any experiment runs; what has not ended runs to the end, and ends without a start are nothing', () => {
    const use = new SystemUse();
    use.take({ kind: 'experiment_ended', experiment: 'unknown' }, seconds(1));
    use.take({ kind: 'experiment_began', experiment: 'a' }, seconds(10));
    use.take({ kind: 'experiment_began', experiment: 'b' }, seconds(15));
    use.take({ kind: 'experiment_ended', experiment: 'a' }, seconds(20));
    use.take({ kind: 'experiment_ended', experiment: 'b' }, seconds(30));
    use.take({ kind: 'experiment_began', experiment: 'c' }, seconds(90));
    expect(use.activeSeconds(seconds(100))).toBe(30);
    expect(use.experiments).toEqual(['a', 'b', 'c']);
  });

  test('M45 a second start of an experiment forgets the first', () => {
    const use = new SystemUse();
    for (const at of [0, 50]) use.take({ kind: 'experiment_began', experiment: 'a' }, seconds(at));
    use.take({ kind: 'experiment_ended', experiment: 'a' }, seconds(60));
    expect(use.activeSeconds(seconds(100))).toBe(10);
  });

  test('M45 a node is busy from its first action to its last; without a start it was up all the time', () => {
    const node = new NodeUse(0);
    node.take({ kind: 'action_began', action: 'a' }, seconds(10));
    node.take({ kind: 'action_began', action: 'b' }, seconds(12));
    node.take({ kind: 'action_ended', action: 'a' }, seconds(20));
    node.take({ kind: 'action_ended', action: 'b' }, seconds(25));
    node.take({ kind: 'action_ended', action: 'b' }, seconds(26));
    expect(node.times(100, seconds(100))).toEqual({
      busySeconds: 15,
      idleSeconds: 85,
      totalSeconds: 100,
      utilizationPercent: 15,
      state: 'idle',
    });
  });

  test('M45 a node that stops is neither up nor busy, and forgets its actions', () => {
    const node = new NodeUse(0);
    node.take({ kind: 'node_started' }, seconds(10));
    node.take({ kind: 'action_began', action: 'a' }, seconds(20));
    node.take({ kind: 'node_stopped' }, seconds(30));
    node.take({ kind: 'action_ended', action: 'a' }, seconds(40));
    expect(node.times(100, seconds(100))).toMatchObject({ busySeconds: 10, idleSeconds: 10, utilizationPercent: 50, state: 'idle' });
  });

  test('M45 what still runs at the end is busy until then', () => {
    const node = new NodeUse(0);
    node.take({ kind: 'action_began', action: 'a' }, seconds(90));
    expect(node.times(100, seconds(100))).toMatchObject({ busySeconds: 10, state: 'busy' });
  });

  test('M46 within five percent a trend is stable; with fewer than two periods in use there is none', () => {
    const of = (...percents: number[]) => trendsOf(percents.map((percent) => ({ percent, experiments: 1 })));
    expect(of(10, 0, 10.5)).toMatchObject({ utilization_trend: { direction: 'stable', active_periods_analyzed: 2 } });
    expect(of(10, 10.51)).toMatchObject({ utilization_trend: { direction: 'increasing' } });
    expect(of(10, 5)).toMatchObject({ utilization_trend: { direction: 'decreasing', change_percent: { value: -50 } } });
    expect(of(10, 0)).toMatchObject({ utilization_trend: { direction: 'insufficient_data', change_percent: 0 } });
  });

  test('M44 activity in the order of texts comes out in the order of time, also from clocks of other zones, and little waits', () => {
    const delivered: number[] = [];
    const ordered = new TimeOrder(({ us }) => delivered.push(us));
    const given: number[] = [];
    for (let n = 0; n < 20_000; n++) {
      const offsetSeconds = n % 7 === 0 ? 7_200 : 0;
      const us = seconds(n * 60 - offsetSeconds);
      given.push(us);
      ordered.push({ us, offsetSeconds, order: n, text: '', node: null, change: null } satisfies Activity);
    }
    expect(delivered.length).toBeGreaterThan(10_000);
    ordered.end();
    expect(delivered).toEqual(given.toSorted((a, b) => a - b));
  });
});
