import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ulid } from 'ulid';
import type { Scope } from '../../../src/core/key.ts';
import { hostCalls } from '../../../src/engine/host-calls.ts';
import { createReports, type Reports } from '../../../src/engine/reports.ts';
import type { HostOp } from '../../../src/ports/sandbox.ts';
import { event, submission } from '../../conformance/subject.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';

const NODE = ulid();
const EXPERIMENT = ulid();
const WORKCELL = ulid();
const AT = Date.UTC(2026, 2, 9);

let store: TestStore;
let reports: Reports;
beforeAll(async () => {
  store = await openTestStore();
  const at = (event_type: string, event_timestamp: string, source: object, event_data: object = {}) =>
    submission(event({ _id: ulid(), event_type, event_timestamp, source, event_data }));
  await store.events.append([
    at('workcell_start', '2026-03-03T08:00:00Z', { workcell_id: WORKCELL }),
    at('experiment_start', '2026-03-03T09:00:00Z', { experiment_id: EXPERIMENT }, { experiment_id: EXPERIMENT }),
    at('action_status_change', '2026-03-03T09:10:00Z', { node_id: NODE }, { status: 'running', action_id: 'a' }),
    at('action_status_change', '2026-03-03T09:40:00Z', { node_id: NODE }, { status: 'completed', action_id: 'a' }),
    at('experiment_complete', '2026-03-03T11:00:00Z', { experiment_id: EXPERIMENT }, { experiment_id: EXPERIMENT }),
    at('workcell_stop', '2026-03-03T12:00:00Z', { workcell_id: WORKCELL }),
  ]);
  const exports = { path: '/nowhere', save: () => Promise.reject(new Error('nothing is saved')) };
  reports = createReports({ store: store.reports, exports, clock: new HandClock(AT), localDay: () => '20260309' });
});
afterAll(() => store[Symbol.asyncDispose]());

async function call(op: HostOp, options: object, scopes: readonly Scope[] = ['events:read']) {
  const host = hostCalls({ events: store.events, queue: store.queue, reports, scopesOf: () => scopes });
  return JSON.parse(await host.call({ registrant: 'key', handlerId: 1, executionId: 'x.1' }, op, JSON.stringify(options)));
}
const WEEK = { start_time: '2026-03-02T00:00:00Z', end_time: '2026-03-09T00:00:00Z' };

describe('ctx.utilization', () => {
  test('answers the sessions of a time', async () => {
    const report = await call('utilization.sessions', WEEK);
    expect(report.overall_summary).toMatchObject({ total_sessions: 1, total_system_runtime_hours: 4, total_active_time_hours: 2 });
  });

  test('answers periods, with users when they are asked for', async () => {
    const options = { ...WEEK, analysis_type: 'daily', user_timezone: 'Europe/Berlin' };
    const report = await call('utilization.periods', options);
    expect(report.summary_metadata).toMatchObject({ analysis_type: 'daily', user_timezone: 'Europe/Berlin' });
    expect(report.key_metrics).toMatchObject({ total_experiments: 1, total_runtime_hours: 4, total_active_time_hours: 2 });
    expect(report).not.toHaveProperty('user_utilization');
    expect(await call('utilization.periods', { ...options, include_users: true })).toHaveProperty('user_utilization');
  });

  test('answers users', async () => {
    expect(await call('utilization.users', {})).toHaveProperty('system_summary');
  });

  test('needs the scope events:read', async () => {
    await expect(call('utilization.users', {}, ['events:write'])).rejects.toMatchObject({
      reason: 'permission',
      message: 'utilization.users needs a key with the scope events:read.',
    });
  });

  test.each([
    { op: 'utilization.periods', options: {}, message: /start_time and end_time are required/ },
    { op: 'utilization.periods', options: { start_time: WEEK.end_time, end_time: WEEK.start_time }, message: /must be before end time/ },
    { op: 'utilization.sessions', options: { start_time: 'yesterday' }, message: /utilization\.sessions: .*yesterday/ },
    { op: 'utilization.sessions', options: { start_time: 7 }, message: /takes a text as start_time/ },
    { op: 'utilization.sessions', options: { start_time: 'x'.repeat(201) }, message: /takes a text as start_time/ },
    { op: 'utilization.users', options: { analysis_type: 'daily' }, message: /has no option analysis_type; it has start_time, end_time/ },
    { op: 'utilization.periods', options: { ...WEEK, include_users: 'yes' }, message: /true or false as include_users/ },
    { op: 'utilization.periods', options: { ...WEEK, csv_format: true }, message: /has no option csv_format/ },
  ] as const)('refuses $options for $op', async ({ op, options, message }) => {
    await expect(call(op, options)).rejects.toMatchObject({
      name: 'HostCallRefused',
      reason: 'invalid',
      message: expect.stringMatching(message),
    });
  });

  test('refuses an answer that is too large for a handler', async () => {
    const large = { ...reports, utilization: async () => ({ ok: true as const, text: JSON.stringify('x'.repeat(1_048_577)) }) };
    const host = hostCalls({ events: store.events, queue: store.queue, reports: large, scopesOf: () => ['events:read'] });
    await expect(host.call({ registrant: 'key', handlerId: 1, executionId: 'x.1' }, 'utilization.users', '{}')).rejects.toMatchObject({
      reason: 'invalid',
      message: expect.stringMatching(/larger than 1 MiB/),
    });
  });
});
