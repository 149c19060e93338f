import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { executionIdPrefix } from '../../core/execution-id.ts';
import type { ExactValue } from '../../core/json.ts';
import { selectorText } from '../../core/selector/text.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { DeliveryStore } from '../../ports/delivery-store.ts';
import type { EventQuery, EventStore } from '../../ports/event-store.ts';
import type { HandlerStore } from '../../ports/handler-store.ts';
import type { KeyStore } from '../../ports/key-store.ts';
import type { Queue, Settlement } from '../../ports/queue.ts';
import type { ReportStore } from '../../ports/report-store.ts';
import type { RetentionStore } from '../../ports/retention-store.ts';
import type { ScheduleStore } from '../../ports/schedule-store.ts';
import { type Durability, ensureFolder, lockFolder } from './open.ts';
import type { QueryTexts } from './read-queries.ts';
import { Readers } from './readers.ts';
import { reportStore } from './reports.ts';
import { finishRestore } from './restore.ts';
import { retentionStore } from './retention.ts';
import { firingRow, submissionRow } from './rows.ts';
import type { SettlementRow } from './write-executions.ts';
import { Writer } from './writer.ts';

export interface SqliteStoreOptions {
  folder: string;
  durability: Durability;
  /** How long a query may take. */
  deadlineMs?: number;
  resultBytes?: number;
  readers?: number;
  /** Of this program: noted with the schema of a new folder. */
  release: string;
  now(): number;
  /** Nothing can be written any more, for a reason that only a new start can mend. */
  onBroken?(error: Error): void;
}

/** Every port on one SQLite file: one thread writes, a few read, the calling thread never waits for either. */
export interface SqliteStore extends AsyncDisposable {
  events: EventStore;
  queue: Queue;
  handlers: HandlerStore;
  keys: KeyStore;
  deliveries: DeliveryStore;
  retention: RetentionStore;
  schedules: ScheduleStore;
  reports: ReportStore;
  alerts: AlertStore;
}

const DEADLINE_MS = 10_000;
const RESULT_BYTES = 256 * 1024 * 1024;
const SORTED_MATCHES = 100_000;

/** Throws SchemaMismatch for a folder of another release: only a migration changes what is stored. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { folder, durability, deadlineMs = DEADLINE_MS, resultBytes = RESULT_BYTES, release, now } = options;
  ensureFolder(folder);
  await using stack = new AsyncDisposableStack();
  stack.use(lockFolder(folder));
  finishRestore(folder);
  const writer = stack.use(await Writer.start({ folder, durability, release, at: now() }, options.onBroken));
  const threads = options.readers ?? Math.max(1, Math.min(4, availableParallelism()));
  const readers = stack.use(new Readers({ folder, threads, deadlineMs, limits: { resultBytes, sortedMatches: SORTED_MATCHES } }));
  const owned = stack.move();
  return {
    events: eventStore(writer, readers),
    queue: queue(writer, readers),
    handlers: handlerStore(writer, readers),
    keys: keyStore(writer, readers),
    deliveries: deliveryStore(writer, readers),
    retention: retentionStore(writer, readers),
    schedules: { all: () => writer.call('schedules'), put: (runs) => writer.call('putSchedules', runs) },
    reports: reportStore(readers),
    alerts: { isTwin: (key, alert, now) => writer.call('isTwin', key, alert, now) },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A query crosses the thread border as texts: cloning would make plain objects of the exact numbers. */
function queryTexts({ selector, sort, projection }: EventQuery): QueryTexts {
  const textOf = (value: ExactValue | null): string | null => (value === null ? null : selectorText(value));
  return { selector: selectorText(selector), sort: textOf(sort), projection: textOf(projection) };
}

function eventStore(writer: Writer, readers: Readers): EventStore {
  return {
    append: (submissions) => writer.call('appendAll', submissions.map(submissionRow)),
    get: (id) => readers.call('event', id),
    list: (list) => readers.callBounded('list', list),
    query: (query) => readers.callBounded('query', queryTexts(query)),
    page: (query, page) => readers.callBounded('page', queryTexts(query), page),
    count: (selector) => readers.callBounded('count', selectorText(selector)),
    total: () => writer.call('total'),
    archive: (what, at) =>
      'ids' in what ? archiveIds(writer, what.ids, at) : archiveOld(retentionStore(writer, readers), what.beforeText, at),
    listArchived: (number, offset) => readers.callBounded('listArchived', number, offset),
    purgeArchived: (before) => untilDone((limit) => writer.call('purgeArchived', before, limit)),
  };
}

