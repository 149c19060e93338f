import { EngineError } from '../../core/errors.ts';
import { sameEvent } from '../../core/same-event.ts';
import type { AppendResult, NewEvent, Submission } from '../../ports/event-store.ts';
import { readEvent } from './bson-read.ts';
import { eventDocument } from './bson-write.ts';
import type { Collections } from './connect.ts';
import type { EventDocument, ExecutionDocument } from './documents.ts';
import { executionDocument, insertExecutions } from './executions.ts';
import { insertNew } from './faults.ts';
import { refOf } from './lease.ts';

/** An event on its way into the store, with numbers of its own: writing it a second time changes nothing. */
export interface EventWrite {
  event: Pick<NewEvent, 'id' | 'json' | 'defaulted'>;
  document: EventDocument;
  seq: number;
  executions: ExecutionDocument[];
}

/** Numbers a submission from `seq` on: one for the event, then one for each execution. */
export function eventWrite({ event, executions }: Submission, seq: number, owner: string, document = eventDocument(event)): EventWrite {
  if (document._hookwright !== undefined) document._hookwright.seq = seq;
  const subject = { id: event.id, fired: false };
  return { event, document, seq, executions: executions.map((each, n) => executionDocument(each, subject, seq + 1 + n, owner)) };
}

/**
 * Inserts events, then the executions of those that are new. An event that is there already with the same number was written by an
 * earlier try, and counts as stored.
 */
export async function insertEvents(all: Collections, writes: readonly EventWrite[]): Promise<AppendResult[]> {
  if (writes.length === 0) return [];
  const first = new Map<string, EventWrite>();
  for (const write of writes) if (!first.has(write.event.id)) first.set(write.event.id, write);
  const unique = [...first.values()];
  const documents = unique.map(({ document }) => document);
  const taken = await insertNew(() => all.events.insertMany(documents, { ordered: false }));
  const before = await storedBefore(
    all,
    taken.map((place) => (unique[place] as EventWrite).event.id),
  );
  const results = writes.map((write) => {
    const { event, seq } = first.get(write.event.id) as EventWrite;
    return resultOf(write, before.get(event.id) ?? { seq, json: event.json });
  });
  await insertExecutions(
    all,
    writes.flatMap(({ executions }, n) => (results[n]?.kind === 'stored' ? executions : [])),
  );
  return results;
}

interface Stored {
  seq: number | null;
  json: string;
}

async function storedBefore({ events }: Collections, ids: readonly string[]): Promise<Map<string, Stored>> {
  const stored = new Map<string, Stored>();
  if (ids.length === 0) return stored;
  for await (const bytes of events.find({ _id: { $in: [...ids] } }, { raw: true })) {
    const { id, json, hidden } = readEvent(bytes as unknown as Buffer);
    stored.set(id, { json, seq: hidden?.seq ?? null });
  }
  if (ids.some((id) => !stored.has(id))) throw new EngineError('store_unavailable', 'An event was purged while it came again.');
  return stored;
}

function resultOf({ event, seq, executions }: EventWrite, stored: Stored): AppendResult {
  if (stored.seq === seq) return { kind: 'stored', refs: executions.map(refOf) };
  return { kind: sameEvent(stored.json, event.json, event.defaulted) ? 'duplicate' : 'conflict' };
}
