import type { ScheduleStore } from '../../ports/schedule-store.ts';
import { bounded } from './faults.ts';
import type { Shared } from './shared.ts';

export function scheduleStore({ all: { schedules } }: Shared): ScheduleStore {
  return {
    all: () =>
      bounded(async () => {
        const found = await schedules.find({}, { sort: { _id: 1 } }).toArray();
        return found.map(({ _id, ...run }) => ({ handlerId: _id, ...run }));
      }),
    put: (runs) =>
      bounded(async () => {
        const operations = runs.map(({ handlerId: _id, ...run }) => ({
          replaceOne: { filter: { _id }, replacement: run, upsert: true },
        }));
        if (operations.length > 0) await schedules.bulkWrite(operations, { ordered: false });
      }),
  };
}
