import type { DatabaseSync } from 'node:sqlite';
import { EngineError } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/utilization/activity.ts';
import { utilizationReport } from '../../core/utilization/report.ts';
import type { ReportFormat, ReportOutcome, UtilizationRequest } from '../../core/utilization/request.ts';
import type { ActivitySource, Scan } from '../../core/utilization/source.ts';

type ActivityRow = [seq: number, ts: string, doc: string];
const BETWEEN_LOOKS_AT_THE_CLOCK = 256;
const EVERYTHING = { from: '', to: '\u{10ffff}' };
/** More than a statement can look through between two looks at the clock. */
const OWNER_SLICE = 50_000;

/** Ten ids of at most so many bytes together, as MADSci has them; where a site takes any ids, longer sources are cut. */
const SOURCE_BYTES = 2_000;

/** The last event that was looked at: numbers begin anew when the events they were given to are gone. */
export interface Mark {
  seq: number;
  id: string;
}

/** Reports of utilization. Loaded only where they run: the events never leave this thread. `deadline` is on the clock of Date.now(). */
export function activityReads(db: DatabaseSync) {
  // The source is a flat object of ids, and comes before anything that a client could write freely. As bytes it is found in half the time that
  // SQLite takes to parse a document.
  const sources = db.prepare(
    `SELECT DISTINCT CAST(substr(rest, 1, instr(rest, x'7d')) AS TEXT) AS source
     FROM (SELECT substr(CAST(doc AS BLOB), instr(CAST(doc AS BLOB), CAST('"source":{' AS BLOB)) + 9, ${SOURCE_BYTES}) AS rest
           FROM events WHERE seq > ? AND seq <= ?)`,
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
        for (const { source } of sources.iterate(seq, next)) for (const id of ownersIn(source as string)) ids.add(id);
        seq = next;
      }
      const isDone = seq >= end;
      return { ids: [...ids], mark: { seq, id: idAt(seq) ?? '' }, isAnew, isDone };
    },
  };
}

const OWNERS = /"(?:workcell_id|manager_id)":("(?:[^"\\]|\\.)*")/g;

function ownersIn(source: string): string[] {
  return Array.from(source.matchAll(OWNERS), ([, id = '""']) => JSON.parse(id) as string);
}

function activitySource(db: DatabaseSync, owners: ReadonlySet<string>, deadline: number): ActivitySource {
  const ends = db.prepare('SELECT min(ts) AS first, max(ts) AS last FROM events');
  const any = db.prepare('SELECT 1 FROM events WHERE ts >= ? AND ts <= ? LIMIT 1');
  const assertTime = (): void => {
    if (Date.now() > deadline) throw new EngineError('query_deadline', 'The report took too long and was stopped.');
  };
  return {
    async ends() {
      const { first, last } = ends.get() as { first: string | null; last: string | null };
      return first === null || last === null ? null : { first, last };
    },
    async scan(scan, each) {
      let seen = 0;
      for (const event of scan.order === 'time' ? inTimeOrder(db, scan) : inArrivalOrder(db, scan)) {
        if (++seen % BETWEEN_LOOKS_AT_THE_CLOCK === 0) assertTime();
        each(event);
      }
    },
    async hasEvent({ from, to }) {
      assertTime();
      return any.get(from, to) !== undefined;
    },
    owners: async () => owners,
  };
}

/** Each type comes from the index in the order wanted; merging them needs no sorting and no memory. */
function* inTimeOrder(db: DatabaseSync, { types, range = EVERYTHING }: Scan): Generator<StoredEvent> {
  const sql = 'SELECT seq, ts, doc FROM events WHERE type = ? AND ts >= ? AND ts <= ? ORDER BY ts, seq';
  const lists = types.flatMap((type) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    const rows = statement.iterate(type, range.from, range.to) as unknown as Iterator<ActivityRow>;
    const head = nextOf(rows);
    return head === undefined ? [] : [{ type, rows, head }];
  });
  while (lists.length > 0) {
    const place = earliest(lists);
    const list = lists[place] as (typeof lists)[number]; // earliest() answers a place in the list
    yield { type: list.type, timestamp: list.head[1], json: list.head[2] };
    const head = nextOf(list.rows);
    if (head === undefined) lists.splice(place, 1);
    else list.head = head;
  }
}

function nextOf(list: Iterator<ActivityRow>): ActivityRow | undefined {
  const next = list.next();
  return next.done === true ? undefined : next.value;
}

function earliest(lists: readonly { head: ActivityRow }[]): number {
  let best = 0;
  let [seq, ts] = (lists[0] as { head: ActivityRow }).head; // never called without any
  for (let i = 1; i < lists.length; i++) {
    const { head } = lists[i] as { head: ActivityRow };
    if (head[1] > ts || (head[1] === ts && head[0] > seq)) continue;
    best = i;
    [seq, ts] = head;
  }
  return best;
}

/** The numbers come from the index alone, so that sorting them is cheap. */
function* inArrivalOrder(db: DatabaseSync, { types, range = EVERYTHING }: Scan): Generator<StoredEvent> {
  const numbers = db.prepare('SELECT seq FROM events WHERE type = ? AND ts >= ? AND ts <= ?');
  const one = db.prepare('SELECT type, ts, doc FROM events WHERE seq = ?');
  const seqs: number[] = [];
  for (const type of types) for (const row of numbers.iterate(type, range.from, range.to)) seqs.push(row['seq'] as number);
  for (const seq of seqs.sort((a, b) => a - b)) {
    const { type, ts, doc } = one.get(seq) as unknown as { type: string; ts: string; doc: string };
    yield { type, timestamp: ts, json: doc };
  }
}
