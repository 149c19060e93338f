/** The rows that the server makes of the sample events, for baselines that only write them. */
import { type EventRow, type ExecutionRow, submissionRow } from '../../src/adapters/sqlite/rows.ts';
import { DEFAULT_EVENT_LIMITS, normaliseEvent } from '../../src/core/event.ts';
import { Broken } from '../figure.ts';
import { eventText, idOf, type SampleEvent } from '../sample-events.ts';

export const INSERT_EVENT = `INSERT OR IGNORE INTO events (id, ts, ts_us, type, level, alert, archived, node_id, cause, root, depth, doc)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
export const INSERT_EXECUTION = `INSERT INTO executions (id, handler_id, version, hook, subject, fired, state, attempt, ordering_key, created_at, run_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const defaults = {
  newId: () => idOf('NEW', 0),
  nowText: () => '2026-01-01T00:00:00',
  nowUs: () => 0,
  managerId: idOf('MANAGER', 0),
  naiveOffsetMinutes: () => 0,
};

export function eventRow(sample: SampleEvent): EventRow {
  return rowOf(eventText(sample));
}

export function rowOf(text: string): EventRow {
  const normalised = normaliseEvent(text, defaults, DEFAULT_EVENT_LIMITS);
  if (!normalised.ok) throw new Broken('a sample event is not valid');
  const [row] = submissionRow({ event: { ...normalised.event, cause: null }, executions: [] });
  return row;
}

/** An execution that is leased as its event is stored. */
export function executionRow([subject]: EventRow): ExecutionRow {
  const now = Date.now();
  return [`${subject}.1`, 1, 0, 'event.on_ingest', subject, 0, 1, 1, null, now, now];
}
