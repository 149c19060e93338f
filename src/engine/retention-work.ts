import { boundary, type Cutoffs } from '../core/retention.ts';
import type { Place, RetentionStore, Slice, Swept } from '../ports/retention-store.ts';

/** How many were archived and deleted so far. */
export interface Work {
  archived: number;
  deleted: number;
  executions: number;
  mails: number;
}
export interface WorkOptions {
  store: RetentionStore;
  cutoffs: Cutoffs;
  /** The instant that the cutoffs are of: a clock that jumps meanwhile changes nothing. */
  at: number;
  batchSize: number;
  maxBatches: number;
  /** Waits so long; false when it is time to end. */
  goesOn(ms: number): Promise<boolean>;
}

/** As the original pauses between batches. */
const PAUSE_MS = 100;
/** What is done in one commit: a writer is busy with it for some ten milliseconds. */
const SLICE = 500;
/** Between slices others get their turn. */
const BREATH_MS = 5;

/** Does what the cutoffs say, and counts it in `work`. Answers whether nothing is left. */
export async function workThrough(o: WorkOptions, work: Work): Promise<boolean> {
  const isArchived = await archive(o, work);
  const isDeleted = await purge(o, work);
  return (await sweepAll(o, work)) && isArchived && isDeleted;
}

async function archive({ store, cutoffs, at, batchSize, maxBatches, goesOn }: WorkOptions, work: Work): Promise<boolean> {
  if (cutoffs.archiveBefore === null) return true;
  let from: Place | null = null;
  for (let batch = 0; maxBatches === 0 || batch < maxBatches; batch++) {
    for (let left = batchSize; left > 0; ) {
      const slice: Slice = await store.archiveOld({ beforeText: cutoffs.archiveBefore, at, from, limit: Math.min(left, SLICE) });
      work.archived += slice.count;
      left -= slice.count;
      from = slice.next;
      if (from === null) return true;
      if (left > 0 && !(await goesOn(BREATH_MS))) return false;
    }
    if (!(await goesOn(PAUSE_MS))) return false;
  }
  return false;
}

async function purge({ store, cutoffs, goesOn }: WorkOptions, work: Work): Promise<boolean> {
  if (cutoffs.deleteBefore === null) return true;
  for (;;) {
    const count = await store.purgeOld(cutoffs.deleteBefore, SLICE);
    work.deleted += count;
    if (count < SLICE) return true;
    if (!(await goesOn(BREATH_MS))) return false;
  }
}

/** Firings go when their last execution went. */
async function sweepAll(o: WorkOptions, work: Work): Promise<boolean> {
  const { store, cutoffs, goesOn } = o;
  const { executionsBefore, mailsBefore } = cutoffs;
  const executions = await sweep(o, 'executions', executionsBefore);
  work.executions = executions.count;
  const firings =
    executionsBefore === null
      ? DONE
      : await inSlices((from) => store.sweepFirings({ before: executionsBefore, from, limit: SLICE }), goesOn);
  const mails = await sweep(o, 'deliveries', mailsBefore);
  work.mails = mails.count;
  return executions.isDone && firings.isDone && mails.isDone;
}

interface Swath {
  count: number;
  isDone: boolean;
}
const DONE: Swath = { count: 0, isDone: true };

async function sweep({ store, at: now, goesOn }: WorkOptions, what: Swept, before: number | null): Promise<Swath> {
  if (before === null) return DONE;
  const below = await boundary({ highest: await store.highest(what), before, now, at: (number) => store.at(what, number) });
  return inSlices((from) => store.sweep({ what, before, below, from, limit: SLICE }), goesOn);
}

async function inSlices(next: (from: Place | null) => Promise<Slice>, goesOn: WorkOptions['goesOn']): Promise<Swath> {
  let [count, from]: [number, Place | null] = [0, null];
  for (;;) {
    const slice: Slice = await next(from);
    count += slice.count;
    from = slice.next;
    if (from === null) return { count, isDone: true };
    if (!(await goesOn(BREATH_MS))) return { count, isDone: false };
  }
}
