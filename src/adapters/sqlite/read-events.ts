import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { EngineError } from '../../core/errors.ts';
import type { EventList } from '../../ports/event-store.ts';

export interface Row {
  seq: number;
  id: string;
  doc: string;
  archived_at_ms: number | null;
}
export interface ReadLimits {
  /** The most bytes (UTF-16 units) that one answer may have. */
  resultBytes: number;
  /** The most matches that a sort without an index may hold. */
  sortedMatches: number;
}

const ROWS_BETWEEN_LOOKS_AT_THE_CLOCK = 256;

/** Events by id and in MADSci's order. Runs in a reader thread; `deadline` is on the clock of Date.now(). */
export function eventReads(db: DatabaseSync, limits: ReadLimits) {
  const one = db.prepare('SELECT doc FROM events WHERE id = ?');
  const archived = db.prepare(
    `SELECT id, doc FROM events WHERE archived = 1
     ORDER BY archived_at_ms DESC NULLS LAST, doc ->> '$.archived_at' DESC NULLS LAST, seq DESC LIMIT ? OFFSET ?`,
  );

  return {
    event: (id: string): string | null => (one.get(id)?.['doc'] as string | undefined) ?? null,
    list(list: EventList, deadline: number): string {
      const where: string[] = [];
      const params: SQLInputValue[] = [];
      // The level is written out, so that the index of urgent events can serve it; it is a checked integer.
      if (list.minLevel > 0) where.push(`level >= ${BigInt(list.minLevel)}`);
      if (list.startText !== null) params.push(list.startText);
      if (list.startText !== null) where.push('ts >= ?');
      if (list.endText !== null) params.push(list.endText);
      if (list.endText !== null) where.push('ts <= ?');
      if (!list.includeArchived) where.push('archived = 0');
      const conditions = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
      const statement = db.prepare(`SELECT id, doc FROM events ${conditions} ORDER BY ts DESC, seq DESC LIMIT ? OFFSET ?`);
      return mapText(inTime(statement.iterate(...params, list.number === 0 ? -1 : list.number, list.offset), deadline), limits);
    },
    listArchived: (number: number, offset: number, deadline: number): string =>
      mapText(inTime(archived.iterate(number === 0 ? -1 : number, offset), deadline), limits),
  };
}

/** MADSci's map: an object id → event, as text. */
export function mapText(rows: Iterable<{ id: string; doc: string }>, { resultBytes }: ReadLimits): string {
  const parts: string[] = [];
  let size = 0;
  for (const { id, doc } of rows) {
    const part = `${JSON.stringify(id)}:${doc}`;
    size += part.length + 1;
    if (size > resultBytes) throw new EngineError('result_too_large', 'The answer would be larger than the server sends at once.');
    parts.push(part);
  }
  return `{${parts.join(',')}}`;
}

/** The rows of a statement, for as long as the deadline allows. */
export function* inTime(rows: Iterable<unknown>, deadline: number): Generator<Row> {
  let seen = 0;
  for (const row of rows) {
    if (++seen % ROWS_BETWEEN_LOOKS_AT_THE_CLOCK === 0 && Date.now() > deadline)
      throw new EngineError('query_deadline', `The query was stopped after looking at ${seen} events.`);
    yield row as Row;
  }
}
