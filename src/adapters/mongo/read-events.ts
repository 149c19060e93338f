import type { Document, FindOptions } from 'mongodb';
import { EngineError } from '../../core/errors.ts';
import type { ExactValue } from '../../core/json.ts';
import type { EventList, EventQuery } from '../../ports/event-store.ts';
import { readEvent } from './bson-read.ts';
import type { Collections } from './connect.ts';
import { bounded } from './faults.ts';
import { pageReader } from './page-events.ts';
import { queried, type ReadLimits } from './queried.ts';
import { filterOf } from './selector-bson.ts';

const SEQ = '_hookwright.seq';
/** MADSci's own documents have no number: they come first, by their ids, which are ULIDs and so in order of time. */
const ARRIVAL = { [SEQ]: 1, _id: 1 } as const;
const NEWEST = { [SEQ]: -1, _id: -1 } as const;
const NEWEST_TIME = { event_timestamp: -1, ...NEWEST } as const;
/** Dates (what the server archived) come before texts (what a client sent as archived), as BSON orders them, and null last. */
const NEWEST_ARCHIVED = { archived_at: -1, ...NEWEST } as const;

/** Reads of events. The documents come as bytes, and become text without objects in between. */
export function eventReads({ events }: Collections, limits: ReadLimits) {
  const mapText = async (filter: Document, options: FindOptions, deadlineMs = limits.deadlineMs): Promise<string> => {
    const parts: string[] = [];
    let size = 0;
    const cursor = events.find(filter, { ...options, raw: true, maxTimeMS: deadlineMs, allowDiskUse: true });
    for await (const bytes of cursor) {
      const { id, json } = readEvent(bytes as unknown as Buffer);
      const part = `${JSON.stringify(id)}:${json}`;
      size += part.length + 1;
      if (size > limits.resultBytes) throw new EngineError('result_too_large', 'The answer would be larger than the server sends at once.');
      parts.push(part);
    }
    return `{${parts.join(',')}}`;
  };

  return {
    get: (id: string): Promise<string | null> =>
      bounded(async () => {
        const bytes = await events.findOne({ _id: id }, { raw: true });
        return bytes === null ? null : readEvent(bytes as unknown as Buffer).json;
      }),
    total: (): Promise<number> => bounded(() => events.estimatedDocumentCount()),
    list: ({ number, offset, minLevel, startText, endText, includeArchived }: EventList): Promise<string> => {
      const time = { ...(startText === null ? {} : { $gte: startText }), ...(endText === null ? {} : { $lte: endText }) };
      const filter: Document = {
        ...(minLevel > 0 ? { log_level: { $gte: minLevel } } : {}),
        ...(startText === null && endText === null ? {} : { event_timestamp: time }),
        ...(includeArchived ? {} : { archived: { $ne: true } }),
      };
      return queried(limits, () => mapText(filter, { sort: NEWEST_TIME, skip: offset, limit: number }));
    },
    query: ({ selector }: EventQuery): Promise<string> => queried(limits, () => mapText(filterOf(selector), { sort: ARRIVAL })),
    page: pageReader(events, limits),
    count: (selector: ExactValue): Promise<number> =>
      queried(limits, () => events.countDocuments(filterOf(selector), { maxTimeMS: limits.deadlineMs })),
    listArchived: (number: number, offset: number): Promise<string> =>
      queried(limits, () => mapText({ archived: true }, { sort: NEWEST_ARCHIVED, skip: offset, limit: number })),
  };
}
