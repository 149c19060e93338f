import type { FireResult, FiringPlan } from '../../ports/queue.ts';
import type { Collections } from './connect.ts';
import type { ExecutionDocument, FiringDocument } from './documents.ts';
import { executionDocument, insertExecutions } from './executions.ts';
import { insertNew, steady } from './faults.ts';
import { refOf } from './lease.ts';
import type { Shared } from './shared.ts';

export interface FiringWrite {
  document: FiringDocument;
  executions: ExecutionDocument[];
}

export function firingWrite({ firing, executions }: FiringPlan, seq: number, owner: string): FiringWrite {
  const { id, hook, payload, tags, createdAt, cause } = firing;
  const document = { _id: id, seq, hook, payload, tags: [...tags], createdAt, root: cause?.root ?? null, depth: cause?.depth ?? 0 };
  const subject = { id, fired: true };
  return { document, executions: executions.map((each, n) => executionDocument(each, subject, seq + 1 + n, owner)) };
}

/** Inserts firings, then the executions of those that are new or were written by an earlier try. */
export async function insertFirings(all: Collections, writes: readonly FiringWrite[]): Promise<FireResult[]> {
  if (writes.length === 0) return [];
  const documents = writes.map(({ document }) => document);
  const taken = await insertNew(() => all.firings.insertMany(documents, { ordered: false }));
  const ids = taken.map((place) => (writes[place] as FiringWrite).document._id);
  const found = ids.length === 0 ? [] : await all.firings.find({ _id: { $in: ids } }, { projection: { seq: 1 } }).toArray();
  const before = new Map(found.map(({ _id, seq }) => [_id, seq]));
  const results = writes.map(({ document: { _id, seq }, executions }): FireResult => {
    const isOurs = (before.get(_id) ?? seq) === seq;
    return isOurs ? { kind: 'stored', refs: executions.map(refOf) } : { kind: 'existing' };
  });
  await insertExecutions(
    all,
    writes.flatMap(({ executions }, n) => (results[n]?.kind === 'stored' ? executions : [])),
  );
  return results;
}

/** A firing from outside, in the three steps of an appended event. */
export async function fire(shared: Shared, plan: FiringPlan): Promise<FireResult> {
  const { all, presence, sequence, stranded, plansDone, signal } = shared;
  const { id } = plan.firing;
  const [result] = await stranded.during([id], async () => {
    const { owner } = presence;
    const write = firingWrite(plan, await steady(() => sequence.next(1 + plan.executions.length)), owner);
    if (write.executions.length > 0) Object.assign(write.document, { planned: write.executions, owner });
    return steady(() => insertFirings(all, [write]));
  });
  // What was there already may be another server's, cut off before its executions were written.
  if (result?.kind === 'stored') {
    stranded.remove([id]);
    plansDone.add([{ kind: 'firing', id }]);
  }
  if (plan.executions.some(({ state }) => state === 'pending')) signal('queue');
  return result as FireResult;
}
