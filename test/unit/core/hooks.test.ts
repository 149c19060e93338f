import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { HOOKS } from '../../../hooks/index.ts';
import { defineHook, type Hook } from '../../../src/core/hook.ts';

function hookNamed(name: string): Hook {
  const hook = HOOKS.find((each) => each.name === name);
  if (hook === undefined) throw new Error(`no hook ${name}`);
  return hook;
}

describe('hooks', () => {
  test('B3 names them, ctingress.on_complete among them', () => {
    expect(HOOKS.map(({ name }) => name)).toEqual([
      'event.on_ingest',
      'event.on_alert',
      'schedule.cron',
      'execution.on_failure',
      'ctingress.on_complete',
    ]);
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

test.each([
  { change: {}, ok: true, why: 'the sample' },
  { change: { more: 1 }, ok: true, why: 'further members' },
  { change: { event: undefined }, ok: true, why: 'any event' },
  { change: { error: { reason: 'tired', message: '', line: null, column: null } }, ok: false, why: 'an unknown reason' },
  { change: { handler: undefined }, ok: false, why: 'no handler' },
])('execution.on_failure takes $why: $ok', ({ change, ok }) => {
  const { payload, sample } = hookNamed('execution.on_failure');
  expect(payload.safeParse({ ...JSON.parse(sample), ...change }).success).toBe(ok);
});
