import { createHash } from 'node:crypto';
import { afterAll, describe, test } from '@jest/globals';
import type { NewDelivery } from '../../src/core/delivery.ts';
import { DEFAULT_EVENT_LIMITS, normaliseEvent } from '../../src/core/event.ts';
import type { ExecutionError } from '../../src/core/execution.ts';
import { executionId } from '../../src/core/execution-id.ts';
import { DEFAULT_RETRY, type HandlerVersion } from '../../src/core/handler.ts';
import { type ExactObject, membersOf, parseExact } from '../../src/core/json.ts';
import type { AlertStore } from '../../src/ports/alert-store.ts';
import type { DeliveryStore } from '../../src/ports/delivery-store.ts';
import type { Cause, EventStore, NewEvent, Submission } from '../../src/ports/event-store.ts';
import type { HandlerStore } from '../../src/ports/handler-store.ts';
import type { KeyStore } from '../../src/ports/key-store.ts';
import type { Lease, Leased, LeaseRef, NewExecution, Queue, Settlement } from '../../src/ports/queue.ts';
import type { ReportStore } from '../../src/ports/report-store.ts';
import type { RetentionStore } from '../../src/ports/retention-store.ts';
import type { ScheduleStore } from '../../src/ports/schedule-store.ts';
import { fixedDefaults } from '../support/event-defaults.ts';

/** What a suite tests: all ports on one empty store. */
export interface Subject extends AsyncDisposable {
  events: EventStore;
  queue: Queue;
  handlers: HandlerStore;
  keys: KeyStore;
  deliveries: DeliveryStore;
  reports: ReportStore;
  retention: RetentionStore;
  schedules: ScheduleStore;
  alerts: AlertStore;
  /** The same data after a stop and a start; the subject itself is closed then. */
  reopen(): Promise<Subject>;
  /** Takes everything out, which is quicker than to open another one. Ids of handlers may go on from where they were. */
  clear(): Promise<void>;
}
export interface Options {
  open(): Promise<Subject>;
  /** Tests that this adapter does not pass, each with the reason. */
  skip?: Readonly<Record<string, string>>;
}
export type It = (name: string, body: (subject: Subject) => Promise<void>) => void;

/** A suite whose tests each get an empty store; a declared gap shows up as skipped, with its reason. */
export function suite(name: string, { open, skip = {} }: Options, define: (it: It) => void): void {
  describe(name, () => {
    let subject: Subject | null = null;
    afterAll(async () => {
      await subject?.[Symbol.asyncDispose]();
    });
    const run = async (body: (subject: Subject) => Promise<void>): Promise<void> => {
      const mine = subject ?? (await open());
      subject = mine;
      const reopen = (): Promise<Subject> => {
        subject = null;
        return mine.reopen();
      };
      await mine.clear();
      await body({ ...mine, reopen });
    };
    const unknown = new Set(Object.keys(skip));
    define((title, body) => {
      unknown.delete(title);
      const reason = skip[title];
      if (reason === undefined) test(title, () => run(body));
      else test.skip(`${title} (${reason})`, () => {});
    });
    if (unknown.size > 0) throw new Error(`${name} has no tests named ${[...unknown].join(', ')}`);
  });
}

export const T0 = Date.UTC(2026, 2, 1);
export const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** An event as ingest makes it of these members (or of this JSON text). */
export function event(members: Record<string, unknown> | string, cause: Cause | null = null): NewEvent {
  const text = typeof members === 'string' ? members : JSON.stringify(members);
  const result = normaliseEvent(text, fixedDefaults, { ...DEFAULT_EVENT_LIMITS, allowAnySourceIds: true });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  const { id, type, level, alert, archived, timestamp, timestampUs, nodeId, json, defaulted } = result.event;
  return { id, type, level, alert, archived, timestamp, timestampUs, nodeId, json, defaulted, cause };
}

export function execution(subjectId: string, over: Partial<NewExecution> = {}): NewExecution {
  const handlerId = over.handlerId ?? 1;
  return {
    id: executionId(subjectId, handlerId, sha1),
    handlerId,
    handlerVersion: 0,
    hook: 'event.on_ingest',
    state: 'pending',
    createdAt: T0,
    runAt: T0,
    orderingKey: null,
    ...over,
  };
}

export const submission = (of: NewEvent, ...executions: NewExecution[]): Submission => ({ event: of, executions });

/** Stores events that run nothing. */
export async function store({ events }: Subject, ...members: (Record<string, unknown> | string)[]): Promise<NewEvent[]> {
  const made = members.map((each) => event(each));
  const results = await events.append(made.map((each) => submission(each)));
  if (results.some(({ kind }) => kind !== 'stored')) throw new Error(`not all stored: ${JSON.stringify(results)}`);
  return made;
}

