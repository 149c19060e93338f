import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportStore } from '../../ports/report-store.ts';
import { DATABASE_FILE } from './open.ts';
import type { Mark } from './read-activity.ts';
import { Readers } from './readers.ts';

/** So that a client cannot make the server keep any number of ids. */
const MAX_OWNERS = 100_000;

const LIMITS = { resultBytes: 256 * 1024 * 1024, sortedMatches: 0 };

/** Reports on a data folder that a server may be at work on: nothing is written, and no lock is needed. */
export function openReports(folder: string, deadlineMs: number): ReportStore & AsyncDisposable {
  if (!existsSync(join(folder, DATABASE_FILE)))
    throw new Error(`There is no database in ${folder}. Set DATA_DIR to the folder of the server.`);
  const readers = new Readers({ folder, threads: 1, deadlineMs, limits: LIMITS });
  return { ...reportStore(readers), [Symbol.asyncDispose]: () => readers[Symbol.asyncDispose]() };
}

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
