import type { DatabaseSync } from 'node:sqlite';
import { EngineError } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/utilization/activity.ts';
import { utilizationReport } from '../../core/utilization/report.ts';
import type { ReportFormat, ReportOutcome, UtilizationRequest } from '../../core/utilization/request.ts';
import type { ActivitySource, Scan } from '../../core/utilization/source.ts';
import { inTime } from './read-events.ts';

interface ActivityRow {
  seq: number;
  type: string;
  ts: string;
  doc: string;
}
/** More than a statement can look through between two looks at the clock. */
const OWNER_SLICE = 50_000;

/** The last event that was looked at: numbers begin anew when the events they were given to are gone. */
export interface Mark {
  seq: number;
  id: string;
}

/** Reports of utilization. Loaded only where they run: the events never leave this thread. `deadline` is on the clock of Date.now(). */
export function activityReads(db: DatabaseSync) {
  const owners = db.prepare(
    `SELECT DISTINCT doc ->> '$.source.workcell_id' AS workcell, doc ->> '$.source.manager_id' AS manager
     FROM events WHERE seq > ? AND seq <= ?`,
  );
  const newest = db.prepare('SELECT max(seq) AS seq FROM events');
  const at = db.prepare('SELECT id FROM events WHERE seq = ?');
  const idAt = (seq: number): string | undefined => at.get(seq)?.['id'] as string | undefined;

  return {
    utilization(
      request: UtilizationRequest,
      format: ReportFormat,
      now: number,
      owners: readonly string[],
      deadline: number,
    ): Promise<ReportOutcome> {
      return utilizationReport(request, format, activitySource(db, new Set(owners), deadline), now);
    },
    /** The ids that events after the mark name as their workcell or manager: up to the newest event, or as far as the deadline allows. */
    ownersSince(mark: Mark | null, deadline: number): { ids: string[]; mark: Mark; isAnew: boolean; isDone: boolean } {
      const end = (newest.get() as { seq: number | null }).seq ?? 0;
      const isAnew = mark === null || (idAt(mark.seq) ?? '') !== mark.id;
      const ids = new Set<string>();
      let seq = isAnew ? 0 : mark.seq;
      while (seq < end && Date.now() < deadline) {
        const next = Math.min(seq + OWNER_SLICE, end);
        for (const { workcell, manager } of owners.iterate(seq, next))
          for (const id of [workcell, manager]) if (id !== null) ids.add(String(id));
        seq = next;
      }
      const isDone = seq >= end;
      return { ids: [...ids], mark: { seq, id: idAt(seq) ?? '' }, isAnew, isDone };
    },
  };
}

function activitySource(db: DatabaseSync, owners: ReadonlySet<string>, deadline: number): ActivitySource {
  const ends = db.prepare('SELECT min(ts) AS first, max(ts) AS last FROM events');
  const any = db.prepare('SELECT 1 FROM events WHERE ts >= ? AND ts <= ? LIMIT 1');
  return {
    async ends() {
      const { first, last } = ends.get() as { first: string | null; last: string | null };
      return first === null || last === null ? null : { first, last };
    },
    async scan(scan, each) {
      const rows = scan.order === 'time' ? inTimeOrder(db, scan) : inArrivalOrder(db, scan);
      for (const row of inTime(rows, deadline)) each(storedEvent(row as unknown as ActivityRow)); // the rows are those of the statements below
    },
    async hasEvent({ from, to }) {
      if (Date.now() > deadline) throw new EngineError('query_deadline', 'The report took too long and was stopped.');
      return any.get(from, to) !== undefined;
    },
    owners: async () => owners,
  };
}

const storedEvent = ({ type, ts, doc }: ActivityRow): StoredEvent => ({ type, timestamp: ts, json: doc });

/** Each type comes from the index in the order wanted; merging them needs no sorting and no memory. */
function* inTimeOrder(db: DatabaseSync, { types, range }: Scan): Generator<ActivityRow> {
  const { from, to } = range ?? { from: '', to: '\u{10ffff}' };
  const sql = 'SELECT seq, type, ts, doc FROM events WHERE type = ? AND ts >= ? AND ts <= ? ORDER BY ts, seq';
  const lists = types.map((type) => db.prepare(sql).iterate(type, from, to) as unknown as Iterator<ActivityRow>);
  const heads = lists.map(nextOf);
  for (;;) {
    const first = earliest(heads);
    if (first < 0) return;
    yield heads[first] as ActivityRow; // earliest() found it
    heads[first] = nextOf(lists[first] as Iterator<ActivityRow>);
  }
}

function nextOf(list: Iterator<ActivityRow>): ActivityRow | undefined {
  const next = list.next();
  return next.done === true ? undefined : next.value;
}

function earliest(heads: readonly (ActivityRow | undefined)[]): number {
  let best = -1;
  let least: ActivityRow | undefined;
  for (const [i, head] of heads.entries()) {
    if (head === undefined || (least !== undefined && (head.ts > least.ts || (head.ts === least.ts && head.seq > least.seq)))) continue;
    [best, least] = [i, head];
  }
  return best;
}

/** The numbers come from the index alone, so that sorting them is cheap. */
function* inArrivalOrder(db: DatabaseSync, { types, range }: Scan): Generator<ActivityRow> {
  const { from, to } = range ?? { from: '', to: '\u{10ffff}' };
  const numbers = db.prepare('SELECT seq FROM events WHERE type = ? AND ts >= ? AND ts <= ?');
  const one = db.prepare('SELECT seq, type, ts, doc FROM events WHERE seq = ?');
  const seqs: number[] = [];
  for (const type of types) for (const row of numbers.iterate(type, from, to)) seqs.push(row['seq'] as number);
  for (const seq of seqs.sort((a, b) => a - b)) yield one.get(seq) as unknown as ActivityRow;
}
