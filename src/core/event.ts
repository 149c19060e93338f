/**
 * An event as it comes in becomes the event as it is stored and answered: MADSci's model, by M1 to M8, M28, M61 and M62.
 * This is the hot path of ingestion.
 */
import { type Given, readBoolean, readEventType, readLogLevel, readOptionalText, readTime } from './event-fields.ts';
import { eventJson } from './event-json.ts';
import type { EventLimits } from './event-limits.ts';
import { type EventSource, readSource } from './event-source.ts';
import { readTags } from './event-tags.ts';
import { type ExactObject, type ExactValue, isObject, isPlain, memberOf, OrderedObject, parseSurveyed } from './json.ts';
import { JsonDepthError, JsonNumberError, JsonSyntaxError } from './json-error.ts';
import { pythonStr } from './python-text.ts';
import { utcMicroseconds } from './timestamp.ts';
import { findUnstorable, mayHoldUnstorable } from './unstorable.ts';
import { missing, notObject, textTooLong, type ValidationIssue } from './validation.ts';

export { DEFAULT_EVENT_LIMITS, type EventLimits } from './event-limits.ts';
export type { EventSource } from './event-source.ts';
export type { ValidationIssue } from './validation.ts';

/** An event whose members are checked, and the text that is stored and answered. */
export interface NormalisedEvent {
  id: string;
  type: string;
  level: number;
  alert: boolean;
  /** event_timestamp as answered and stored, in pydantic's spelling (M7). */
  timestamp: string;
  /** The same instant in UTC microseconds since the epoch; exact from 1684 to 2255, to the nearest double beyond. */
  timestampUs: number;
  archived: boolean;
  archivedAt: string | null;
  /** `source.node_id`. */
  nodeId: string | null;
  source: EventSource;
  /** The event's own tags, without the derived ones. */
  tags: readonly string[];
  /** Members that the server filled in. */
  defaulted: { id: boolean; timestamp: boolean; source: boolean };
  /** The stored and answered text, in MADSci's order of members; `tags` at the end, only when given. */
  json: string;
  /** event_data. */
  data: ExactValue;
  /** Whether JSON.parse and JSON.stringify lose nothing of `json`. */
  plain: boolean;
}

/** Where defaults come from (M4). */
export interface EventDefaults {
  newId(): string;
  /** The server's local time, naive, with microseconds. */
  nowText(): string;
  /** The same instant in UTC microseconds. */
  nowUs(): number;
  managerId: string;
  /** For events that name no trace of their own: those that a traced run emits. */
  trace?: { traceId: string; spanId: string };
  /** Minutes that the clock of timestamps without an offset is ahead of UTC, at that many microseconds of its own time. */
  naiveOffsetMinutes(localUs: number): number;
}

/** `syntax`: not JSON. `limit`: nested too deeply. `shape`: JSON, but no event. */
export type NormaliseResult =
  | { ok: true; event: NormalisedEvent }
  | { ok: false; kind: 'syntax' | 'shape' | 'limit'; issues: ValidationIssue[] };

/** Members of an event as given. JSON has no undefined, so that means absent. */
interface RawEvent {
  _id?: ExactValue;
  event_id?: ExactValue;
  event_type?: ExactValue;
  log_level?: ExactValue;
  alert?: ExactValue;
  event_timestamp?: ExactValue;
  source?: ExactValue;
  event_data?: ExactValue;
  trace_id?: ExactValue;
  span_id?: ExactValue;
  archived?: ExactValue;
  archived_at?: ExactValue;
  tags?: ExactValue;
}

const RAW_KEYS = [
  '_id',
  'event_id',
  'event_type',
  'log_level',
  'alert',
  'event_timestamp',
  'source',
  'event_data',
  'trace_id',
  'span_id',
  'archived',
  'archived_at',
  'tags',
] as const satisfies readonly (keyof RawEvent)[];

const BYTE_ORDER_MARK = 0xfeff;

/** Reads the body of one event. A byte order mark is skipped (M27). */
export function normaliseEvent(text: string, defaults: EventDefaults, limits: EventLimits): NormaliseResult {
  if (text === '') return refuse('shape', missing([]));
  const body = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  try {
    const { value, plain } = parseSurveyed(body, limits);
    return normaliseEventValue(value, defaults, limits, plain);
  } catch (error) {
    return refuseText(error);
  }
}

/**
 * The same for a value that is parsed already: an item of an array, or an event that a handler emits.
 * `plain` promises that the value comes from plain JSON text, which is then written at full speed.
 */
export function normaliseEventValue(value: ExactValue, defaults: EventDefaults, limits: EventLimits, plain = false): NormaliseResult {
  if (value === null) return refuse('shape', missing([]));
  if (!isObject(value)) return refuse('shape', notObject([], value));
  return normaliseMembers(rawEvent(value), defaults, limits, plain);
}

