import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { AlertHeaders, Delivery, DeliveryKind, DeliveryState } from '../../core/delivery.ts';
import type { ExecutionError, ExecutionState, LogLine } from '../../core/execution.ts';
import type { Handler, HandlerVersion } from '../../core/handler.ts';
import type { Key } from '../../core/key.ts';
import type { Attachment } from '../../core/mail-attachment.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import type { DeliveryFilter, DeliveryLane } from '../../ports/delivery-store.ts';
import type { Attempt, ExecutionFilter, ExecutionRecord } from '../../ports/queue.ts';
import { beforeCursor, newestPage } from './paging.ts';
import { STATE_NAME, STATE_NUMBER } from './schema.ts';
import { handlerOfRow, SELECT_HANDLER } from './write-handlers.ts';

/** Reads of executions, deliveries, handlers and keys. Runs in a reader thread. */
export function adminReads(db: DatabaseSync) {
  const execution = db.prepare(
    `SELECT x.*, coalesce(e.doc, f.payload) AS input FROM executions x
     LEFT JOIN events e ON x.fired = 0 AND e.id = x.subject LEFT JOIN firings f ON x.fired = 1 AND f.id = x.subject WHERE x.id = ?`,
  );
  const bySubject = db.prepare('SELECT id FROM executions WHERE id >= ? AND id < ? AND subject = ? ORDER BY seq');
  const counts = db.prepare('SELECT state, count(*) AS count FROM executions GROUP BY state');
  const canceled = db.prepare('SELECT id FROM executions WHERE id IN (SELECT value FROM json_each(?)) AND state = ?');
  const open = db.prepare('SELECT state, count(*) AS count FROM executions WHERE state < 2 GROUP BY state');
  const waiting = db.prepare('SELECT kind, count(*) AS count FROM deliveries WHERE next_at IS NOT NULL GROUP BY kind');
  const state = db.prepare('SELECT value FROM handler_state WHERE handler_id = ? AND key = ?');
  const handlers = db.prepare(`${SELECT_HANDLER} ORDER BY h.id`);
  const isHandler = db.prepare('SELECT 1 FROM handlers WHERE id = ? AND removed_at IS NULL');
  const versions = db.prepare('SELECT body FROM handler_versions WHERE handler_id = ? ORDER BY version DESC');
  const version = db.prepare('SELECT body FROM handler_versions WHERE handler_id = ? AND version = ?');
  const keys = db.prepare('SELECT body FROM keys ORDER BY id');
  const delivery = db.prepare('SELECT * FROM deliveries WHERE id = ?');
  const lanes = { all: deliveryLane(''), alerts: deliveryLane("AND kind = 'alert'"), others: deliveryLane("AND kind <> 'alert'") };

  /** Spelled as the partial indexes are, so that these serve it. */
  function deliveryLane(kind: string) {
    const where = `WHERE next_at IS NOT NULL ${kind}`;
    return {
      due: db.prepare(`SELECT * FROM deliveries ${where} AND next_at <= ? ORDER BY next_at, seq LIMIT ?`),
      next: db.prepare(`SELECT min(next_at) AS at FROM deliveries ${where}`),
    };
  }

  return {
    execution: (id: string): ExecutionRecord | null => {
      const row = execution.get(id);
      return row === undefined ? null : executionOfRow(row);
    },
    executionsOf: (subject: string, idPrefix: string): string[] =>
      bySubject.all(idPrefix, afterPrefix(idPrefix), subject).map((row) => row['id'] as string),
    /** `idPrefix`: what the ids of the executions of `filter.eventId` begin with. */
    executions(filter: ExecutionFilter, page: PageRequest, idPrefix: string): Page<ExecutionRecord> {
      const where = new Conditions();
      if (filter.handlerId !== undefined) where.add('handler_id = ?', filter.handlerId);
      if (filter.eventId !== undefined) {
        // Ids begin with the event's, so the index of ids finds them.
        where.add('id >= ?', idPrefix);
        where.add('id < ?', afterPrefix(idPrefix));
        where.add('subject = ?', filter.eventId);
      }
      // An open state is spelled so that the partial index serves it.
      if (filter.state !== undefined)
        where.add(STATE_NUMBER[filter.state] < 2 ? 'state < 2 AND state = ?' : 'state = ?', STATE_NUMBER[filter.state]);
      if (filter.hook !== undefined) where.add('hook = ?', filter.hook);
      if (filter.since !== undefined) where.add('created_at >= ?', filter.since);
      if (filter.until !== undefined) where.add('created_at < ?', filter.until);
      return newestFirst(db, 'executions', where, page, executionOfRow);
    },
    open(): { pending: number; leased: number } {
      const countOf = new Map(open.all().map((row) => [row['state'], row['count'] as number]));
      return { pending: countOf.get(STATE_NUMBER.pending) ?? 0, leased: countOf.get(STATE_NUMBER.leased) ?? 0 };
    },
    canceled: (ids: readonly string[]): string[] =>
      canceled.all(JSON.stringify(ids), STATE_NUMBER.canceled).map((row) => row['id'] as string),
    counts(): Record<ExecutionState, number> {
      const all: Record<ExecutionState, number> = { pending: 0, leased: 0, succeeded: 0, dead: 0, canceled: 0 };
      for (const row of counts.all()) all[STATE_NAME[row['state'] as number] as ExecutionState] = row['count'] as number;
      return all;
    },
    state: (handlerId: number, key: string): string | null => (state.get(handlerId, key)?.['value'] as string | undefined) ?? null,
    handlers: (): Handler[] => handlers.all().map(handlerOfRow),
    versions: (id: number): HandlerVersion[] | null =>
      isHandler.get(id) === undefined ? null : versions.all(id).map((row) => JSON.parse(row['body'] as string) as HandlerVersion),
    version(id: number, number: number): HandlerVersion | null {
      const row = version.get(id, number);
      return row === undefined ? null : (JSON.parse(row['body'] as string) as HandlerVersion);
    },
    keys: (): Key[] => keys.all().map((row) => JSON.parse(row['body'] as string) as Key),
    delivery(id: string): Delivery | null {
      const row = delivery.get(id);
      return row === undefined ? null : deliveryOfRow(row);
    },
    deliveriesWaiting: (): Partial<Record<DeliveryKind, number>> =>
      Object.fromEntries(waiting.all().map((row) => [row['kind'], row['count']])),
    deliveriesDue: (now: number, limit: number, lane: DeliveryLane): Delivery[] => lanes[lane].due.all(now, limit).map(deliveryOfRow),
    nextDeliveryAt: (lane: DeliveryLane): number | null => (lanes[lane].next.get() as { at: number | null }).at,
    deliveries(filter: DeliveryFilter, page: PageRequest): Page<Delivery> {
      const where = new Conditions();
      if (filter.executionId !== undefined) where.add('execution_id = ?', filter.executionId);
      if (filter.state !== undefined) where.add('state = ?', filter.state);
      return newestFirst(db, 'deliveries', where, page, (row) => deliveryOfRow({ ...row, attachments: null }));
    },
  };
}

