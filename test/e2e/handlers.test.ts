import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { api, type ServerProcess, startServer } from '../support/server.ts';
import { ended, items, post, register } from './steps.ts';

const answering = (text: string): string => `export default async (event: { _id: string }) => '${text}';`;

describe('handlers', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  test('B5 a TypeScript handler runs on the next event, and its execution tells all about it', async () => {
    const code = `interface Reading { _id: string; event_data: { torque: number } }
export default async function check(event: Reading, ctx: any): Promise<object> {
  ctx.log.info('torque is', event.event_data.torque);
  ctx.log.warn({ limit: ctx.handler.config.limit });
  return { _id: event._id, over: event.event_data.torque > ctx.handler.config.limit };
}`;
    const id = await register(server, { name: 'torque', code, config: { limit: 4 }, filter: { 'event_data.torque': { $exists: true } } });
    const passedBy = await post(server, { pressure: 1 });
    const eventId = await post(server, { torque: 4.5 });

    const execution = await ended(server, id, eventId);
    expect(execution).toMatchObject({
      handler_id: id,
      handler_version: 0,
      hook: 'event.on_ingest',
      event_id: eventId,
      state: 'succeeded',
      attempt: 1,
      error: null,
      input: { _id: eventId, event_type: 'test', log_level: 20, event_data: { torque: 4.5 } },
      output: { _id: eventId, over: true },
      logs: [
        { level: 'info', message: expect.stringContaining('torque is 4.5') },
        { level: 'warn', message: expect.stringContaining('limit') },
      ],
      attempts: [{ attempt: 1, outcome: 'succeeded' }],
    });
    const times = [execution.created_at, execution.started_at, execution.finished_at].map((text) => Date.parse(text ?? ''));
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
    expect(execution.duration_ms).toBeGreaterThanOrEqual(0);
    expect(await items(server, `/executions?handler_id=${id}&event_id=${passedBy}`)).toEqual([]);
  });

  test('B7 code that does not compile is refused with its place, and nothing of it is stored', async () => {
    const code = 'export default async function (event) {\n  const x = ;\n  return x;\n}';
    const refused = await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', name: 'broken', code });
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'handler_source_invalid', errors: [{ pointer: '/code', line: 2, column: 13 }] },
    });
    expect(await items(server, '/handlers?name=broken')).toEqual([]);
  });

  test('B5 the same name and hook again replaces it: same id, next version, used from the next event on', async () => {
    const id = await register(server, { name: 'replaced', code: answering('first') });
    const before = await ended(server, id, await post(server, {}));
    const again = await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', name: 'replaced', code: answering('second') });
    expect(again).toMatchObject({ status: 200, body: { id, version: 1, state: 'enabled' } });
    const after = await ended(server, id, await post(server, {}));
    expect([before, after]).toMatchObject([
      { output: 'first', handler_version: 0 },
      { output: 'second', handler_version: 1 },
    ]);
  });

  test('a rollback makes the old code the newest version; the list has all of them', async () => {
    const id = await register(server, { name: 'rolled-back', code: answering('good'), tags: ['rollback'] });
    await register(server, { name: 'rolled-back', code: answering('bad') });
    const rolledBack = await api(server, 'POST', `/handlers/${id}/rollback`);
    expect(rolledBack).toMatchObject({ status: 200, body: { id, version: 2, tags: ['rollback'] } });
    expect(await ended(server, id, await post(server, {}, { tags: ['rollback'] }))).toMatchObject({ output: 'good', handler_version: 2 });
    const versions = await items<{ version: number; code: string }>(server, `/handlers/${id}/versions`);
    expect(versions.map(({ version, code }) => [version, code])).toEqual([
      [2, answering('good')],
      [1, answering('bad')],
      [0, answering('good')],
    ]);
  });

  test('a handler that is switched off is passed by until it is switched on', async () => {
    const id = await register(server, { name: 'switched', code: answering('ran') });
    expect(await api(server, 'PATCH', `/handlers/${id}`, { enabled: false })).toMatchObject({ status: 200, body: { state: 'disabled' } });
    const missed = await post(server, {});
    expect(await api(server, 'PATCH', `/handlers/${id}`, { enabled: true })).toMatchObject({ status: 200, body: { state: 'enabled' } });
    const seen = await post(server, {});
    expect(await ended(server, id, seen)).toMatchObject({ output: 'ran' });
    expect(await items(server, `/executions?handler_id=${id}&event_id=${missed}`)).toEqual([]);
  });

  test('B8 an event with tags runs the handlers that have one of them, and those without tags', async () => {
    const [night, day, always] = [
      await register(server, { name: 'night', code: answering('night'), tags: ['night', 'weekend'] }),
      await register(server, { name: 'day', code: answering('day'), tags: ['day'] }),
      await register(server, { name: 'always', code: answering('always') }),
    ];
    const eventId = await post(server, {}, { tags: ['weekend', 'calibration'] });
    await Promise.all([ended(server, night, eventId), ended(server, always, eventId)]);
    expect(await items(server, `/executions?handler_id=${day}&event_id=${eventId}`)).toEqual([]);
  });

  test('a handler that is deregistered is gone, and what it did stays readable', async () => {
    const id = await register(server, { name: 'leaving', code: answering('was here') });
    const { id: executionId } = await ended(server, id, await post(server, {}));
    expect((await api(server, 'DELETE', `/handlers/${id}`)).status).toBe(204);
    expect((await api(server, 'GET', `/handlers/${id}`)).body).toMatchObject({ code: 'handler_not_found' });
    const later = await post(server, {});
    expect(await items(server, `/executions?handler_id=${id}&event_id=${later}`)).toEqual([]);
    expect(await api(server, 'GET', `/executions/${encodeURIComponent(executionId)}`)).toMatchObject({
      status: 200,
      body: { output: 'was here' },
    });
    expect(await register(server, { name: 'leaving', code: answering('is new') })).not.toBe(id);
  });
});
