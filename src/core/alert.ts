import type { NormalisedEvent } from './event.ts';
import { parseExact } from './json.ts';
import { comparableEvent } from './same-event.ts';

/** Header values of a mail's importance, as MADSci has them; its own default is Normal. */
export const IMPORTANCES = ['High', 'Normal', 'Low'] as const;

/** What a handler raised: an event, and whom it concerns where that is not who the settings name. */
export interface RaisedAlert {
  event: Pick<NormalisedEvent, 'id' | 'type' | 'level' | 'alert' | 'timestampUs' | 'json'>;
  /** Null: the addresses of EMAIL_ALERTS. */
  to: readonly string[] | null;
  /** Null: the default of EMAIL_ALERTS. */
  importance: string | null;
}

const CRITICAL = 50;
/** What tells the two events of one call of the client's `log_alert` apart, and what may have happened to one of them since. */
const OWN = new Set(['_id', 'event_timestamp', 'archived', 'archived_at']);

/** Only events as the client's `log_alert` makes them come in twos: flagged, and critical (M56). */
export function mayHaveTwin({ event }: RaisedAlert): boolean {
  return event.alert && event.level === CRITICAL;
}

/** Everything that twins have in common, source and data among it. */
export function twinText({ event }: RaisedAlert): string {
  return comparableEvent(parseExact(event.json), OWN);
}

/** An alert, and the twin that was taken for the same. `atUs` is the first one's time in UTC microseconds. */
export interface AlertPair {
  first: string;
  twin: string | null;
  atUs: number;
}

/** How far apart the client's two posts may be by their event_timestamp; by themselves they are some milliseconds apart. */
export const TWIN_WINDOW_US = 1_000_000;
/** Under one text so many pairs are remembered: more than a client can be in the middle of. */
const MAX_PAIRS = 64;

/**
 * Whether an alert is the twin of one before, among those of equal text. Each alert takes at most one twin, so two calls in a row stay two
 * alerts. The same alert again gets the same answer. `pairs` are then to be kept instead of those given; null: they stay as they are.
 */
export function pairUp(
  known: readonly AlertPair[],
  { id, atUs }: { id: string; atUs: number },
): { isTwin: boolean; pairs: AlertPair[] | null } {
  for (const pair of known) {
    if (pair.first === id) return { isTwin: false, pairs: null };
    if (pair.twin === id) return { isTwin: true, pairs: null };
  }
  const single = known.find((pair) => pair.twin === null && Math.abs(pair.atUs - atUs) <= TWIN_WINDOW_US);
  if (single !== undefined) return { isTwin: true, pairs: known.map((pair) => (pair === single ? { ...pair, twin: id } : pair)) };
  return { isTwin: false, pairs: [...known, { first: id, twin: null, atUs }].slice(-MAX_PAIRS) };
}
