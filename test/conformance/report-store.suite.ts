import { expect } from '@jest/globals';
import { DEFAULT_UTILIZATION, type UtilizationRequest } from '../../src/core/utilization/request.ts';
import { type Options, type Subject, store, suite, T0 } from './subject.ts';

const DAY = { startTime: '2025-03-05T00:00:00', endTime: '2025-03-06T00:00:00' };
const CELL = { workcell_id: 'cell' };
const NODE = { node_id: 'arm' };

const sessions = (over: Partial<UtilizationRequest> = {}): UtilizationRequest => ({
  ...DEFAULT_UTILIZATION,
  kind: 'sessions',
  ...DAY,
  ...over,
});

// A report is whatever it is: tests look at members that they know.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Report = any;

async function reported(subject: Subject, request: UtilizationRequest): Promise<Report> {
  const outcome = await subject.reports.utilization(request, 'json', T0);
  if (!outcome.ok) throw new Error(outcome.json);
  return JSON.parse(outcome.text);
}

/** Two hours of a workcell with an experiment in it, and a node that is busy for a quarter of an hour. */
const MORNING = [
  { _id: '1', event_type: 'workcell_start', event_timestamp: '2025-03-05T08:00:00Z', source: CELL },
  { _id: '2', event_type: 'experiment_start', event_timestamp: '2025-03-05T08:30:00Z', event_data: { experiment_id: 'x' } },
  {
    _id: '3',
    event_type: 'action_status_change',
    event_timestamp: '2025-03-05T08:30:00Z',
    source: NODE,
    event_data: { id: 'a', status: 'running' },
  },
  {
    _id: '4',
    event_type: 'action_status_change',
    event_timestamp: '2025-03-05T08:45:00Z',
    source: NODE,
    event_data: { id: 'a', status: 'failed' },
  },
  { _id: '5', event_type: 'experiment_complete', event_timestamp: '2025-03-05T09:30:00Z', event_data: { experiment_id: 'x' } },
  { _id: '6', event_type: 'workcell_stop', event_timestamp: '2025-03-05T10:00:00Z', source: CELL },
];

export function reportStoreConformance(adapter: string, options: Options): void {
  suite(`ReportStore: ${adapter}`, options, (it) => {
    it('M43 M45 counts sessions, experiments and nodes', async (subject) => {
      await store(subject, ...MORNING);
      const [session] = (await reported(subject, sessions())).session_details;
      expect(session).toMatchObject({ session_id: 'cell', duration_hours: 2, active_time_hours: 1, system_utilization_percent: 50 });
      expect(session.node_utilizations.arm).toMatchObject({ busy_time_hours: 0.25, utilization_percent: 12.5, state: 'idle' });
    });

    it('M44 without times looks from the first to the last event, and over the last day when there are none', async (subject) => {
      const nothing = { startTime: null, endTime: null };
      const empty = await reported(subject, sessions(nothing));
      expect(empty.report_metadata).toMatchObject({
        analysis_start: '2026-02-28T00:00:00',
        analysis_end: '2026-03-01T00:00:00',
        total_sessions: 1,
      });
      await store(subject, ...MORNING, { event_type: 'log', event_timestamp: '2025-03-07T12:00:00Z' });
      const { report_metadata } = await reported(subject, sessions(nothing));
      expect(report_metadata).toMatchObject({ analysis_start: '2025-03-05T07:59:00', analysis_end: '2025-03-07T12:01:00' });
    });

    it('M44 chooses by text, and by instant only where no event at all has such a text', async (subject) => {
      const end = { event_type: 'experiment_start', event_timestamp: '2025-03-06T00:00:00Z', event_data: { experiment_id: 'x' } };
      await store(subject, { ...end, _id: 'at the end' });
      expect((await reported(subject, sessions())).overall_summary.total_experiments).toBe(1);
      await store(subject, { _id: 'inside', event_type: 'log', event_timestamp: '2025-03-05T12:00:00Z' });
      expect((await reported(subject, sessions())).overall_summary.total_experiments).toBe(0);
    });

    it('M45 an id that any event names as its workcell or manager is no node, also one that was stored after the last report', async (subject) => {
      await store(subject, ...MORNING);
      expect((await reported(subject, sessions())).overall_summary.nodes_tracked).toBe(1);
      await store(subject, { _id: 'later', event_type: 'log', event_timestamp: '2020-01-01T00:00:00Z', source: { manager_id: 'arm' } });
      expect((await reported(subject, sessions())).overall_summary.nodes_tracked).toBe(0);
    });

    it('M47 takes events of the same time in the order in which they came', async (subject) => {
      const flow = (_id: string, author: string) => ({
        _id,
        event_type: 'workflow_start',
        event_timestamp: '2025-03-05T08:00:00Z',
        event_data: { workflow_id: _id, author },
      });
      await store(subject, flow('9', 'first'), flow('1', 'second'), flow('5', 'third'));
      const { user_utilization } = await reported(subject, { ...sessions(), kind: 'users' });
      expect(Object.keys(user_utilization)).toEqual(['first', 'second', 'third']);
    });

    it('archived events count, as in MADSci', async (subject) => {
      await store(subject, ...MORNING);
      const before = await reported(subject, sessions());
      await subject.events.archive({ ids: MORNING.map(({ _id }) => _id) }, T0);
      expect(await reported(subject, sessions())).toEqual(before);
    });

    it('M19 says what is wrong with a request', async (subject) => {
      const outcome = await subject.reports.utilization(sessions({ startTime: 'yesterday' }), 'csv', T0);
      expect(outcome).toEqual({ ok: false, json: `{"error":"Failed to generate report: Invalid isoformat string: 'yesterday'"}` });
    });
  });
}