/** Stores one event with one execution that is leased by that commit, and answers its lease. */
export async function leased(subject: Subject, id: string, over: Partial<NewExecution> = {}): Promise<Lease> {
  const planned = execution(id, { state: 'leased', ...over });
  const [result] = await subject.events.append([submission(event({ _id: id }), planned)]);
  if (result?.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(result)}`);
  return { executionId: planned.id, attempt: 1, ref: result.refs[0] as LeaseRef };
}

/** Stores events that each wait for one execution. */
export async function pending(subject: Subject, ids: readonly string[], over: Partial<NewExecution> = {}): Promise<string[]> {
  const made = ids.map((id) => submission(event({ _id: id }), execution(id, over)));
  await subject.events.append(made);
  return made.map(({ executions }) => (executions[0] as NewExecution).id);
}

export async function claim(subject: Subject, over: Partial<Parameters<Queue['claim']>[0]> = {}): Promise<Leased[]> {
  const { leased: taken } = await subject.queue.claim({ handlerId: 1, limit: 100, now: T0, dueOnly: true, ...over });
  return taken;
}

const times = { startedAt: T0 + 1, finishedAt: T0 + 2, logs: [], deliveries: [] };
export const succeeded = (lease: Lease, over: Partial<Extract<Settlement, { kind: 'succeeded' }>> = {}): Settlement => ({
  kind: 'succeeded',
  lease,
  ...times,
  output: 'null',
  events: [],
  state: [],
  ...over,
});
export const failure = (message = 'broken', over: Partial<ExecutionError> = {}): ExecutionError => ({
  reason: 'thrown',
  message,
  line: null,
  column: null,
  ...over,
});
export const retry = (lease: Lease, over: Partial<Extract<Settlement, { kind: 'retry' }>> = {}): Settlement => ({
  kind: 'retry',
  lease,
  ...times,
  error: failure(),
  runAt: T0,
  ...over,
});
export const dead = (lease: Lease, over: Partial<Extract<Settlement, { kind: 'dead' }>> = {}): Settlement => ({
  kind: 'dead',
  lease,
  ...times,
  error: failure(),
  firings: [],
  ...over,
});
export const SETTLED = { kind: 'settled', events: [], firings: [] };
export const LEASE_LOST = { kind: 'lease_lost' };

export const delivery = (id: string, over: Partial<NewDelivery> = {}): NewDelivery => ({
  id,
  executionId: null,
  kind: 'success',
  to: 'someone@lab.example',
  subject: 'subject',
  text: 'text',
  html: null,
  messageId: `${id}@lab.example`,
  createdAt: T0,
  ...over,
});

/** Deliveries come into the store with a settlement. */
export async function deliver(subject: Subject, ...deliveries: NewDelivery[]): Promise<void> {
  const lease = await leased(subject, `for ${deliveries[0]?.id}`);
  await subject.queue.settle([succeeded(lease, { deliveries })]);
}

export const version = (over: Partial<Omit<HandlerVersion, 'version'>> = {}): Omit<HandlerVersion, 'version'> => ({
  code: 'export default () => 1;',
  language: 'javascript',
  javascript: 'export default () => 1;',
  tags: [],
  filter: '{}',
  notifyOnSuccess: null,
  notifyOnFailure: null,
  config: '{}',
  timeoutMs: 1_000,
  memoryMb: 32,
  retry: DEFAULT_RETRY,
  concurrency: 1,
  orderingKey: null,
  createdAt: T0,
  createdBy: 'somebody',
  keyId: 'key',
  ...over,
});

/** The ids of MADSci's map of events, in its order; a plain object would put "10" before "9". */
export const idsOf = (map: string): string[] => [...membersOf(parseExact(map) as ExactObject)].map(([id]) => id);
/** The ids of a page's items. */
export const itemIds = (items: readonly string[]): string[] => items.map((item) => (JSON.parse(item) as { _id: string })._id);

/** Follows the cursors of a list to its end. `between` is called after each page. */
export async function everyPage<Item>(
  read: (cursor: string | null) => Promise<{ items: Item[]; nextCursor: string | null }>,
  between: () => Promise<unknown> = async () => {},
): Promise<Item[]> {
  const all: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Item[]; nextCursor: string | null } = await read(cursor);
    all.push(...page.items);
    cursor = page.nextCursor;
    await between();
  } while (cursor !== null);
  return all;
}
