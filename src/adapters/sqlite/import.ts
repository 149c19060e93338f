import { mismatchText, standingOf } from '../../core/schema-version.ts';
import type { EventImport, ImportedEvent, ImportResult } from '../../ports/event-import.ts';
import { prepareTables } from './migrate.ts';
import { ensureFolder, lockFolder, openForWriting, placeOf } from './open.ts';
import { finishRestore } from './restore.ts';
import { submissionRow } from './rows.ts';
import { eventWrites } from './write-events.ts';

/** Writes into the data folder itself: no server may use it. A kill of the process loses nothing, a power cut at most the last batches. */
export function sqliteImport({ folder, release, at }: { folder: string; release: string; at: number }): EventImport {
  ensureFolder(folder);
  using stack = new DisposableStack();
  stack.use(lockFolder(folder));
  finishRestore(folder);
  const db = stack.use(openForWriting(folder, 'normal'));
  const schema = prepareTables(db, placeOf(folder), { release, at, notes: null });
  if (standingOf(schema) !== 'current') throw new Error(mismatchText(schema, release));
  const writes = eventWrites(db);
  const noteArchived = db.prepare('UPDATE events SET archived_at_ms = ? WHERE id = ?');

  const put = (event: ImportedEvent): ImportResult => {
    const { kind } = writes.append(submissionRow({ event, executions: [] }));
    if (kind === 'stored' && event.archivedAtMs !== null) noteArchived.run(event.archivedAtMs, event.id);
    return kind;
  };
  const owned = stack.move();
  return {
    async put(events) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const results = events.map(put);
        db.exec('COMMIT');
        return results;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      owned[Symbol.dispose]();
    },
  };
}
