import type { DatabaseSync } from 'node:sqlite';
import type { Swept } from '../../ports/retention-store.ts';
import { STATE_NUMBER } from './schema.ts';

/** Rows that a slice may take, found here so that the writer need not look for them. */
export interface Found<Key> {
  keys: Key[];
  /** Null: there is nothing more. */
  next: string | null;
}

const { succeeded, canceled } = STATE_NUMBER;
/** How many entries of an index one look passes: most may be archived already. */
const LOOK = 20_000;

const TABLE = {
  executions: `SELECT seq, created_at AS createdAt, state IN (${succeeded}, ${canceled}) AND finished_at < ? AS isOld FROM executions`,
  deliveries: "SELECT seq, created_at AS createdAt, state = 'sent' AND sent_at < ? AS isOld FROM deliveries",
} as const satisfies Record<Swept, string>;

interface Row {
  seq: number;
  createdAt: number;
  isOld: number | null;
}

/** Reads of retention. Runs in a reader thread. */
export function retentionReads(db: DatabaseSync) {
  const byTime = db.prepare('SELECT seq, ts, archived FROM events WHERE ts < ? AND (ts, seq) > (?, ?) ORDER BY ts, seq LIMIT ?');
  const toArchive = db.prepare('SELECT count(*) AS count FROM events WHERE ts < ? AND archived = 0');
  const toPurge = db.prepare('SELECT count(*) AS count FROM events WHERE archived = 1 AND archived_at_ms < ?');
  const firings = db.prepare('SELECT id, created_at AS createdAt FROM firings WHERE id > ? ORDER BY id LIMIT ?');
  const of = (what: Swept) => ({
    highest: db.prepare(`SELECT max(seq) AS seq FROM ${what}`),
    at: db.prepare(`${TABLE[what]} WHERE seq >= ? ORDER BY seq LIMIT 1`),
    slice: db.prepare(`${TABLE[what]} WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?`),
  });
  const swept = { executions: of('executions'), deliveries: of('deliveries') };

  return {
    countOld: (beforeText: string, archivedBefore: number, _deadline: number): { archive: number; purge: number } => ({
      archive: (toArchive.get(beforeText) as { count: number }).count,
      purge: (toPurge.get(archivedBefore) as { count: number }).count,
    }),

    /** By the index of times; an entry more than `limit` takes is looked at again by the next one. */
    oldEvents(beforeText: string, from: string | null, limit: number, _deadline: number): Found<number> {
      const [ts, seq] = from === null ? ['', -1] : (JSON.parse(from) as [string, number]);
      const keys: number[] = [];
      let last: { seq: number; ts: string } | null = null;
      let looked = 0;
      for (const row of byTime.iterate(beforeText, ts, seq, LOOK) as Iterable<{ seq: number; ts: string; archived: number }>) {
        looked++;
        last = row;
        if (row.archived === 0) keys.push(row.seq);
        if (keys.length === limit) break;
      }
      const isEnd = last === null || (looked < LOOK && keys.length < limit);
      return { keys, next: isEnd || last === null ? null : JSON.stringify([last.ts, last.seq]) };
    },

    highest: (what: Swept): number => (swept[what].highest.get() as { seq: number | null }).seq ?? 0,

    atNumber(what: Swept, number: number): { number: number; createdAt: number } | null {
      const row = swept[what].at.get(0, number) as unknown as Row | undefined;
      return row === undefined ? null : { number: row.seq, createdAt: row.createdAt };
    },

    endedBefore(what: Swept, before: number, below: number, from: string | null, limit: number): Found<number> {
      const rows = swept[what].slice.all(before, Number(from ?? -1), below, limit) as unknown as Row[];
      const last = rows.at(-1);
      return {
        keys: rows.filter(({ isOld }) => isOld === 1).map(({ seq }) => seq),
        next: last === undefined || rows.length < limit ? null : String(last.seq),
      };
    },

    oldFirings(before: number, from: string | null, limit: number): Found<string> {
      const rows = firings.all(from ?? '', limit) as unknown as { id: string; createdAt: number }[];
      const last = rows.at(-1);
      return {
        keys: rows.filter(({ createdAt }) => createdAt < before).map(({ id }) => id),
        next: last === undefined || rows.length < limit ? null : last.id,
      };
    },
  };
}
