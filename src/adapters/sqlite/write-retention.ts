import type { DatabaseSync } from 'node:sqlite';
import { STATE_NUMBER } from './schema.ts';
import type { eventWrites } from './write-events.ts';

const { succeeded, canceled } = STATE_NUMBER;

/**
 * Writes of retention. Runs in the writer thread, inside its transaction. What is to go was found by a reader a moment ago, so each
 * statement looks again whether it still may.
 */
export function retentionWrites(db: DatabaseSync, { archiveRows }: Pick<ReturnType<typeof eventWrites>, 'archiveRows'>) {
  const execution = db.prepare(`DELETE FROM executions WHERE seq = ? AND state IN (${succeeded}, ${canceled}) AND finished_at < ?`);
  const mail = db.prepare("DELETE FROM deliveries WHERE seq = ? AND state = 'sent' AND sent_at < ?");
  // A firing's executions have ids that begin with what its id becomes in them, and a dot: the slash is the character after it.
  const firing = db.prepare(
    "DELETE FROM firings WHERE id = ? AND created_at < ? AND NOT EXISTS (SELECT 1 FROM executions WHERE id >= ? AND id < ? || '/')",
  );

  const each = (seqs: readonly number[], run: (seq: number) => { changes: number | bigint }): number =>
    seqs.reduce((sum, seq) => sum + Number(run(seq).changes), 0);
  return {
    archiveSeqs: (seqs: readonly number[], at: number): number => archiveRows(seqs, at),
    deleteEnded: (what: 'executions' | 'deliveries', seqs: readonly number[], before: number): number =>
      each(seqs, (seq) => (what === 'executions' ? execution : mail).run(seq, before)),
    /** `prefix`: what the ids of the firing's executions begin with, the dot included. */
    deleteFirings: (firings: readonly { id: string; prefix: string }[], before: number): number =>
      firings.reduce((sum, { id, prefix }) => sum + Number(firing.run(id, before, prefix, prefix.slice(0, -1)).changes), 0),
  };
}
