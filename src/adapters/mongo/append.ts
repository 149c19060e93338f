import type { AppendResult, Submission } from '../../ports/event-store.ts';
import { Batcher } from './batcher.ts';
import { eventDocument } from './bson-write.ts';
import type { EventDocument } from './documents.ts';
import { steady } from './faults.ts';
import type { Shared } from './shared.ts';
import { type EventWrite, eventWrite, insertEvents } from './write-events.ts';

interface Item {
  submission: Submission;
  document: EventDocument;
}

/**
 * Appends events with their executions, in three steps without a transaction, so that events may be sharded:
 *  1. insert the event with its executions inside, `planned` (confirmed by a majority: from here on nothing is lost);
 *  2. insert the executions, which have ids of their own making, so that doing it twice changes nothing;
 *  3. a little later, take `planned` out.
 * The answer comes after 2, so that whoever got it finds the executions. After a crash between 1 and 3, recovery does the rest.
 */
export function appender(shared: Shared): (submissions: readonly Submission[]) => Promise<AppendResult[]> {
  const bounds = { items: 4_000, weight: 24_000_000, weigh: ({ submission }: Item) => submission.event.json.length };
  const batcher = new Batcher<Item, AppendResult>(bounds, (items) => append(shared, items));
  return async (submissions) => batcher.call(submissions.map((submission) => ({ submission, document: eventDocument(submission.event) })));
}

async function append(shared: Shared, items: readonly Item[]): Promise<AppendResult[]> {
  const withWork = items.flatMap(({ submission }) => (submission.executions.length > 0 ? [submission] : []));
  const ids = withWork.map(({ event }) => event.id);
  const results = await shared.stranded.during(ids, async () => {
    const writes = await steady(() => numbered(shared, items));
    return steady(() => insertEvents(shared.all, writes));
  });
  // Not of what was there already: whoever stored that may have been cut off before step 2, and its plan is all there is.
  const done = items.flatMap(({ submission: { event, executions } }, n) =>
    executions.length > 0 && results[n]?.kind === 'stored' ? [event.id] : [],
  );
  shared.stranded.remove(done);
  shared.plansDone.add(done.map((id) => ({ kind: 'event', id })));
  if (withWork.some(({ executions }) => executions.some(({ state }) => state === 'pending'))) shared.signal('queue');
  return results;
}

async function numbered(shared: Shared, items: readonly Item[]): Promise<EventWrite[]> {
  const { owner } = shared.presence;
  const count = items.reduce((sum, { submission }) => sum + 1 + submission.executions.length, 0);
  let seq = await shared.sequence.next(count);
  return items.map(({ submission, document }) => {
    const write = eventWrite(submission, seq, owner, document);
    seq += 1 + write.executions.length;
    if (write.executions.length > 0) Object.assign(document._hookwright ?? {}, { planned: write.executions, owner });
    return write;
  });
}