function rawEvent(object: ExactObject): RawEvent {
  if (!(object instanceof OrderedObject)) return object as RawEvent; // names of RawEvent are none that objects inherit
  const raw: RawEvent = {};
  for (const key of RAW_KEYS) {
    const value = memberOf(object, key);
    if (value !== undefined) raw[key] = value;
  }
  return raw;
}

function normaliseMembers(raw: RawEvent, defaults: EventDefaults, limits: EventLimits, plain: boolean): NormaliseResult {
  const issues: ValidationIssue[] = [];
  const idGiven = raw._id === undefined ? raw.event_id : raw._id;
  const id = idGiven === undefined ? defaults.newId() : pythonStr(idGiven);
  if (id.length > limits.maxIdLength) issues.push(textTooLong([idKey(raw)], limits.maxIdLength, id));
  const type = readEventType(raw.event_type, limits, issues);
  const level = readLogLevel(raw.log_level, issues);
  const alert = readBoolean(raw.alert, 'alert', issues);
  const time = raw.event_timestamp === undefined ? null : readTime(raw.event_timestamp, 'event_timestamp', issues);
  const source = raw.source === undefined ? { manager_id: defaults.managerId } : readSource(raw.source, limits, issues);
  const trace = raw.trace_id == null && raw.span_id == null ? defaults.trace : undefined;
  const traceId = trace?.traceId ?? readOptionalText(raw.trace_id, 'trace_id', issues);
  const spanId = trace?.spanId ?? readOptionalText(raw.span_id, 'span_id', issues);
  const archived = readBoolean(raw.archived, 'archived', issues);
  const archivedAt = readArchivedAt(raw.archived_at, issues);
  const tags = readTags(raw.tags, limits, issues);
  if (issues.length > 0) return { ok: false, kind: 'shape', issues };

  const timestamp = time === null ? defaults.nowText() : time.text;
  const data = raw.event_data === undefined ? {} : raw.event_data;
  const json = eventJson(
    { id, type, level, alert, timestamp, source, data: raw.event_data, traceId, spanId, archived, archivedAt, tags },
    plain,
  );
  if (mayHoldUnstorable(json)) {
    const issue = firstUnstorable(raw, id, data, tags);
    if (issue !== null) return refuse('shape', issue);
  }
  return {
    ok: true,
    event: {
      id,
      type,
      level,
      alert,
      timestamp,
      timestampUs: time === null ? defaults.nowUs() : utcMicroseconds(time, defaults.naiveOffsetMinutes),
      archived,
      archivedAt,
      nodeId: source.node_id ?? null,
      source,
      tags: tags ?? [],
      defaulted: { id: idGiven === undefined, timestamp: time === null, source: raw.source === undefined },
      json,
      data,
      plain: plain || isPlain(json),
    },
  };
}

/** `_id` wins over `event_id` (M2). */
function idKey(raw: RawEvent): '_id' | 'event_id' {
  return raw._id === undefined ? 'event_id' : '_id';
}

function readArchivedAt(value: Given, issues: ValidationIssue[]): string | null {
  return value === undefined || value === null ? null : (readTime(value, 'archived_at', issues)?.text ?? null);
}

function firstUnstorable(raw: RawEvent, id: string, data: ExactValue, tags: readonly string[] | null): ValidationIssue | null {
  return (
    findUnstorable(id, [idKey(raw)]) ??
    findUnstorable(raw.source ?? null, ['source']) ??
    findUnstorable(data, ['event_data']) ??
    findUnstorable(raw.trace_id ?? null, ['trace_id']) ??
    findUnstorable(raw.span_id ?? null, ['span_id']) ??
    findUnstorable(tags === null ? null : [...tags], ['tags'])
  );
}

// --- refusals ---

function refuse(kind: 'syntax' | 'shape' | 'limit', issue: ValidationIssue): NormaliseResult {
  return { ok: false, kind, issues: [issue] };
}

/** Why a text could not be parsed, in FastAPI's words for bad JSON and pydantic's for a number without a value (M61). */
function refuseText(error: unknown): NormaliseResult {
  if (error instanceof JsonDepthError) {
    return refuse('limit', { type: 'json_too_deep', loc: [], msg: error.reason, input: {} });
  }
  if (error instanceof JsonSyntaxError) {
    const { reason, position } = error;
    return refuse('syntax', { type: 'json_invalid', loc: [position], msg: 'JSON decode error', input: {}, ctx: { error: reason } });
  }
  if (error instanceof JsonNumberError) {
    return refuse('shape', { type: 'finite_number', loc: error.loc, msg: 'Input should be a finite number', input: null });
  }
  throw error;
}
