import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { NewDelivery } from '../../core/delivery.ts';
import type { ExecutionError } from '../../core/execution.ts';
import type { Attempt, Claim, Leased, Settlement, SettleResult, StateEffect } from '../../ports/queue.ts';
import type { FiringRow, SubmissionRow } from './rows.ts';
import type { eventWrites } from './write-events.ts';

/** A settlement as it crosses the thread border: its submissions and firings already as rows. */
export interface SettlementRow {
  settlement: Settlement;
  events: SubmissionRow[];
  firings: FiringRow[];
}

interface OpenRow {
  seq: number;
  id: string;
  handler_id: number;
  version: number;
  hook: string;
  subject: string;
  fired: number;
  attempt: number;
  failures: number;
  replays: number;
  ordering_key: string | null;
  created_at: number;
  run_at: number;
}

/** Writes of the queue. Runs in the writer thread, inside its transaction. */
export function executionWrites(db: DatabaseSync, { append, fire }: ReturnType<typeof eventWrites>) {
  // "state < 2" looks needless beside "state = 0", but without it SQLite does not see that the partial index serves the query.
  const fenced = 'WHERE seq = ? AND state = 1 AND attempt = ?';
  const succeed = db.prepare(
    `UPDATE executions SET state = 2, started_at = ?, finished_at = ?, output = ?, logs = ?, error = NULL ${fenced}`,
  );
  const fail = db.prepare(
    `UPDATE executions SET state = ?, run_at = ?, failures = failures + 1, started_at = ?, finished_at = ?, output = NULL, logs = ?, error = ?,
       attempts = json_insert(coalesce(attempts, '[]'), '$[#]', json(?)) ${fenced}`,
  );
  const release = db.prepare(`UPDATE executions SET state = 0, attempt = attempt - 1 ${fenced}`);
  const selectArrived = db.prepare('SELECT * FROM executions WHERE state < 2 AND state = 0 AND handler_id = ? ORDER BY seq LIMIT ?');
  const selectDue = db.prepare(
    'SELECT * FROM executions INDEXED BY executions_open WHERE state < 2 AND state = 0 AND handler_id = ? AND run_at <= ? ORDER BY seq LIMIT ?',
  );
  const lease = db.prepare('UPDATE executions SET state = 1, attempt = attempt + 1 WHERE seq = ?');
  const nextDue = db.prepare('SELECT min(run_at) AS at FROM executions WHERE state = 0 AND handler_id = ?');
  const selectEvent = db.prepare('SELECT doc, root, depth, NULL AS tags FROM events WHERE id = ?');
  const selectFiring = db.prepare('SELECT payload AS doc, root, depth, tags FROM firings WHERE id = ?');
  const selectLost = db.prepare('SELECT seq, attempt, attempts FROM executions WHERE state < 2 AND state = 1');
  const giveBack = db.prepare(
    `UPDATE executions SET state = 0, attempts = json_insert(coalesce(attempts, '[]'), '$[#]', json(?)) WHERE seq = ?`,
  );
  const pendingByHandler = db.prepare(
    'SELECT handler_id AS handlerId, min(run_at) AS firstRunAt FROM executions WHERE state < 2 AND state = 0 GROUP BY handler_id',
  );
  const neverRanAhead = db.prepare(
    `UPDATE executions SET run_at = ?1 WHERE seq IN
       (SELECT seq FROM executions INDEXED BY executions_due WHERE state = 0 AND run_at > ?1 AND finished_at IS NULL LIMIT ?2)`,
  );
  const retriesAhead = db.prepare(
    'UPDATE executions SET run_at = max(?1, run_at - ?2) WHERE state < 2 AND state = 0 AND run_at > ?1 AND finished_at IS NOT NULL',
  );
  const mailsAhead = db.prepare('UPDATE deliveries SET next_at = max(?1, next_at - ?2) WHERE next_at IS NOT NULL AND next_at > ?1');
  const executionsOfFuture = db.prepare(
    `UPDATE executions SET run_at = ?1 WHERE state < 2 AND run_at > ?1
       AND (finished_at IS NULL OR finished_at > ?1 OR created_at > ?1)`,
  );
  const mailsOfFuture = db.prepare('UPDATE deliveries SET next_at = ?1 WHERE next_at IS NOT NULL AND next_at > ?1 AND created_at > ?1');
  const byId = db.prepare('SELECT seq, state, attempt, started_at, finished_at, error, attempts FROM executions WHERE id = ?');
  const cancelOne = db.prepare('UPDATE executions SET state = 4, finished_at = ? WHERE id = ? AND state < 2');
  const replayOne = db.prepare(
    `UPDATE executions SET state = 0, run_at = ?, version = ?, failures = 0, replays = replays + 1, finished_at = NULL, started_at = NULL,
       output = NULL, logs = NULL, error = NULL, attempts = ? WHERE seq = ?`,
  );
  const setState = db.prepare(
    'INSERT INTO handler_state (handler_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const getState = db.prepare('SELECT value FROM handler_state WHERE handler_id = ? AND key = ?');
  const deleteState = db.prepare('DELETE FROM handler_state WHERE handler_id = ? AND key = ?');
  const handlerOf = db.prepare('SELECT handler_id AS id FROM executions WHERE seq = ?');
  const insertDelivery = db.prepare(
    `INSERT OR IGNORE INTO deliveries (id, execution_id, kind, recipient, subject, text, html, message_id, created_at, attachments, headers, state, attempts, next_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0, ?)`,
  );

  const deliver = (d: NewDelivery): void => {
    const attachments = d.attachments === undefined ? null : JSON.stringify(d.attachments);
    const headers = d.headers === undefined ? null : JSON.stringify(d.headers);
    const body = [d.subject, d.text, d.html, d.messageId, d.createdAt, attachments, headers];
    insertDelivery.run(d.id, d.executionId, d.kind, d.to, ...body, d.createdAt);
  };
  const applyState = (handlerId: number, effect: StateEffect): void => {
    if (effect.op === 'state.set') setState.run(handlerId, effect.key, effect.value);
    else if (effect.op === 'state.delete') deleteState.run(handlerId, effect.key);
    else {
      const row = getState.get(handlerId, effect.key) as { value: string } | undefined;
      const base = row === undefined ? 0 : Number(JSON.parse(row.value));
      setState.run(handlerId, effect.key, JSON.stringify((Number.isFinite(base) ? base : 0) + effect.by));
    }
  };

  const settleOne = ({ settlement, events, firings }: SettlementRow): SettleResult => {
    const { ref, attempt } = settlement.lease;
    const seq = ref as number;
    if (settlement.kind === 'released') return changed(release.run(seq, attempt)) ? NOTHING_MORE : LEASE_LOST;
    const { startedAt, finishedAt, deliveries } = settlement;
    const logs = settlement.logs.length === 0 ? null : JSON.stringify(settlement.logs);
    if (settlement.kind === 'succeeded') {
      if (!changed(succeed.run(startedAt, finishedAt, settlement.output, logs, seq, attempt))) return LEASE_LOST;
      if (settlement.state.length > 0) {
        const { id } = handlerOf.get(seq) as { id: number };
        for (const effect of settlement.state) applyState(id, effect);
      }
    } else {
      const dead = settlement.kind === 'dead';
      const past: Attempt = { attempt, startedAt, finishedAt, outcome: settlement.error };
      const runAt = dead ? finishedAt : settlement.runAt;
      const values: SQLInputValue[] = [dead ? 3 : 0, Math.ceil(runAt), startedAt, finishedAt, logs];
      if (!changed(fail.run(...values, JSON.stringify(settlement.error), JSON.stringify(past), seq, attempt))) return LEASE_LOST;
    }
    for (const delivery of deliveries) deliver(delivery);
    if (events.length === 0 && firings.length === 0) return NOTHING_MORE;
    return { kind: 'settled', events: events.map(append), firings: firings.map(fire) };
  };

  const leasedRow = (row: OpenRow): Leased | null => {
    lease.run(row.seq);
    const subject = (row.fired ? selectFiring : selectEvent).get(row.subject) as
      | { doc: string; root: string | null; depth: number; tags: string | null }
      | undefined;
    if (subject === undefined) return null;
    return {
      lease: { executionId: row.id, attempt: row.attempt + 1, ref: row.seq },
      handlerId: row.handler_id,
      handlerVersion: row.version,
      hook: row.hook,
      subjectId: row.subject,
      input: subject.doc,
      tags: subject.tags === null ? null : (JSON.parse(subject.tags) as string[]),
      orderingKey: row.ordering_key,
      createdAt: row.created_at,
      runAt: row.run_at,
      failures: row.failures,
      replays: row.replays,
      root: subject.root ?? row.subject,
      depth: subject.depth,
    };
  };

  return {
    settle: (rows: SettlementRow[]): SettleResult[] => rows.map(settleOne),

    claim({ handlerId, limit, now, dueOnly }: { handlerId: number; limit: number; now: number; dueOnly: boolean }): Claim {
      const rows = (dueOnly ? selectDue.all(handlerId, now, limit) : selectArrived.all(handlerId, limit)) as unknown as OpenRow[];
      const leased: Leased[] = [];
      for (const row of rows) {
        const one = leasedRow(row);
        if (one !== null) leased.push(one);
        // Its event was purged: there is nothing left to run on.
        else cancelOne.run(now, row.id);
      }
      const { at } = nextDue.get(handlerId) as { at: number | null };
      return { leased, nextRunAt: at };
    },

    recover(now: number): { lost: number; pending: { handlerId: number; firstRunAt: number }[] } {
      const rows = selectLost.all() as { seq: number; attempt: number }[];
      const error: ExecutionError = { reason: 'lost', message: 'The server stopped during this attempt.', line: null, column: null };
      for (const { seq, attempt } of rows)
        giveBack.run(JSON.stringify({ attempt, startedAt: null, finishedAt: now, outcome: error } satisfies Attempt), seq);
      return { lost: rows.length, pending: pendingByHandler.all() as unknown as { handlerId: number; firstRunAt: number }[] };
    },

    /** At the start, before `recover`: what was written while the clock was ahead of where it is now would wait until then. */
    fetchFromFuture(now: number): void {
      executionsOfFuture.run(now);
      mailsOfFuture.run(now);
    },

    /** How many that never ran wait no longer, at most `limit`. */
    neverRanAhead: (now: number, limit: number): number => Number(neverRanAhead.run(now, limit).changes),
    bringForward(now: number, byMs: number): void {
      retriesAhead.run(now, byMs);
      mailsAhead.run(now, byMs);
    },

    cancel(id: string, now: number): 'canceled' | 'ended' | 'absent' {
      if (changed(cancelOne.run(now, id))) return 'canceled';
      return byId.get(id) === undefined ? 'absent' : 'ended';
    },

    replay(id: string, now: number, version: number): 'replayed' | 'not_ended' | 'absent' {
      const row = byId.get(id) as unknown as EndedRow | undefined;
      if (row === undefined) return 'absent';
      if (row.state < 2) return 'not_ended';
      replayOne.run(now, version, withLastAttempt(row), row.seq);
      return 'replayed';
    },
  };
}

interface EndedRow {
  seq: number;
  state: number;
  attempt: number;
  started_at: number | null;
  finished_at: number;
  attempts: string | null;
}
/** Failed attempts are kept when they fail; a success is added to the history only when something follows it. */
function withLastAttempt(row: EndedRow): string | null {
  if (row.state !== 2) return row.attempts;
  const past: Attempt = { attempt: row.attempt, startedAt: row.started_at, finishedAt: row.finished_at, outcome: 'succeeded' };
  return JSON.stringify([...(JSON.parse(row.attempts ?? '[]') as Attempt[]), past]);
}

const NOTHING_MORE: SettleResult = { kind: 'settled', events: [], firings: [] };
const LEASE_LOST: SettleResult = { kind: 'lease_lost' };
const changed = (result: { changes: number | bigint }): boolean => result.changes === 1;
