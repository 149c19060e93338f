import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkForLeaks } from '../support/leaks.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer({ env: { EVENT_RETENTION_ENABLED: 'true', EVENT_SOFT_DELETE_AFTER_DAYS: '30' } });
});
afterAll(async () => server[Symbol.asyncDispose]());

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().replace('Z', '+00:00');

test('M31 retention previews, runs by hand, and says what it did', async () => {
  // The run of the start found nothing.
  const idle = await eventually(async () => {
    const { body } = await api(server, 'GET', '/retention');
    return body.state === 'idle' && body.last_run !== null ? body : null;
  });
  expect(idle).toMatchObject({ enabled: true, archive_after_days: 30, delete_after_days: 365, last_run: { archived: 0, complete: true } });
  const events = [10, 29, 31, 400].map((days) => ({ _id: `old-${days}`, event_timestamp: daysAgo(days) }));
  for (const one of events) await api(server, 'POST', '/event', one);
  expect((await api(server, 'GET', '/retention/preview')).body).toMatchObject({
    enabled: true,
    archive: { count: 2 },
    delete: { count: 0 },
  });
  const run = await api(server, 'POST', '/retention/run', {});
  expect([run.status, run.body.last_run]).toEqual([200, expect.objectContaining({ archived: 2, deleted: 0, complete: true, error: null })]);
  const { body } = await api(server, 'GET', '/events/archived');
  expect(Object.keys(body).sort()).toEqual(['old-31', 'old-400']);
  expect((await api(server, 'POST', '/retention/run', { clock_is_rigth: true })).status).toBe(422);
});

test('M31 runs at the start', async () => {
  await api(server, 'POST', '/event', { _id: 'for-the-start', event_timestamp: daysAgo(50) });
  await server.kill('SIGTERM');
  await using again = await startServer({
    folder: server.folder,
    env: { EVENT_RETENTION_ENABLED: 'true', EVENT_SOFT_DELETE_AFTER_DAYS: '30' },
  });
  const archived = await eventually(async () => {
    const { body } = await api(again, 'GET', '/event/for-the-start');
    return body.archived === true ? body : null;
  });
  expect(archived.archived_at).toMatch(/^\d{4}-/);
});

checkForLeaks();
