import type { Collection, Document, Sort as MongoSort } from 'mongodb';
import { cursorAt, placeOf } from '../../core/cursor.ts';
import { EngineError } from '../../core/errors.ts';
import { type ExactObject, memberOf, parseExact, stringifyExact } from '../../core/json.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { parseProjection, project } from '../../core/selector/project.ts';
import { parseSort, type Sort, type SortKey } from '../../core/selector/sort.ts';
import { selectorText } from '../../core/selector/text.ts';
import type { EventQuery } from '../../ports/event-store.ts';
import { type ReadEvent, readEvent } from './bson-read.ts';
import type { EventDocument } from './documents.ts';
import { queried, type ReadLimits } from './queried.ts';
import { filterOf, isHidden } from './selector-bson.ts';

const SEQ = '_hookwright.seq';
/** Members that every event has, of one type each, so that a cursor can go on from a value. */
const PLACED: Readonly<Record<string, 'number' | 'string'>> = {
  event_timestamp: 'string',
  log_level: 'number',
  event_type: 'string',
};
/** What stands for the number of MADSci's own documents in a cursor. */
const UNNUMBERED = -1;

/** Where a page begins, and how the next one is found. */
interface Plan {
  filter: Document;
  sort: MongoSort;
  skip: number;
  /** The cursor behind the last item of this page. */
  cursorAfter(last: ReadEvent, limit: number): string;
}

export function pageReader(events: Collection<EventDocument>, limits: ReadLimits) {
  return (query: EventQuery, page: PageRequest): Promise<Page<string>> =>
    queried(limits, async () => {
      const { filter, sort, skip, cursorAfter } = await planOf(events, query, page);
      const conditions = { $and: [filterOf(query.selector), filter] };
      const options = { sort, skip, limit: page.limit + 1, raw: true, maxTimeMS: limits.deadlineMs, allowDiskUse: true };
      const found: ReadEvent[] = [];
      let size = 0;
      for await (const bytes of events.find(conditions, options)) {
        const event = readEvent(bytes as unknown as Buffer);
        size += event.json.length;
        if (size > limits.resultBytes)
          throw new EngineError('result_too_large', 'The answer would be larger than the server sends at once.');
        found.push(event);
      }
      const last = found.length > page.limit ? found[page.limit - 1] : undefined;
      return {
        items: found.slice(0, page.limit).map(shaper(query)),
        nextCursor: last === undefined ? null : cursorAfter(last, page.limit),
      };
    });
}

async function planOf(events: Collection<EventDocument>, { sort }: EventQuery, { cursor }: PageRequest): Promise<Plan> {
  const keys = sort === null ? [] : parseSort(sort);
  const [first] = keys;
  if (first === undefined) return placed(null, cursor);
  const name = nameOf(first);
  if (keys.length === 1 && (name === '_id' || name in PLACED)) return placed(first, cursor);
  return counted(events, keys, sort === null ? '' : selectorText(sort), cursor);
}

const nameOf = ({ path }: SortKey): string => path.parts.join('.');

/** By arrival, or by a member and then arrival: the cursor holds where the last item stands, so what comes in meanwhile moves nothing. */
function placed(key: SortKey | null, cursor: string | null): Plan {
  const direction = key?.direction ?? 1;
  const name = key === null ? null : nameOf(key);
  const order = name === null ? 'seq' : `${name} ${direction}`;
  if (name === '_id') {
    const filter = cursor === null ? {} : { _id: beyond(direction, placeOf(cursor, order, ['string'])[0]) };
    return { filter, sort: { _id: direction }, skip: 0, cursorAfter: ({ id }) => cursorAt(order, [id]) };
  }
  const sort: MongoSort = { ...(name === null ? {} : { [name]: direction }), [SEQ]: direction, _id: direction };
  const cursorAfter = ({ id, json, hidden }: ReadEvent): string =>
    cursorAt(order, [...(name === null ? [] : [memberText(json, name)]), hidden?.seq ?? UNNUMBERED, id]);
  if (cursor === null) return { filter: {}, sort, skip: 0, cursorAfter };
  const types = [...(name === null ? [] : [PLACED[name] as 'string']), 'number' as const, 'string' as const];
  const place = placeOf(cursor, order, types);
  const [seq, id] = place.slice(-2) as [number, string];
  const tie = afterArrival(direction, seq, id);
  const filter = name === null ? tie : { $or: [{ [name]: beyond(direction, place[0]) }, { [name]: place[0], ...tie }] };
  return { filter, sort, skip: 0, cursorAfter };
}

const beyond = (direction: 1 | -1, value: unknown): Document => ({ [direction === 1 ? '$gt' : '$lt']: value });

/** What comes after this arrival; MADSci's own documents, which have no number, come before all numbers. */
function afterArrival(direction: 1 | -1, seq: number, id: string): Document {
  const sameNumber = { [SEQ]: seq === UNNUMBERED ? null : seq, _id: beyond(direction, id) };
  if (seq !== UNNUMBERED) {
    const next = [{ [SEQ]: beyond(direction, seq) }, sameNumber];
    return { $or: direction === 1 ? next : [...next, { [SEQ]: null }] };
  }
  return direction === 1 ? { $or: [sameNumber, { [SEQ]: { $gte: 0 } }] } : sameNumber;
}

function memberText(json: string, name: string): string | number {
  const value = memberOf(parseExact(json) as ExactObject, name);
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new EngineError('sort_invalid', `An event has no ${name} to go on from; sort by _id.`);
}

/** Any other order has no place to go on from: the cursor counts among the events that were there at the first page. */
async function counted(events: Collection<EventDocument>, keys: Sort, order: string, cursor: string | null): Promise<Plan> {
  const [start, until] = cursor === null ? [0, await newest(events)] : (placeOf(cursor, order, ['number', 'number']) as [number, number]);
  if (start < 0) throw new EngineError('cursor_invalid', 'The cursor was not made by this list.');
  const sort = new Map<string, 1 | -1>();
  for (const key of keys) if (!isHidden(nameOf(key))) sort.set(nameOf(key), key.direction);
  for (const name of [SEQ, '_id']) if (!sort.has(name)) sort.set(name, 1);
  const filter = { $or: [{ [SEQ]: { $lte: until } }, { [SEQ]: null }] };
  return { filter, sort, skip: start, cursorAfter: (_, limit) => cursorAt(order, [start + limit, until]) };
}

async function newest(events: Collection<EventDocument>): Promise<number> {
  const [last] = await events.find({}, { projection: { [SEQ]: 1 }, sort: { [SEQ]: -1, _id: -1 }, limit: 1 }).toArray();
  return last?._hookwright?.seq ?? 0;
}

function shaper({ projection }: EventQuery): (event: ReadEvent) => string {
  if (projection === null) return ({ json }) => json;
  const parsed = parseProjection(projection);
  return ({ json }) => stringifyExact(project(parsed, parseExact(json) as ExactObject));
}
