import { BSON } from 'mongodb';
import type { SourceEvent } from '../../ports/event-import.ts';
import { readEvent } from './bson-read.ts';
import { documentsOf } from './bson-stream.ts';

const STRING = 0x02;
const DATE = 0x09;

/** The events of a file that mongodump wrote. Throws where the file ends within a document or is none of mongodump's. */
export async function* bsonEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SourceEvent> {
  let number = 0;
  for await (const document of documentsOf(chunks)) yield sourceEvent(document, `document ${++number}`);
}

function sourceEvent(document: Buffer, place: string): SourceEvent {
  try {
    const { json, hidden } = readEvent(document);
    const { hasTextId, archivedAtMs } = topLevel(document);
    // What this software keeps beside an event belongs to the store that it comes from.
    return { place, json, fault: null, archivedAtMs, bson: hasTextId && hidden === null ? document : null };
  } catch (error) {
    return { place, json: null, fault: error instanceof Error ? error.message : String(error), archivedAtMs: null, bson: null };
  }
}

const ID = Buffer.from('_id');
const ARCHIVED_AT = Buffer.from('archived_at');

/** MADSci's server archives with a date; a client that sends an archived event gives a text (M29). */
function topLevel(document: Buffer): { hasTextId: boolean; archivedAtMs: number | null } {
  let [hasTextId, archivedAtMs]: [boolean, number | null] = [false, null];
  for (const [type, nameOffset, nameLength, offset] of BSON.onDemand.parseToElements(document)) {
    const isNamed = (name: Buffer): boolean =>
      name.length === nameLength && name.compare(document, nameOffset, nameOffset + nameLength) === 0;
    if (type === STRING && isNamed(ID)) hasTextId = true;
    if (type === DATE && isNamed(ARCHIVED_AT)) archivedAtMs = Number(document.readBigInt64LE(offset));
  }
  return { hasTextId, archivedAtMs };
}