const sha1 = (text: string): string => hash('sha1', text);

/** Long work goes in slices, each a commit of its own, so that what comes in meanwhile does not wait for all of it. */
const SLICE = 500;
/** Of rows that are quick to change and slow to find. */
const LONG_SLICE = 10_000;

async function untilDone(slice: (limit: number) => Promise<number>, size = SLICE): Promise<number> {
  let total = 0;
  for (;;) {
    const done = await slice(size);
    total += done;
    if (done < size) return total;
  }
}

async function archiveOld(store: Pick<RetentionStore, 'archiveOld'>, beforeText: string, at: number): Promise<number> {
  let [total, from]: [number, string | null] = [0, null];
  do {
    const slice = await store.archiveOld({ beforeText, at, from, limit: SLICE });
    total += slice.count;
    from = slice.next;
  } while (from !== null);
  return total;
}

async function archiveIds(writer: Writer, ids: readonly string[], at: number): Promise<number> {
  let total = 0;
  for (let from = 0; from < ids.length; from += SLICE) total += await writer.call('archiveIds', ids.slice(from, from + SLICE), at);
  return total;
}

function queue(writer: Writer, readers: Readers): Queue {
  return {
    shared: false,
    renew: async () => true,
    fire: (plan) => writer.call('fire', firingRow(plan)),
    executionsOf: (subjectId) => readers.call('executionsOf', subjectId, executionIdPrefix(subjectId, sha1)),
    claim: (request) => writer.call('claim', request),
    settle: (settlements) => writer.call('settle', settlements.map(settlementRow)),
    async recover(now) {
      await writer.call('fetchFromFuture', now);
      return writer.call('recover', now);
    },
    async bringForward(now, byMs) {
      await untilDone((limit) => writer.call('neverRanAhead', now, limit), LONG_SLICE);
      await writer.call('bringForward', now, byMs);
    },
    cancel: (id, now) => writer.call('cancel', id, now),
    canceled: (ids) => readers.call('canceled', ids),
    replay: (id, now, version) => writer.call('replay', id, now, version),
    get: (id) => readers.call('execution', id),
    list: (filter, page) =>
      readers.call('executions', filter, page, filter.eventId === undefined ? '' : executionIdPrefix(filter.eventId, sha1)),
    open: () => readers.call('open'),
    counts: () => readers.call('counts'),
    state: (handlerId, key) => readers.call('state', handlerId, key),
  };
}

/** What becomes rows is taken out of the settlement, so that it does not cross the thread border twice. */
function settlementRow(settlement: Settlement): SettlementRow {
  if (settlement.kind === 'succeeded' && settlement.events.length > 0)
    return { settlement: { ...settlement, events: [] }, events: settlement.events.map(submissionRow), firings: [] };
  if (settlement.kind === 'dead' && settlement.firings.length > 0)
    return { settlement: { ...settlement, firings: [] }, events: [], firings: settlement.firings.map(firingRow) };
  return { settlement, events: [], firings: [] };
}

function handlerStore(writer: Writer, readers: Readers): HandlerStore {
  return {
    all: () => readers.call('handlers'),
    put: (handler) => writer.call('putHandler', handler),
    setEnabled: (id, enabled, at, by) => writer.call('enableHandler', id, enabled, at, by),
    versions: (id) => readers.call('versions', id),
    version: (id, version) => readers.call('version', id, version),
    remove: (id, at) => writer.call('removeHandler', id, at),
  };
}

function keyStore(writer: Writer, readers: Readers): KeyStore {
  return {
    all: () => readers.call('keys'),
    create: (key) => writer.call('createKey', key),
    revoke: (id, at) => writer.call('revokeKey', id, at),
    touch: (uses) => writer.call('touchKeys', uses),
    keepSetting: (name, value) => writer.call('keepSetting', name, value),
    setting: (name) => writer.call('setting', name),
    exchangeSetting: (name, before, after) => writer.call('exchangeSetting', name, before, after),
  };
}

function deliveryStore(writer: Writer, readers: Readers): DeliveryStore {
  return {
    due: (now, limit, lane = 'all') => readers.call('deliveriesDue', now, limit, lane),
    nextDueAt: (lane = 'all') => readers.call('nextDeliveryAt', lane),
    record: (results) => writer.call('recordDeliveries', results),
    resend: (id, now) => writer.call('resendDelivery', id, now),
    waiting: () => readers.call('deliveriesWaiting'),
    get: (id) => readers.call('delivery', id),
    list: (filter, page) => readers.call('deliveries', filter, page),
  };
}
