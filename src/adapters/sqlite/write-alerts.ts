import type { DatabaseSync } from 'node:sqlite';
import { type AlertPair, pairUp } from '../../core/alert.ts';
import { TWIN_MEMORY_MS } from '../../ports/alert-store.ts';

/** Writes of the alert store. Runs in the writer thread, inside its transaction. */
export function alertWrites(db: DatabaseSync) {
  const select = db.prepare('SELECT pairs FROM alert_pairs WHERE key = ?');
  const put = db.prepare(
    'INSERT INTO alert_pairs (key, pairs, seen_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET pairs = excluded.pairs, seen_at = excluded.seen_at',
  );
  const forget = db.prepare('DELETE FROM alert_pairs WHERE seen_at < ?');

  return {
    isTwin(key: string, alert: { id: string; atUs: number }, now: number): boolean {
      const row = select.get(key) as { pairs: string } | undefined;
      const { isTwin, pairs } = pairUp(row === undefined ? [] : (JSON.parse(row.pairs) as AlertPair[]), alert);
      if (pairs === null) return isTwin;
      forget.run(Math.trunc(now) - TWIN_MEMORY_MS);
      put.run(key, JSON.stringify(pairs), Math.trunc(now));
      return isTwin;
    },
  };
}
