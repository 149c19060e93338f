import type { DatabaseSync } from 'node:sqlite';
import { type ExactObject, type ExactValue, membersOf, naiveDateText, OrderedObject, parseExact, stringifyExact } from '../../core/json.ts';
import { sameEvent } from '../../core/same-event.ts';
import type { AppendResult } from '../../ports/event-store.ts';
import type { FireResult } from '../../ports/queue.ts';
import { type ExecutionRow, type FiringRow, isDefaulted, type SubmissionRow } from './rows.ts';

/** Writes of events, firings and the executions that come with them. Runs in the writer thread, inside its transaction. */
export function eventWrites(db: DatabaseSync) {
  const insertEvent = db.prepare(
    `INSERT OR IGNORE INTO events (id, ts, ts_us, type, level, alert, archived, node_id, cause, root, depth, doc)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertFiring = db.prepare(
    'INSERT OR IGNORE INTO firings (id, hook, payload, tags, created_at, root, depth) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  // An old execution of the same id can only be history of an event that was purged since.
  const insertExecution = db.prepare(
    `INSERT OR REPLACE INTO executions (id, handler_id, version, hook, subject, fired, state, attempt, ordering_key, created_at, run_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const docById = db.prepare('SELECT doc FROM events WHERE id = ?');
  const selectToArchive = db.prepare('SELECT seq, doc FROM events WHERE id = ? AND archived = 0');
  const selectLive = db.prepare('SELECT seq, doc FROM events WHERE seq = ? AND archived = 0');
  const updateArchived = db.prepare('UPDATE events SET archived = 1, archived_at_ms = ?, doc = ? WHERE seq = ?');
  const purge = db.prepare('DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE archived = 1 AND archived_at_ms < ? LIMIT ?)');
  const count = db.prepare('SELECT count(*) AS count FROM events');
  /** Counted once, then kept in step: counting millions of rows takes too long for a health check. */
  let total: number | null = null;
  let version: number | null = null;
  const dataVersion = db.prepare('PRAGMA data_version');

  const insertExecutions = (rows: ExecutionRow[]): number[] => rows.map((row) => Number(insertExecution.run(...row).lastInsertRowid));

  const append = ([event, defaulted, executions]: SubmissionRow): AppendResult => {
    if (insertEvent.run(...event).changes === 1) {
      if (total !== null) total++;
      return { kind: 'stored', refs: executions === null ? [] : insertExecutions(executions) };
    }
    const { doc } = docById.get(event[0]) as { doc: string };
    return { kind: sameEvent(doc, event[11], isDefaulted(defaulted)) ? 'duplicate' : 'conflict' };
  };
  const fire = ([firing, executions]: FiringRow): FireResult =>
    insertFiring.run(...firing).changes === 1 ? { kind: 'stored', refs: insertExecutions(executions) } : { kind: 'existing' };
  const archiveRow = ({ seq, doc }: { seq: number; doc: string }, at: number): void => {
    updateArchived.run(at, archivedDocument(doc, at), seq);
  };

  return {
    append,
    fire,
    archiveIds(ids: readonly string[], at: number): number {
      let count = 0;
      for (const id of ids) {
        const row = selectToArchive.get(id) as { seq: number; doc: string } | undefined;
        if (row === undefined) continue;
        archiveRow(row, at);
        count++;
      }
      return count;
    },
    total(): number {
      // Somebody with another connection (a person with the sqlite3 shell) may have changed the rows.
      const { data_version: seen } = dataVersion.get() as { data_version: number };
      if (seen !== version) total = null;
      version = seen;
      total ??= (count.get() as { count: number }).count;
      return total;
    },
    /** A transaction was rolled back: what was counted in it is not there. */
    forgetTotal(): void {
      total = null;
    },
    /** Those of them that are not archived. */
    archiveRows(seqs: readonly number[], at: number): number {
      const rows = seqs.flatMap((seq) => (selectLive.get(seq) as { seq: number; doc: string } | undefined) ?? []);
      for (const row of rows) archiveRow(row, at);
      return rows.length;
    },
    purgeArchived(before: number, limit: number): number {
      const deleted = Number(purge.run(before, limit).changes);
      if (total !== null) total -= deleted;
      return deleted;
    },
  };
}

const LIVE = '"archived":false,"archived_at":';

/** The document with `archived` and `archived_at` set (M29: milliseconds, without a zone). Other members keep their texts. */
function archivedDocument(doc: string, at: number): string {
  const time = naiveDateText(new Date(at));
  const from = doc.lastIndexOf(LIVE);
  const rest = doc.slice(from + LIVE.length);
  const end = rest.startsWith('null') ? 4 : rest.indexOf('"', 1) + 1;
  const tail = rest.slice(end);
  // As this server writes it. What came from another one may have these members elsewhere, or not at all.
  if (from >= 0 && (tail === '}' || tail.startsWith(',"tags":[')))
    return `${doc.slice(0, from)}"archived":true,"archived_at":"${time}"${tail}`;
  const event = parseExact(doc) as ExactObject;
  const members = new Map([...membersOf(event), ['archived', true], ['archived_at', time]] as [string, ExactValue][]);
  return stringifyExact(new OrderedObject(members));
}
