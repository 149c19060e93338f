import type { StoredEvent } from './activity.ts';

export interface Scan {
  types: readonly string[];
  /** Bounds of event_timestamp as text, both included; absent: all events. */
  range?: { from: string; to: string };
  /** `time`: by event_timestamp as text, ties by arrival. `arrival`: as they were stored. */
  order: 'time' | 'arrival';
}

/** The events that a report is made of. Archived ones count like the others. */
export interface ActivitySource {
  /** The least and the greatest event_timestamp as texts compare; null when there are no events. */
  ends(): Promise<{ first: string; last: string } | null>;
  scan(scan: Scan, each: (event: StoredEvent) => void): Promise<void>;
  /** Whether any event of any type has an event_timestamp in this range of texts. */
  hasEvent(range: { from: string; to: string }): Promise<boolean>;
  /** Every id that some event names in `source` as its workcell or its manager. */
  owners(): Promise<ReadonlySet<string>>;
}
