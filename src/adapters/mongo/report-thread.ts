import { workerData } from 'node:worker_threads';
import type { Document } from 'mongodb';
import { EngineError, type ErrorCode } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/utilization/activity.ts';
import { utilizationReport } from '../../core/utilization/report.ts';
import type { ReportFormat, ReportOutcome, UtilizationRequest } from '../../core/utilization/request.ts';
import type { ActivitySource, Scan } from '../../core/utilization/source.ts';
import { readEvent } from './bson-read.ts';
import { type Collections, collectionsOf, connect } from './connect.ts';
import { storeError } from './faults.ts';

export interface ReportPlace {
  url: string;
  database: string;
  collection: string;
  deadlineMs: number;
}
export interface ReportTask {
  request: UtilizationRequest;
  format: ReportFormat;
  now: number;
  /** On the clock of Date.now(). */
  deadline: number;
}
/** Errors cross the thread border as values: a cloned Error would lose its code. */
export type ReportReply = { ok: true; outcome: ReportOutcome } | { ok: false; code: ErrorCode; message: string };

const { url, database, collection, deadlineMs } = workerData as ReportPlace;
/** The thread ends some time after its last report, and its connections with it. */
let connected: Promise<Collections> | null = null;

export default async function run({ request, format, now, deadline }: ReportTask): Promise<ReportReply> {
  try {
    connected ??= connect(url, deadlineMs).then((client) => collectionsOf(client.db(database), collection));
    const { events } = await connected;
    return { ok: true, outcome: await utilizationReport(request, format, activitySource(events, deadline), now) };
  } catch (error) {
    const known = storeError(error);
    if (known instanceof EngineError) return { ok: false, code: known.code, message: known.message };
    connected = null;
    return { ok: false, code: 'store_unavailable', message: 'The store did not answer.' };
  }
}

const SEQ = '_hookwright.seq';
/** The index on time runs backwards through this one; documents of MADSci's own server have no number. */
const TIME_INDEX = { event_timestamp: -1, [SEQ]: -1, _id: -1 } as const;
const TIME_ORDER = { event_timestamp: 1, [SEQ]: 1, _id: 1 } as const;
const ARRIVAL = { [SEQ]: 1, _id: 1 } as const;
const SHOWN = { event_type: 1, event_timestamp: 1, source: 1, event_data: 1, '_hookwright.json': 1 } as const;
const BATCH = 1_000;
/** So that nobody can make the server keep any number of ids. */
const MAX_OWNERS = 100_000;

function activitySource(events: Collections['events'], deadline: number): ActivitySource {
  const timeLeft = (): { maxTimeMS: number } => {
    const maxTimeMS = deadline - Date.now();
    if (maxTimeMS <= 0) throw new EngineError('query_deadline', 'The report took too long and was stopped.');
    return { maxTimeMS };
  };
  const endOf = async (direction: 1 | -1): Promise<string | null> => {
    const found = await events.findOne({}, { sort: { event_timestamp: direction }, projection: { event_timestamp: 1 }, ...timeLeft() });
    const text: unknown = found?.['event_timestamp'];
    return typeof text === 'string' ? text : null;
  };
  return {
    async ends() {
      const [first, last] = [await endOf(1), await endOf(-1)];
      return first === null || last === null ? null : { first, last };
    },
    async scan(scan, each) {
      const order: Document = scan.order === 'time' ? { sort: TIME_ORDER, hint: TIME_INDEX } : { sort: ARRIVAL };
      const options = { ...order, projection: SHOWN, raw: true, batchSize: BATCH, allowDiskUse: true, ...timeLeft() };
      for await (const bytes of events.find(filterOf(scan), options)) {
        timeLeft();
        const event = storedEvent(bytes as unknown as Buffer); // raw: true gives bytes
        if (event !== null) each(event);
      }
    },
    async hasEvent({ from, to }) {
      const found = await events.findOne({ event_timestamp: { $gte: from, $lte: to } }, { projection: { _id: 1 }, ...timeLeft() });
      return found !== null;
    },
    async owners() {
      const ids = new Set<string>();
      const groups = events.aggregate<{ _id: { w?: unknown; m?: unknown } }>(
        [{ $group: { _id: { w: '$source.workcell_id', m: '$source.manager_id' } } }, { $limit: MAX_OWNERS }],
        { allowDiskUse: true, ...timeLeft() },
      );
      for await (const { _id } of groups) for (const id of [_id.w, _id.m]) if (typeof id === 'string') ids.add(id);
      return ids;
    },
  };
}

function filterOf({ types, range }: Scan): Document {
  return { event_type: { $in: [...types] }, ...(range === undefined ? {} : { event_timestamp: { $gte: range.from, $lte: range.to } }) };
}

/** Null for what neither MADSci nor this server writes: a time that is no text. */
function storedEvent(bytes: Buffer): StoredEvent | null {
  const { json } = readEvent(bytes);
  const { event_type: type, event_timestamp: timestamp } = JSON.parse(json) as { event_type?: unknown; event_timestamp?: unknown };
  return typeof type === 'string' && typeof timestamp === 'string' ? { type, timestamp, json } : null;
}
