import { levelOf } from './event-fields.ts';
import { type ExactValue, isObject, memberOf, parseExact } from './json.ts';
import { readTimestamp, Timestamp, utcMicroseconds } from './timestamp.ts';

/** What a store keeps beside the text of an event, to find it by. */
export interface EventColumns {
  type: string;
  level: number;
  alert: boolean;
  archived: boolean;
  timestamp: string;
  timestampUs: number;
  nodeId: string | null;
}

/**
 * Read from the text of an event that another store, or MADSci's own server, has written. Members that are missing or are of another type than MADSci's
 * leave their column empty: the event is then found by its id and by what its text says.
 */
export function eventColumns(json: string, naiveOffsetMinutes: (localUs: number) => number): EventColumns {
  const event = parseExact(json);
  const member = (name: string): ExactValue => (isObject(event) ? (memberOf(event, name) ?? null) : null);
  const [type, level, time, source] = [member('event_type'), levelOf(member('log_level')), member('event_timestamp'), member('source')];
  const instant = readTimestamp(time);
  const nodeId = isObject(source) ? memberOf(source, 'node_id') : null;
  return {
    type: typeof type === 'string' ? type : '',
    level: typeof level === 'number' && Number.isSafeInteger(level) ? level : -1,
    alert: member('alert') === true,
    archived: member('archived') === true,
    timestamp: typeof time === 'string' ? time : '',
    timestampUs: instant instanceof Timestamp ? utcMicroseconds(instant, naiveOffsetMinutes) : 0,
    nodeId: typeof nodeId === 'string' ? nodeId : null,
  };
}
