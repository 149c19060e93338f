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
const nameOf = (key: SortKey): string => key.path.parts.join('.');

/** Events by selector. Loaded only where queries run: it brings the evaluator along. `deadline` is on the clock of Date.now(). */
export function eventQueries(db: DatabaseSync, limits: ReadLimits) {
  const last = db.prepare('SELECT max(seq) AS seq FROM events');

  /** Rows that match, in the order asked for; SQL narrows them down as far as it can, the evaluator decides. */
  function* matching(
    selector: string,
    more: { where: string[]; params: SQLInputValue[]; order: string },
    deadline: number,
  ): Generator<Row> {
    const parsed = parseSelector(parseSelectorText(selector));
    const { where, params, exact } = pushDown(parsed);
    const matches = exact ? null : compileSelector(parsed, { backtracking: true });
    const conditions = [where, ...more.where].join(' AND ');
    const statement = db.prepare(`SELECT seq, id, doc, archived_at_ms FROM events WHERE ${conditions} ORDER BY ${more.order}`);
    for (const row of inTime(statement.iterate(...params, ...more.params), deadline))
      if (matches === null || matches(documentOf(row))) yield row;
  }

  /** In insertion order, or by a column: the cursor holds where the last item stands, so what comes in meanwhile moves nothing. */
  const indexedPage = (query: QueryTexts, page: PageRequest, sort: SortKey | null, deadline: number): Page<string> => {
    const column = sort === null ? 'seq' : (SORT_COLUMNS[nameOf(sort)] as string);
    const [direction, beyond] = sort?.direction === -1 ? ['DESC', '<'] : ['ASC', '>'];
    const order = sort === null ? 'seq' : `${column} ${direction}, seq ${direction}`;
    const types: ('number' | 'string')[] = sort === null ? ['number'] : [column === 'level' ? 'number' : 'string', 'number'];
    const place = page.cursor === null ? null : placeOf(page.cursor, order, types);
    const [value, seq] = place ?? [];
    const more = {
      where: place === null ? [] : sort === null ? ['seq > ?'] : [`(${column} ${beyond} ? OR (${column} = ? AND seq ${beyond} ?))`],
      params: (place === null ? [] : sort === null ? [value] : [value, value, seq]) as SQLInputValue[],
      order,
    };
    const rows: Row[] = [];
    for (const row of matching(query.selector, more, deadline)) {
      rows.push(row);
      if (rows.length > page.limit) break;
    }
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
