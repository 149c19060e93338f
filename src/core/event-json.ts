import type { Given } from './event-fields.ts';
import { type EventSource, SOURCE_KEYS } from './event-source.ts';
import { stringifyExact } from './json.ts';

/** The members of an event that are checked, so that only texts and event_data can need an escape. */
export interface EventMembers {
  id: string;
  type: string;
  level: number;
  alert: boolean;
  timestamp: string;
  source: EventSource;
  data: Given;
  traceId: string | null;
  spanId: string | null;
  archived: boolean;
  archivedAt: string | null;
  /** Null when not given: MADSci's shape has no tags. */
  tags: readonly string[] | null;
}

const MAX_QUICK_LENGTH = 64;

/** The event in MADSci's order of members (M1), put together by hand, as that is faster than to stringify an object. */
export function eventJson(event: EventMembers, plain: boolean): string {
  return (
    `{"_id":${quoted(event.id)},"event_type":"${event.type}","log_level":${event.level},"alert":${event.alert}` +
    `,"event_timestamp":"${event.timestamp}","source":${sourceJson(event.source)},"event_data":${dataJson(event.data, plain)}` +
    `,"trace_id":${textJson(event.traceId)},"span_id":${textJson(event.spanId)},"archived":${event.archived}` +
    `,"archived_at":${event.archivedAt === null ? 'null' : `"${event.archivedAt}"`}` +
    (event.tags === null ? '}' : `,"tags":${JSON.stringify(event.tags)}}`)
  );
}

/** Most ids are short and need no escape: looking at them costs less than a call of JSON.stringify. */
function quoted(text: string): string {
  if (text.length > MAX_QUICK_LENGTH) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}

function textJson(text: string | null): string {
  return text === null ? 'null' : quoted(text);
}

function dataJson(data: Given, plain: boolean): string {
  if (data === undefined) return '{}';
  return plain ? JSON.stringify(data) : stringifyExact(data);
}

/** The owners in the model's order, in which readSource has put them. */
function sourceJson(source: EventSource): string {
  let text = '';
  for (const key of SOURCE_KEYS) {
    const id = source[key];
    if (id !== undefined) text += `${text === '' ? '' : ','}"${key}":${quoted(id)}`;
  }
  return `{${text}}`;
}