/** The dot that ends a prefix comes right before the slash. */
const afterPrefix = (prefix: string): string => `${prefix.slice(0, -1)}/`;

class Conditions {
  readonly texts: string[] = [];
  readonly values: SQLInputValue[] = [];
  add(text: string, value: SQLInputValue): void {
    this.texts.push(text);
    this.values.push(value);
  }
}

type Row = Record<string, unknown>;
function newestFirst<Item>(db: DatabaseSync, table: string, where: Conditions, page: PageRequest, item: (row: Row) => Item): Page<Item> {
  if (page.cursor !== null) where.add('seq < ?', beforeCursor(page.cursor));
  const conditions = where.texts.length === 0 ? '' : `WHERE ${where.texts.join(' AND ')}`;
  const rows = db.prepare(`SELECT * FROM ${table} ${conditions} ORDER BY seq DESC LIMIT ?`).all(...where.values, page.limit + 1);
  return newestPage(rows, page.limit, item, (row) => row['seq'] as number);
}

function executionOfRow(row: Row): ExecutionRecord {
  const parsed = <T>(name: string, absent: T): T => (typeof row[name] === 'string' ? (JSON.parse(row[name]) as T) : absent);
  return {
    id: row['id'] as string,
    handlerId: row['handler_id'] as number,
    handlerVersion: row['version'] as number,
    hook: row['hook'] as string,
    eventId: row['subject'] as string,
    state: STATE_NAME[row['state'] as number] as ExecutionState,
    attempt: row['attempt'] as number,
    createdAt: row['created_at'] as number,
    runAt: row['run_at'] as number,
    startedAt: row['started_at'] as number | null,
    finishedAt: row['finished_at'] as number | null,
    input: (row['input'] as string | undefined) ?? null,
    output: row['output'] as string | null,
    logs: parsed<LogLine[]>('logs', []),
    error: parsed<ExecutionError | null>('error', null),
    attempts: [...parsed<Attempt[]>('attempts', []), ...lastAttempt(row)],
  };
}

/** Failed attempts are in the history when they fail; a success is told by the row itself. */
function lastAttempt(row: Row): Attempt[] {
  if (row['state'] !== STATE_NUMBER.succeeded) return [];
  const finishedAt = row['finished_at'] as number;
  return [{ attempt: row['attempt'] as number, startedAt: row['started_at'] as number, finishedAt, outcome: 'succeeded' }];
}

function deliveryOfRow(row: Row): Delivery {
  return {
    id: row['id'] as string,
    executionId: row['execution_id'] as string | null,
    kind: row['kind'] as DeliveryKind,
    to: row['recipient'] as string,
    subject: row['subject'] as string,
    text: row['text'] as string,
    html: row['html'] as string | null,
    ...(typeof row['attachments'] === 'string' && { attachments: JSON.parse(row['attachments']) as Attachment[] }),
    ...(typeof row['headers'] === 'string' && { headers: JSON.parse(row['headers']) as AlertHeaders }),
    messageId: row['message_id'] as string,
    createdAt: row['created_at'] as number,
    state: row['state'] as DeliveryState,
    attempts: row['attempts'] as number,
    nextAt: row['next_at'] as number | null,
    lastError: row['last_error'] as string | null,
    sentAt: row['sent_at'] as number | null,
  };
}
