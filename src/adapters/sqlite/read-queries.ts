import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { cursorAt, placeOf } from '../../core/cursor.ts';
import { EngineError } from '../../core/errors.ts';
import { type ExactObject, type ExactValue, isObject, parseExact, setMember, stringifyExact } from '../../core/json.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { compileSelector } from '../../core/selector/match.ts';
import { parseSelector } from '../../core/selector/parse.ts';
import { parseProjection, project } from '../../core/selector/project.ts';
import { compareForSort, parseSort, type Sort, type SortKey, sortValues } from '../../core/selector/sort.ts';
import { parseSelectorText } from '../../core/selector/text.ts';
import { inTime, mapText, type ReadLimits, type Row } from './read-events.ts';
import { pushDown } from './selector-sql.ts';

/** An EventQuery as JSON texts. */
export interface QueryTexts {
  selector: string;
  sort: string | null;
  projection: string | null;
}

/** Fields that a column holds, so that SQLite orders by them and a cursor can go on from a value. */
const SORT_COLUMNS: Readonly<Record<string, string>> = { _id: 'id', event_timestamp: 'ts', log_level: 'level', event_type: 'type' };
/** So many are quickly put in order. */
const FEW = 5_000;
/** How many rows a page by arrival looks at before it asks the indexes: some 20 ms. */
const SCANNED = 20_000;
/** What MADSci's own server wrote, and was moved here, is numbered below zero. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;
const ROW = 'seq, id, doc, archived_at_ms';

/** Which of the matches, and in what order. */
interface Slice {
  where: string[];
  params: SQLInputValue[];
  order: string;
  limit?: number;
  /** Goes through the rows by `seq`, whatever indexes there are. */
  isScan?: boolean;
  /** An index finds them, and they have to be put in order. */
  areMany?: boolean;
}
const nameOf = (key: SortKey): string => key.path.parts.join('.');

