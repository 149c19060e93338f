import type { Document, Filter, FindCursor } from 'mongodb';
import { MOVE_SETTING } from '../../core/move.ts';
import { PAIR_MOVES_MS, type RecordBatch, type RecordKind, type Records } from '../../ports/movable.ts';
import { readEvent } from './bson-read.ts';
import type { Collections } from './connect.ts';
import type { AlertPairsDocument, DeliveryDocument, ExecutionDocument, HandlerDocument, KeyDocument, StateDocument } from './documents.ts';

const SEQ = '_hookwright.seq';
const BATCH_RECORDS = 1_000;
const BATCH_CHARACTERS = 8_000_000;

/** A record, where it stands in the order of its kind, and about how large it is. */
interface Found<K extends RecordKind> {
  record: Records[K];
  place: unknown[];
  size: number;
}
type Reader<K extends RecordKind> = (all: Collections, after: unknown[] | null, now: number) => AsyncIterable<Found<K>>;

export async function* batchesOf<K extends RecordKind>(
  all: Collections,
  kind: K,
  { after, limit = BATCH_RECORDS, now }: { after: string | null; limit?: number | undefined; now: number },
): AsyncGenerator<RecordBatch<K>> {
  const read: Reader<K> = READERS[kind];
  let records: Records[K][] = [];
  let last: unknown[] = [];
  let size = 0;
  for await (const found of read(all, after === null ? null : (JSON.parse(after) as unknown[]), now)) {
    records.push(found.record);
    last = found.place;
    size += found.size;
    if (records.length < limit && size < BATCH_CHARACTERS) continue;
    yield { records, after: JSON.stringify(last) };
    [records, size] = [[], 0];
  }
  if (records.length > 0) yield { records, after: JSON.stringify(last) };
}

export async function countOf(all: Collections, kind: RecordKind, now: number): Promise<number> {
  switch (kind) {
    case 'settings':
      return all.settings.countDocuments({ _id: { $ne: MOVE_SETTING } });
    case 'counters':
      return all.counters.countDocuments(HANDLER_COUNTER);
    case 'alertPairs':
      return all.alertPairs.countDocuments(pairsSince(now));
    case 'state':
      return all.state.countDocuments(KEPT);
    case 'versions': {
      let count = 0;
      for await (const _ of READERS.versions(all, null, now)) count++;
      return count;
    }
    default:
      return all[kind].countDocuments({});
  }
}

/** What a deleted value leaves behind while settlements may still be tried again is not moved. */
const KEPT: Filter<StateDocument> = { value: { $ne: null } };
const HANDLER_COUNTER = { _id: 'handlers', value: { $gt: 0 } };
const pairsSince = (now: number): Filter<AlertPairsDocument> => ({ seenAt: { $gte: new Date(now - PAIR_MOVES_MS) } });
/** Batches of a cursor lie in memory twice, as bytes and as records. */
const CURSOR = { batchSize: BATCH_RECORDS, allowDiskUse: true } as const;

async function* each<D extends Document, K extends RecordKind>(
  cursor: FindCursor<D>,
  foundOf: (document: D) => { record: Records[K]; place: unknown[] },
): AsyncGenerator<Found<K>> {
  for await (const document of cursor) {
    const { record, place } = foundOf(document);
    yield { record, place, size: sizeOf(record) };
  }
}

function sizeOf(record: object): number {
  let size = 0;
  for (const value of Object.values(record)) if (typeof value === 'string') size += value.length;
  return size;
}

const READERS: { [K in RecordKind]: Reader<K> } = {
  settings: ({ settings }, after) =>
    each(settings.find({ _id: { $ne: MOVE_SETTING, ...behind(after) } }, { sort: { _id: 1 }, ...CURSOR }), ({ _id, value }) => ({
      record: { name: _id, value },
      place: [_id],
    })),
  keys: ({ keys }, after) =>
    each(keys.find(after === null ? {} : { _id: behind<string>(after) }, { sort: { _id: 1 }, ...CURSOR }), (document: KeyDocument) => {
      const { _id: id, body, revokedAt, lastUsedAt } = document;
      return { record: { id, body, revokedAt, lastUsedAt }, place: [id] };
    }),
  counters: ({ counters }, after) =>
    each(counters.find(after === null ? HANDLER_COUNTER : { _id: behind<string>(after) }), ({ value }) => ({
      record: { name: 'handlers', value },
      place: ['~'],
    })),
  handlers: ({ handlers }, after) =>
    each(handlers.find(after === null ? {} : { _id: behind<number>(after) }, { sort: { _id: 1 }, ...CURSOR }), (document) => ({
      record: handlerRecord(document),
      place: [document._id],
    })),
  versions: readVersions,
  state: ({ state }, after) => {
    const [handlerId, key] = (after ?? []) as [number, string];
    const beyond = { $or: [{ handlerId: { $gt: handlerId } }, { handlerId, _id: { $gt: `${handlerId}:${key}` } }] };
    const filter = after === null ? KEPT : { $and: [KEPT, beyond] };
    return each(state.find(filter, { sort: { handlerId: 1, _id: 1 }, ...CURSOR }), (document) => {
      const own = document._id.slice(document._id.indexOf(':') + 1);
      return { record: { handlerId: document.handlerId, key: own, value: document.value as string }, place: [document.handlerId, own] };
    });
  },
  schedules: ({ schedules }, after) =>
    each(schedules.find(after === null ? {} : { _id: behind<number>(after) }, { sort: { _id: 1 }, ...CURSOR }), (document) => {
      const { _id: handlerId, stamp, nextAt, previousAt } = document;
      return { record: { handlerId, stamp, nextAt, previousAt }, place: [handlerId] };
    }),
  events: readEvents,
  firings: ({ firings }, after) =>
    each(firings.find(after === null ? {} : { _id: behind<string>(after) }, { sort: { _id: 1 }, ...CURSOR }), (document) => {
      const { _id: id, hook, payload, tags, createdAt, root, depth } = document;
      return { record: { id, hook, payload, tags, createdAt, root, depth }, place: [id] };
    }),
  executions: ({ executions }, after) =>
    each(executions.find(after === null ? {} : { seq: behind<number>(after) }, { sort: { seq: 1 }, ...CURSOR }), (document) => ({
      record: executionRecord(document),
      place: [document.seq],
    })),
  deliveries: ({ deliveries }, after) =>
    each(deliveries.find(after === null ? {} : { seq: behind<number>(after) }, { sort: { seq: 1 }, ...CURSOR }), (document) => ({
      record: deliveryRecord(document),
      place: [document.seq],
    })),
  alertPairs({ alertPairs }, after, now) {
    const filter = after === null ? pairsSince(now) : { ...pairsSince(now), _id: behind<string>(after) };
    return each(alertPairs.find(filter, { sort: { _id: 1 }, ...CURSOR }), ({ _id: key, pairs, seenAt }) => ({
      record: { key, pairs: JSON.stringify(pairs), seenAt: seenAt.getTime() },
      place: [key],
    }));
  },
};

