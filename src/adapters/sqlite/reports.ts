import type { ReportStore } from '../../ports/report-store.ts';
import type { Mark } from './read-activity.ts';
import type { Readers } from './readers.ts';

/** So that a client cannot make the server keep any number of ids. */
const MAX_OWNERS = 100_000;

/** Reports run in a reader thread. What is a workcell or a manager has to be looked for in all events there are, so it is kept here between reports. */
export function reportStore(readers: Readers): ReportStore {
  const owners = new Set<string>();
  let mark: Mark | null = null;
  const update = async (): Promise<void> => {
    for (let isDone = false; !isDone; ) {
      const found = await readers.callReport('ownersSince', mark);
      if (found.isAnew) owners.clear();
      for (const id of found.ids) if (owners.size < MAX_OWNERS) owners.add(id);
      ({ mark, isDone } = found);
    }
  };
  return {
    async utilization(request, format, now) {
      if (request.kind !== 'users') await update();
      return readers.callReport('utilization', request, format, now, [...owners]);
    },
  };
}
