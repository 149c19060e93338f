import type { Collection, OptionalUnlessRequiredId } from 'mongodb';
import type { RecordKind, Records } from '../../ports/movable.ts';
import { eventDocument } from './bson-write.ts';
import type { Collections } from './connect.ts';
import type { DeliveryDocument, EventDocument, ExecutionDocument, FiringDocument, HandlerDocument } from './documents.ts';
import { insertNew } from './faults.ts';
import { stateId } from './state.ts';

type Writers = { [K in RecordKind]: (all: Collections, records: readonly Records[K][]) => Promise<void> };

/** Records that are there already stay as they are: they come from the same move, which was interrupted after it wrote them. */
export async function writeRecords<K extends RecordKind>(all: Collections, kind: K, records: readonly Records[K][]): Promise<void> {
  const write: Writers[K] = WRITERS[kind];
  if (records.length > 0) await write(all, records);
}

async function insert<D extends { _id: unknown }>(collection: Collection<D>, documents: D[]): Promise<void> {
  await insertNew(() => collection.insertMany(documents as OptionalUnlessRequiredId<D>[], { ordered: false }));
}

const WRITERS: Writers = {
  settings: ({ settings }, records) =>
    insert(
      settings,
      records.map(({ name, value }) => ({ _id: name, value })),
    ),
  keys: ({ keys }, records) =>
    insert(
      keys,
      records.map(({ id, ...rest }) => ({ _id: id, ...rest })),
    ),
  counters: ({ counters }, records) =>
    insert(
      counters,
      records.map(({ name, value }) => ({ _id: name, value })),
    ),
  handlers: ({ handlers }, records) => insert(handlers, records.map(handlerDocument)),
  versions: ({ versions }, records) =>
    insert(
      versions,
      records.map(({ handlerId, version, body }) => ({ _id: `${handlerId}.${version}`, handlerId, version, body })),
    ),
  state: ({ state }, records) =>
    insert(
      state,
      records.map(({ handlerId, key, value }) => ({ _id: stateId(handlerId, key), handlerId, value, rev: 0, by: [] })),
    ),
  schedules: ({ schedules }, records) =>
    insert(
      schedules,
      records.map(({ handlerId, ...rest }) => ({ _id: handlerId, ...rest })),
    ),
  events: ({ events }, records) => insert(events, records.map(eventOf)),
  firings: ({ firings }, records) =>
    insert(
      firings,
      records.map(({ id, ...rest }): FiringDocument => ({ _id: id, seq: 0, ...rest })),
    ),
  executions: ({ executions }, records) =>
    insert(
      executions,
      records.map(({ id, ...rest }): ExecutionDocument => ({ _id: id, ...rest })),
    ),
  deliveries: ({ deliveries }, records) =>
    insert(
      deliveries,
      records.map(
        ({ id, attachments, headers, ...rest }): DeliveryDocument => ({
          _id: id,
          ...rest,
          ...(attachments !== null && { attachments: JSON.parse(attachments) }),
          ...(headers !== null && { headers: JSON.parse(headers) }),
        }),
      ),
    ),
  alertPairs: ({ alertPairs }, records) =>
    insert(
      alertPairs,
      records.map(({ key, pairs, seenAt }) => ({ _id: key, rev: 0, pairs: JSON.parse(pairs), seenAt: new Date(seenAt) })),
    ),
};

/** What MADSci's own server wrote is written as that had it, without a member of ours. */
function eventOf({ seq, id, json, archivedAt, cause, root, depth }: Records['events']): EventDocument {
  const origin = cause === null ? null : { executionId: cause, root: root ?? id, depth };
  const document = eventDocument({ id, json, cause: origin });
  if (archivedAt !== null) document['archived_at'] = new Date(archivedAt);
  const { _hookwright: hidden, ...theirs } = document;
  if (seq >= 0) return Object.assign(document, { _hookwright: { ...hidden, seq } });
  return hidden?.json === undefined ? theirs : Object.assign(document, { _hookwright: { json: hidden.json } });
}

function handlerDocument({ id, body, removedAt, ...rest }: Records['handlers']): HandlerDocument {
  return { _id: id, ...rest, current: body, ...(removedAt === null ? { live: true } : { removedAt }) };
}