/** Events by selector. Loaded only where queries run: it brings the evaluator along. `deadline` is on the clock of Date.now(). */
export function eventQueries(db: DatabaseSync, limits: ReadLimits) {
  const last = db.prepare('SELECT max(seq) AS seq FROM events');
  const first = db.prepare('SELECT min(seq) AS seq FROM events WHERE seq > ?');

  /** Rows that match, in the order asked for; SQL narrows them down as far as it can, the evaluator decides. At most `limit`, if there is one. */
  function* matching(selector: string, more: Slice, deadline: number): Generator<Row> {
    const parsed = parseSelector(parseSelectorText(selector));
    const { where, params, exact } = pushDown(parsed);
    const matches = exact ? null : compileSelector(parsed, { backtracking: true });
    const conditions = [where, ...more.where].join(' AND ');
    const values = [...params, ...more.params];
    const statement = db.prepare(rowsOf(conditions, more, exact));
    let left = more.limit ?? Number.POSITIVE_INFINITY;
    for (const row of inTime(statement.iterate(...values), deadline)) {
      if (left <= 0) return;
      if (matches !== null && !matches(documentOf(row))) continue;
      left--;
      yield row;
    }
  }

  /**
   * Those that match in the order of their arrival, behind `after`. An index finds them in another order, and gathering all of them takes long
   * where they are many. But where they are many they are dense, as a rule: then the next thousands of rows hold enough, and are looked at first.
   */
  function* byArrival(selector: string, after: number, limit: number, deadline: number): Generator<Row> {
    const slice = { where: ['seq > ?'], order: 'seq' };
    if (!areMany(selector, after)) return yield* matching(selector, { ...slice, params: [after], limit }, deadline);
    const until = ((first.get(after) as { seq: number | null }).seq ?? after) + SCANNED;
    let left = limit;
    const scan = { where: ['seq > ?', 'seq <= ?'], params: [after, until], order: 'seq', limit, isScan: true };
    for (const row of matching(selector, scan, deadline)) {
      yield row;
      left--;
    }
    if (left > 0) yield* matching(selector, { ...slice, params: [until], limit: left, areMany: true }, deadline);
  }

  /** Whether an index finds many behind `after`, which then have to be put in order. */
  function areMany(selector: string, after: number): boolean {
    const { where, params } = pushDown(parseSelector(parseSelectorText(selector)));
    const found = `FROM events WHERE ${where} AND seq > ?`;
    const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT doc ${found} ORDER BY seq`).all(...params, after);
    if (!plan.some(({ detail }) => String(detail).includes('TEMP B-TREE'))) return false;
    const probe = db.prepare(`SELECT count(*) AS count FROM (SELECT 1 ${found} LIMIT ${FEW})`);
    return (probe.get(...params, after) as { count: number }).count === FEW;
  }

  /** In insertion order, or by a column: the cursor holds where the last item stands, so what comes in meanwhile moves nothing. */
  const indexedPage = (query: QueryTexts, page: PageRequest, sort: SortKey | null, deadline: number): Page<string> => {
    const column = sort === null ? 'seq' : (SORT_COLUMNS[nameOf(sort)] as string);
    const [direction, beyond] = sort?.direction === -1 ? ['DESC', '<'] : ['ASC', '>'];
    const order = sort === null ? 'seq' : `${column} ${direction}, seq ${direction}`;
    const types: ('number' | 'string')[] = sort === null ? ['number'] : [column === 'level' ? 'number' : 'string', 'number'];
    const place = page.cursor === null ? null : placeOf(page.cursor, order, types);
    const [value, seq] = place ?? [];
    const limit = page.limit + 1;
    const more = {
      where: place === null ? [] : [`(${column} ${beyond} ? OR (${column} = ? AND seq ${beyond} ?))`],
      params: (place === null ? [] : [value, value, seq]) as SQLInputValue[],
      order,
      limit,
    };
    const rows = Array.from(
      sort === null
        ? byArrival(query.selector, (value as number | undefined) ?? BEFORE_ALL, limit, deadline)
        : matching(query.selector, more, deadline),
    );
    const last = rows.length > page.limit ? rows[page.limit - 1] : undefined;
    const nextCursor = last === undefined ? null : cursorAt(order, sort === null ? [last.seq] : [valueAt(column, last.seq), last.seq]);
    return { items: rows.slice(0, page.limit).map(projector(query.projection)), nextCursor };
  };
  const valueAt = (column: string, seq: number): string | number =>
    (db.prepare(`SELECT ${column} AS value FROM events WHERE seq = ?`).get(seq) as { value: string | number }).value;

  /** Without an index the matches are gathered and sorted; the cursor counts among the events that were there at the first page. */
  const sortedPage = (query: QueryTexts, page: PageRequest, sort: Sort, deadline: number): Page<string> => {
    const order = query.sort as string;
    const [start, until] = (page.cursor === null ? [0, newest()] : placeOf(page.cursor, order, ['number', 'number'])) as [number, number];
    if (start < 0) throw new EngineError('cursor_invalid', 'The cursor was not made by this list.');
    const found: { row: Row; values: ReturnType<typeof sortValues> }[] = [];
    for (const row of matching(query.selector, { where: ['seq <= ?'], params: [until], order: 'seq' }, deadline)) {
      found.push({ row, values: sortValues(sort, documentOf(row)) });
      if (found.length > limits.sortedMatches)
        throw new EngineError(
          'result_too_large',
          `More than ${limits.sortedMatches} events match: sort by ${Object.keys(SORT_COLUMNS).join(', ')} or narrow the selector.`,
        );
    }
    const compare = compareForSort(sort);
    found.sort((a, b) => compare(a.values, b.values) || a.row.seq - b.row.seq);
    const end = start + page.limit;
    const shape = projector(query.projection);
    return {
      items: found.slice(start, end).map(({ row }) => shape(row)),
      nextCursor: end < found.length ? cursorAt(order, [end, until]) : null,
    };
  };
  const newest = (): number => (last.get() as { seq: number | null }).seq ?? 0;

  return {
    query: (query: QueryTexts, deadline: number): string =>
      mapText(matching(query.selector, { where: [], params: [], order: 'seq' }, deadline), limits),
    page(query: QueryTexts, page: PageRequest, deadline: number): Page<string> {
      const sort = query.sort === null ? [] : parseSort(parseSelectorText(query.sort));
      const [first] = sort;
      if (sort.length === 0) return indexedPage(query, page, null, deadline);
      if (sort.length === 1 && first !== undefined && nameOf(first) in SORT_COLUMNS) return indexedPage(query, page, first, deadline);
      return sortedPage(query, page, sort, deadline);
    },
    count(selector: string, deadline: number): number {
      const { where, params, exact } = pushDown(parseSelector(parseSelectorText(selector)));
      if (exact) return (db.prepare(`SELECT count(*) AS count FROM events WHERE ${where}`).get(...params) as { count: number }).count;
      let count = 0;
      for (const _ of matching(selector, { where: [], params: [], order: 'seq' }, deadline)) count++;
      return count;
    },
  };
}

/** Where an index finds rows in another order than that asked for, their numbers are put in order, and only the rows that are wanted are read. */
function rowsOf(conditions: string, { order, limit, isScan, areMany }: Slice, isExact: boolean): string {
  if (isScan) return `SELECT ${ROW} FROM events NOT INDEXED WHERE ${conditions} ORDER BY ${order}`;
  const numbers = `SELECT seq FROM events WHERE ${conditions} ORDER BY ${order}`;
  if (isExact && limit !== undefined) return `SELECT ${ROW} FROM events WHERE seq IN (${numbers} LIMIT ${BigInt(limit)}) ORDER BY ${order}`;
  if (areMany) return `WITH found AS MATERIALIZED (${numbers}) SELECT ${ROW} FROM found CROSS JOIN events USING (seq)`;
  return `SELECT ${ROW} FROM events WHERE ${conditions} ORDER BY ${order}`;
}

/** The document as selectors see it: what the server archived has a date in archived_at, not a text (M29). */
function documentOf(row: Row): ExactValue {
  const document = parseExact(row.doc);
  if (row.archived_at_ms !== null && isObject(document) && 'archived_at' in document)
    setMember(document as { [key: string]: ExactValue }, 'archived_at', new Date(row.archived_at_ms));
  return document;
}

function projector(projection: string | null): (row: Row) => string {
  if (projection === null) return (row) => row.doc;
  const parsed = parseProjection(parseSelectorText(projection));
  return (row) => stringifyExact(project(parsed, parseExact(row.doc) as ExactObject));
}
