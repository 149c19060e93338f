import type { Attempt, ExecutionRecord, NewExecution } from '../../ports/queue.ts';
import type { Collections } from './connect.ts';
import type { ExecutionDocument } from './documents.ts';
import { insertNew, isDuplicate } from './faults.ts';

export interface Subject {
  id: string;
  fired: boolean;
}

/** What was planned as leased is leased by `owner`. */
export function executionDocument(planned: NewExecution, subject: Subject, seq: number, owner: string): ExecutionDocument {
  const isLeased = planned.state === 'leased';
  return {
    _id: planned.id,
    seq,
    handlerId: planned.handlerId,
    version: planned.handlerVersion,
    hook: planned.hook,
    subject: subject.id,
    fired: subject.fired,
    state: planned.state,
    attempt: isLeased ? 1 : 0,
    failures: 0,
    replays: 0,
    orderingKey: planned.orderingKey,
    createdAt: planned.createdAt,
    runAt: planned.runAt,
    startedAt: null,
    finishedAt: null,
    output: null,
    logs: null,
    error: null,
    attempts: [],
    ...(isLeased ? { owner } : {}),
  };
}

/** As it is when nobody holds it: what a server planned that died, or that never answered for it. */
export function asPending(planned: ExecutionDocument): ExecutionDocument {
  const { owner: _, ...rest } = planned;
  return { ...rest, state: 'pending', attempt: 0 };
}

/** Writes executions that may be there already. One of the same id from before can only be history of an event that was purged since. */
export async function insertExecutions({ executions }: Collections, documents: readonly ExecutionDocument[]): Promise<void> {
  if (documents.length === 0) return;
  const taken = await insertNew(() => executions.insertMany(documents, { ordered: false }));
  for (const place of taken) {
    const document = documents[place] as ExecutionDocument;
    const { _id, seq, ...rest } = document;
    await executions.replaceOne({ _id, seq: { $lt: seq } }, { seq, ...rest }, { upsert: true }).catch((error: unknown) => {
      if (!isDuplicate(error)) throw error; // the same one is there
    });
  }
}

/** `input` is null where only the execution was read. */
export function recordOf(document: ExecutionDocument, input: string | null): ExecutionRecord {
  return {
    id: document._id,
    handlerId: document.handlerId,
    handlerVersion: document.version,
    hook: document.hook,
    eventId: document.subject,
    state: document.state,
    attempt: document.attempt,
    createdAt: document.createdAt,
    runAt: document.runAt,
    startedAt: document.startedAt,
    finishedAt: document.finishedAt,
    input,
    output: document.output ?? null,
    logs: parsed(document.logs, []),
    error: parsed(document.error, null),
    attempts: [...document.attempts.map((text) => JSON.parse(text) as Attempt), ...lastAttempt(document)],
  };
}

function parsed<T>(text: string | null | undefined, absent: T): T {
  return text == null ? absent : (JSON.parse(text) as T);
}

/** Failed attempts are in the history when they fail; a success is told by the execution itself. */
export function lastAttempt({ state, attempt, startedAt, finishedAt }: ExecutionDocument): Attempt[] {
  return state === 'succeeded' ? [{ attempt, startedAt, finishedAt: finishedAt as number, outcome: 'succeeded' }] : [];
}
