import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { api, type ServerProcess, startServer } from '../support/server.ts';
import { ended, executionOf, items, post, register } from './steps.ts';

const SLEEPER = `export default async (event, ctx) => {
  if (!event.event_data.sleep) return 'awake';
  await ctx.events.emit({ event_type: 'test', event_data: { from: 'the sleeper' } });
  await ctx.sleep(200_000);
  return 'slept';
};`;
const FAILING = `export default async (event, ctx) => {
  ctx.log.info('attempt', ctx.execution.attempt);
  const readings = event.event_data.readings;
  return readings.length;
};`;

describe('executions', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const act = (id: string, verb: string) => api(server, 'POST', `/executions/${encodeURIComponent(id)}/${verb}`);

  test('one that runs is canceled: nothing that it asked for happens, and the next one runs', async () => {
    const filter = { 'event_data.sleep': { $exists: true } };
    const id = await register(server, { name: 'sleeper', code: SLEEPER, filter, limits: { timeout_ms: 250_000 } });
    const { id: executionId } = await executionOf(server, id, await post(server, { sleep: true }), ['leased']);
    const waiting = await post(server, { sleep: false });

    expect(await act(executionId, 'cancel')).toMatchObject({ status: 200, body: { state: 'canceled', output: null } });
    expect(await ended(server, id, waiting)).toMatchObject({ state: 'succeeded', output: 'awake' });
    const emitted = await api(server, 'POST', '/events/query', { 'event_data.from': 'the sleeper' });
    expect(emitted).toEqual({ status: 200, body: {} });
    expect(await act(executionId, 'cancel')).toMatchObject({ status: 409, body: { code: 'execution_not_cancelable' } });
  });

  test('one that fails is tried again, then listed as dead; a replay runs it on the mended handler', async () => {
    const handler = {
      name: 'failing',
      filter: { 'event_data.kind': 'reading' },
      retry: { max_attempts: 3, backoff: { first_ms: 1, max_ms: 1 } },
    };
    const id = await register(server, { ...handler, code: FAILING });
    const eventId = await post(server, { kind: 'reading' });

    const dead = await ended(server, id, eventId);
    expect(dead).toMatchObject({
      state: 'dead',
      attempt: 3,
      handler_version: 0,
      output: null,
      error: { reason: 'thrown', message: expect.stringContaining('length'), line: 4, column: 19 },
      attempts: [{ outcome: 'failed' }, { outcome: 'failed' }, { outcome: 'failed' }],
    });
    expect(dead.logs.at(-1)).toMatchObject({ level: 'info', message: 'attempt 3' });
    expect((await items(server, `/executions?state=dead&handler_id=${id}`)).map((each) => each.id)).toEqual([dead.id]);

    await register(server, { ...handler, code: FAILING.replace('readings.length', 'readings?.length ?? 0') });
    expect(await act(dead.id, 'replay')).toMatchObject({ status: 200, body: { id: dead.id } });
    expect(await executionOf(server, id, eventId, ['succeeded'])).toMatchObject({
      id: dead.id,
      handler_version: 1,
      output: 0,
      error: null,
    });
    expect(await items(server, `/executions?state=dead&handler_id=${id}`)).toEqual([]);
  });

  test('one that succeeded is replayed; one that runs is not', async () => {
    const filter = { 'event_data.again': { $exists: true } };
    const code =
      'export default async (event, ctx) => { if (event.event_data.again === "late") await ctx.sleep(200_000); ctx.state.increment("runs"); return ctx.state.get("runs"); };';
    const id = await register(server, { name: 'counter', code, filter, limits: { timeout_ms: 250_000 } });
    const eventId = await post(server, { again: 'soon' });
    const first = await ended(server, id, eventId);
    expect(first).toMatchObject({ state: 'succeeded', output: 1 });
    expect(await act(first.id, 'replay')).toMatchObject({ status: 200 });
    expect(await executionOf(server, id, eventId, ['succeeded'])).toMatchObject({ output: 2, attempts: { length: 2 } });

    const running = await executionOf(server, id, await post(server, { again: 'late' }), ['leased']);
    expect(await act(running.id, 'replay')).toMatchObject({ status: 409, body: { code: 'execution_not_replayable' } });
    expect(await act(running.id, 'cancel')).toMatchObject({ status: 200 });
  });

  test('an endless loop ends at the time limit of its handler, and the server goes on', async () => {
    const filter = { 'event_data.loop': true };
    const id = await register(server, {
      name: 'loop',
      code: 'export default () => { for (;;); };',
      filter,
      limits: { timeout_ms: 200 },
      retry: { max_attempts: 1 },
    });
    expect(await ended(server, id, await post(server, { loop: true }))).toMatchObject({ state: 'dead', error: { reason: 'timeout' } });
    expect((await api(server, 'GET', '/readyz')).status).toBe(200);
  });
});
