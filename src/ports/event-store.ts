import type { ExactValue } from '../core/json.ts';
import type { Page, PageRequest } from '../core/page.ts';
import type { LeaseRef, NewExecution } from './queue.ts';

/** An event as it is written. `json` is the very text that reads answer. */
export interface NewEvent {
  id: string;
  type: string;
  level: number;
  alert: boolean;
  archived: boolean;
  /** event_timestamp as answered: listing and ranges compare this text (M10). */
  timestamp: string;
  /** The same instant in UTC microseconds since the epoch. */
  timestampUs: number;
  nodeId: string | null;
  json: string;
  /** Members the server filled in: a repeated post is a duplicate although they differ. */
  defaulted: { timestamp: boolean; source: boolean };
  /** Where an emitted event comes from; null for one that came from outside. */
  cause: Cause | null;
}
/** `root` is the event that began the chain, `depth` how many handlers lie between. */
export interface Cause {
  executionId: string;
  root: string;
  depth: number;
}

/** `refs` are the leases' references of the submission's executions, in order. `conflict`: the id is taken by an event with other content, which stays (M3). */
export type AppendResult = { kind: 'stored'; refs: readonly LeaseRef[] } | { kind: 'duplicate' } | { kind: 'conflict' };

export interface Submission {
  event: NewEvent;
  /** Written in the same commit, and only when the event is stored. */
  executions: readonly NewExecution[];
}

export interface EventList {
  /** 0 means no bound (M11). */
  number: number;
  offset: number;
  minLevel: number;
  /** Compared as text with event_timestamp, both ends included (M10). */
  startText: string | null;
  endText: string | null;
  includeArchived: boolean;
}
export interface EventQuery {
  /** Already checked by parseSelector; parsed again where the query runs. */
  selector: ExactValue;
  sort: ExactValue | null;
  projection: ExactValue | null;
}
/** Events as texts `"<id>":<json>` ready to be joined into MADSci's ordered map. */
export type EventMapText = string;

export interface EventStore {
  /** One commit for all submissions given in the same turn; resolves after it. */
  append(submissions: readonly Submission[]): Promise<AppendResult[]>;
  /** The event's JSON text, or null. */
  get(id: string): Promise<string | null>;
  /** MADSci's listing: an object id → event, newest event_timestamp first, ties newest-inserted first. */
  list(list: EventList): Promise<EventMapText>;
  /** MADSci's query: an object id → event in insertion order, archived included, no bound but the server's (M12). */
  query(query: EventQuery): Promise<EventMapText>;
  /** Items are JSON texts. In insertion order, or as `sort` says. */
  page(query: EventQuery, page: PageRequest): Promise<Page<string>>;
  count(selector: ExactValue): Promise<number>;
  total(): Promise<number>;
  /** How many were not archived before; ids or everything whose event_timestamp text is below (M13). `at` is milliseconds. */
  archive(what: { ids: readonly string[] } | { beforeText: string }, at: number): Promise<number>;
  /** Archived events by archived_at, newest first, and those of the same time the last stored first (M15). */
  listArchived(number: number, offset: number): Promise<EventMapText>;
  /** Deletes what the server archived before `before` (milliseconds); events a client sent as archived stay (M67). */
  purgeArchived(before: number): Promise<number>;
}
