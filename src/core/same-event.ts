import { type ExactValue, isObject, memberOf, parseExact, stringifyExact } from './json.ts';

/** Whether a repeated submission says what the stored event says, apart from what the server filled in and from archiving since. */
export function sameEvent(stored: string, submitted: string, defaulted: { timestamp: boolean; source: boolean }): boolean {
  if (stored === submitted) return true;
  const apart = new Set(['archived', 'archived_at']);
  if (defaulted.timestamp) apart.add('event_timestamp');
  if (defaulted.source) apart.add('source');
  return comparableEvent(parseExact(stored), apart) === comparableEvent(parseExact(submitted), apart);
}

/** In the order of MADSci's model. */
export const EVENT_MEMBERS: readonly string[] = [
  '_id',
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
];
/** The members of an event as one text, in MADSci's order whatever order they came in, without those named. */
export function comparableEvent(document: ExactValue, apart: ReadonlySet<string>): string {
  if (!isObject(document)) return stringifyExact(document);
  return EVENT_MEMBERS.filter((name) => !apart.has(name))
    .map((name) => stringifyExact(memberOf(document, name) ?? null))
    .join('\n');
}
