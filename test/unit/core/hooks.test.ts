import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { HOOKS } from '../../../hooks/index.ts';
import { defineHook, type Hook } from '../../../src/core/hook.ts';
import { DEFAULT_ALERT_LEVEL, isAlert } from '../../../src/core/hook-alert.ts';
import { type FailedExecution, failureReport } from '../../../src/core/hook-failure.ts';

function hookNamed(name: string): Hook {
  const hook = HOOKS.find((each) => each.name === name);
  if (hook === undefined) throw new Error(`no hook ${name}`);
  return hook;
}

describe('hooks', () => {
  test('B3 names them, ctingress.on_complete among them', () => {
    expect(HOOKS.map(({ name }) => name)).toEqual(['event.on_ingest', 'event.on_alert', 'execution.on_failure', 'ctingress.on_complete']);
  });

  test.each(HOOKS)('$name has a sample that fits, a schema, and typings for each member', ({ payload, sample, typings }) => {
    expect(() => payload.parse(JSON.parse(sample))).not.toThrow();
    const schema = z.toJSONSchema(payload);
    expect(schema.type).toBe('object');
    for (const member of Object.keys(schema.properties ?? {})) expect(typings).toMatch(new RegExp(`\\b${member}\\??:`));
    expect(typings).toMatch(/^type Payload = /m);
  });

  test('a hook whose sample does not fit cannot be defined', () => {
    const bad = { ...hookNamed('event.on_ingest'), sample: '{}' };
    expect(() => defineHook(bad)).toThrow();
  });
});

describe('B11 ctingress.on_complete', () => {
  const hook = hookNamed('ctingress.on_complete');
  const stream = { StartNs: 0, EndNs: 1, ProcessedAtNs: 0, Uuid: 'u' };
  const report = {
    DataSets: [{ Error: '', Name: 'n', Streams: [stream], Success: true }],
    File: 'f',
    RequestID: 'r',
    SubmittedAt: 's',
  };
  const withStream = (members: object): object => ({
    ...report,
    DataSets: [{ ...report.DataSets[0], Streams: [{ ...stream, ...members }] }],
  });

  test.each([
    { payload: report, ok: true, why: 'all members' },
    { payload: { ...report, Extra: { any: 1 } }, ok: true, why: 'further members' },
    { payload: { ...report, DataSets: [] }, ok: true, why: 'no data sets' },
    { payload: withStream({ StartNs: 1591844539983333333n }), ok: false, why: 'a bigint is nothing JSON.parse makes' },
    { payload: withStream({ StartNs: Number('1591844539983333333') }), ok: true, why: '64-bit integers, rounded' },
    { payload: withStream({ StartNs: 1.5 }), ok: false, why: 'fractions' },
    { payload: withStream({ StartNs: 1e19 }), ok: false, why: 'beyond 64 bits' },
    { payload: withStream({ StartNs: '1' }), ok: false, why: 'texts' },
    { payload: { ...report, File: undefined }, ok: false, why: 'a missing member' },
    {
      payload: { ...report, DataSets: [{ Error: 'x', Name: 'n', Streams: null, Success: false }] },
      ok: true,
      why: 'no streams after an error',
    },
    { payload: [], ok: false, why: 'a list' },
  ])('$why: $ok', ({ payload, ok }) => {
    expect(hook.payload.safeParse(payload).success).toBe(ok);
  });

  test('its schema calls the times 64-bit integers', () => {
    expect(JSON.stringify(z.toJSONSchema(hook.payload))).toContain('"type":"integer","minimum":-9223372036854776000');
  });
});

describe('execution.on_failure', () => {
  const failed: FailedExecution = {
    id: 'e.1',
    hook: 'event.on_ingest',
    eventId: 'e',
    attempt: 3,
    createdAt: 0,
    finishedAt: 1_500,
    error: { reason: 'thrown', message: 'no', line: 1, column: null },
    handler: { id: 1, name: 'h', version: 2 },
    input: '{"n":1591844539983333333,"x":1.0}',
  };

  test('its payload is made to its schema', () => {
    const { payload } = hookNamed('execution.on_failure');
    expect(() => payload.parse(JSON.parse(failureReport(failed)))).not.toThrow();
  });

  test('its event is the very text', () => {
    expect(failureReport(failed)).toContain(`"event":${failed.input}}`);
    expect(JSON.parse(failureReport(failed))).toMatchObject({
      execution: { id: 'e.1', event_id: 'e', attempt: 3, created_at: '1970-01-01T00:00:00.000Z', finished_at: '1970-01-01T00:00:01.500Z' },
      error: { reason: 'thrown', message: 'no', line: 1, column: null },
      handler: { id: 1, name: 'h', version: 2 },
    });
  });
});

test.each([
  { alert: true, level: 0, alarm: true },
  { alert: false, level: 40, alarm: true },
  { alert: false, level: 50, alarm: true },
  { alert: false, level: 30, alarm: false },
])('M36 alert $alert at level $level: $alarm', ({ alert, level, alarm }) => {
  expect(isAlert({ alert, level }, DEFAULT_ALERT_LEVEL)).toBe(alarm);
});
