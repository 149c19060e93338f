import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { dataFolder, type Execution, items, register } from './steps.ts';

const CODE = 'export default (run, ctx) => [run.scheduled_at, run.previous_at, ctx.hook];';
const EVERY_SECOND = { hook: 'schedule.cron', name: 'tick', code: CODE, schedule: { cron: '* * * * * *', timezone: 'Europe/London' } };

describe('schedule.cron', () => {
  let server: ServerProcess;
  const data = dataFolder();
  beforeAll(async () => {
    server = await startServer({ folder: data.path });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    data[Symbol.dispose]();
  });
  const runs = (id: number): Promise<Execution[]> => items(server, `/executions?handler_id=${id}&limit=1000`);

  test('is listed', async () => {
    const { body } = await api(server, 'GET', '/hooks/schedule.cron');
    expect(body).toMatchObject({ name: 'schedule.cron', kind: 'engine', triggerable: false, sample: { timezone: 'Europe/Berlin' } });
    expect(body.typings).toContain('scheduled_at: string');
  });

  test('shows the next runs over a change of the clocks, or says what is wrong', async () => {
    const nightly = { ...EVERY_SECOND, name: 'nightly', schedule: { cron: '30 1 * * *', timezone: 'Europe/London' } };
    const { status, body } = await api(server, 'POST', '/handlers', nightly);
    expect(status).toBe(201);
    expect(body.next_runs).toHaveLength(5);
    expect(body.next_run_at).toBe(body.next_runs[0]);
    expect((await api(server, 'GET', `/handlers/${body.id}`)).body).toMatchObject({
      schedule: nightly.schedule,
      next_runs: body.next_runs,
    });

    const bad = await api(server, 'POST', '/handlers', { ...EVERY_SECOND, name: 'bad', schedule: { cron: '30 25 * * *' } });
    expect(bad).toMatchObject({ status: 422, body: { errors: [{ pointer: '/schedule/cron', detail: 'Invalid value for hour: 25' }] } });
  });

  test('fires each instant once, also when the server is killed in between', async () => {
    const id = await register(server, EVERY_SECOND);
    await eventually(async () => ((await runs(id)).length >= 2 ? true : null));
    await server.kill('SIGKILL');
    server = await startServer({ folder: data.path });
    const before = (await runs(id)).length;
    await eventually(async () => ((await runs(id)).filter(({ state }) => state === 'succeeded').length >= before + 2 ? true : null));
    await api(server, 'DELETE', `/handlers/${id}`);
    const all = await runs(id);
    expect(new Set(all.map(({ event_id }) => event_id)).size).toBe(all.length);
    const outputs = await Promise.all(
      all.filter(({ state }) => state === 'succeeded').map(async (run) => (await api(server, 'GET', `/executions/${run.id}`)).body),
    );
    const instants = outputs.map(({ input }) => input.scheduled_at as string);
    expect(new Set(instants).size).toBe(instants.length);
    expect(outputs.at(0).output).toEqual([outputs.at(0).input.scheduled_at, outputs.at(0).input.previous_at, 'schedule.cron']);
  });

  test('runs by hand', async () => {
    const id = await register(server, { ...EVERY_SECOND, name: 'by hand', schedule: { cron: '@yearly' } });
    const { status, body } = await api(server, 'POST', `/handlers/${id}/run`);
    expect(status).toBe(202);
    await eventually(async () => ((await runs(id))[0]?.state === 'succeeded' ? true : null));
    expect((await runs(id)).map((run) => run.id)).toEqual(body.execution_ids);
    await api(server, 'PATCH', `/handlers/${id}`, { enabled: false });
    expect(await api(server, 'POST', `/handlers/${id}/run`)).toMatchObject({ status: 409, body: { code: 'handler_not_runnable' } });
  });
});