const behind = <T>(after: unknown[] | null): { $gt?: T } => (after === null ? {} : { $gt: after[0] as T });

/** A copy of the current version may lie among the earlier ones, from a replacement that a crash cut off. */
async function* readVersions({ handlers, versions }: Collections, after: unknown[] | null): AsyncGenerator<Found<'versions'>> {
  const [handlerId, version] = (after ?? []) as number[];
  const beyond = {
    $or: [{ handlerId: { $gt: handlerId as number } }, { handlerId: handlerId as number, version: { $gt: version as number } }],
  };
  const current = new Map<number, number>();
  for await (const one of handlers.find({}, { projection: { version: 1 } })) current.set(one._id, one.version);
  const cursor = versions.find(after === null ? {} : beyond, { sort: { handlerId: 1, version: 1 }, ...CURSOR });
  for await (const { handlerId: of, version: number, body } of cursor)
    if (number < (current.get(of) ?? 0)) yield { record: { handlerId: of, version: number, body }, place: [of, number], size: body.length };
}

/**
 * First those that MADSci's own server wrote, by id, numbered below zero so that the last of them is -1; then ours by their numbers. A place
 * is the number of an event, and the id of one without.
 */
async function* readEvents(all: Collections, after: unknown[] | null): AsyncGenerator<Found<'events'>> {
  const [reached, reachedId] = (after ?? []) as [number | undefined, string | undefined];
  if (reached === undefined || reached < 0) {
    const unnumbered = { [SEQ]: null };
    let seq = reached ?? -(await all.events.countDocuments(unnumbered)) - 1;
    const filter = reachedId === undefined ? unnumbered : { ...unnumbered, _id: { $gt: reachedId } };
    for await (const bytes of all.events.find(filter, { sort: { _id: 1 }, hint: { _id: 1 }, raw: true, ...CURSOR })) {
      seq += 1;
      const record = eventRecord(bytes as unknown as Buffer, seq);
      yield { record, place: [seq, record.id], size: record.json.length };
    }
  }
  const numbered = { [SEQ]: { $gt: Math.max(reached ?? -1, -1) } };
  for await (const bytes of all.events.find(numbered, { sort: { [SEQ]: 1 }, raw: true, ...CURSOR })) {
    const record = eventRecord(bytes as unknown as Buffer, null);
    yield { record, place: [record.seq], size: record.json.length };
  }
}

function eventRecord(bytes: Buffer, seq: number | null): Records['events'] {
  const { id, json, hidden, archivedAt } = readEvent(bytes);
  return {
    seq: seq ?? hidden?.seq ?? 0,
    id,
    json,
    archivedAt,
    cause: hidden?.cause ?? null,
    root: hidden?.root ?? null,
    depth: hidden?.depth ?? 0,
  };
}

function handlerRecord(document: HandlerDocument): Records['handlers'] {
  const { _id: id, hook, name, version, createdAt, createdBy, updatedAt, updatedBy, removedAt, enabled, current } = document;
  const members = { id, hook, name, version, createdAt, createdBy, updatedAt, updatedBy, removedAt: removedAt ?? null };
  return { ...members, enabled, body: current };
}

function executionRecord(document: ExecutionDocument): Records['executions'] {
  const { seq, _id: id, handlerId, version, hook, subject, attempt, failures, replays, orderingKey, createdAt, runAt } = document;
  const members = { seq, id, handlerId, version, hook, subject, attempt, failures, replays, orderingKey, createdAt, runAt };
  const { startedAt, finishedAt, output, logs, error } = document;
  return {
    ...members,
    ...{ startedAt, finishedAt, output: output ?? null, logs: logs ?? null, error: error ?? null },
    fired: document.fired,
    state: document.state,
    attempts: document.attempts.map((text) => JSON.stringify(JSON.parse(text))),
  };
}

function deliveryRecord(document: DeliveryDocument): Records['deliveries'] {
  const { seq, _id: id, executionId, kind, to, subject, text, html, messageId, createdAt, state, attempts } = document;
  const { nextAt, lastError, sentAt } = document;
  const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
  return {
    seq,
    id,
    executionId,
    kind,
    to,
    subject,
    text,
    html,
    messageId,
    createdAt,
    attachments: json(document.attachments),
    headers: json(document.headers),
    state,
    attempts,
    nextAt,
    lastError,
    sentAt,
  };
}
