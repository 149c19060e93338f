import { expect } from '@jest/globals';
import type { PlannedRun } from '../../src/core/schedule.ts';
import { type Options, suite, T0, version } from './subject.ts';

const run = (handlerId: number, over: Partial<PlannedRun> = {}): PlannedRun => ({
  handlerId,
  stamp: `0@${T0}`,
  nextAt: T0 + 60_000,
  previousAt: null,
  ...over,
});

export function scheduleStoreConformance(adapter: string, options: Options): void {
  suite(`ScheduleStore: ${adapter}`, options, (it) => {
    it('has nothing planned at first', async ({ schedules }) => {
      expect(await schedules.all()).toEqual([]);
      await schedules.put([]);
      expect(await schedules.all()).toEqual([]);
    });

    it('keeps what is planned, by handler', async ({ schedules }) => {
      const runs = [run(2), run(1, { nextAt: null }), run(2_147_483_647, { previousAt: T0, stamp: 'Ünïcode "stamp" \u{1f9ea}' })];
      await schedules.put(runs);
      expect(await schedules.all()).toEqual([runs[1], runs[0], runs[2]]);
    });

    it('puts what is planned in the place of what was', async ({ schedules }) => {
      await schedules.put([run(1), run(2)]);
      await schedules.put([run(1, { nextAt: T0 + 120_000, previousAt: T0 + 60_000, stamp: '1@1' })]);
      expect(await schedules.all()).toEqual([run(1, { nextAt: T0 + 120_000, previousAt: T0 + 60_000, stamp: '1@1' }), run(2)]);
    });

    it('keeps instants to the millisecond, also those far away', async ({ schedules }) => {
      const far = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
      await schedules.put([run(1, { nextAt: far, previousAt: -1 })]);
      expect(await schedules.all()).toEqual([run(1, { nextAt: far, previousAt: -1 })]);
    });

    it('takes many at once', async ({ schedules }) => {
      const runs = Array.from({ length: 2_000 }, (_, n) => run(n + 1));
      await schedules.put(runs);
      expect(await schedules.all()).toEqual(runs);
    });

    it('forgets a handler that is removed, and no other', async ({ schedules, handlers }) => {
      const { handler: first } = await handlers.put({ hook: 'schedule.cron', name: 'a', version: version() });
      const { handler: second } = await handlers.put({ hook: 'schedule.cron', name: 'b', version: version() });
      await schedules.put([run(first.id), run(second.id)]);
      await handlers.remove(first.id, T0);
      expect(await schedules.all()).toEqual([run(second.id)]);
    });

    it('has it after a stop and a start', async (subject) => {
      await subject.schedules.put([run(1)]);
      await using again = await subject.reopen();
      expect(await again.schedules.all()).toEqual([run(1)]);
    });

    it('keeps the schedule of a handler with its version', async ({ handlers }) => {
      const schedule = { cron: '30 7 * * MON-FRI', timezone: 'Europe/Berlin' };
      const { handler } = await handlers.put({ hook: 'schedule.cron', name: 'a', version: version({ schedule }) });
      expect((await handlers.all())[0]?.current.schedule).toEqual(schedule);
      expect((await handlers.version(handler.id, 0))?.schedule).toEqual(schedule);
    });
  });
}
