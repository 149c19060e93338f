import { describe, expect, jest, test } from '@jest/globals';
import { api, eventually, startServer } from '../support/server.ts';
import { type Delivery, dataFolder, descendants, ended, isAlive, items, post, register } from './steps.ts';

const STOP_MS = 10_000;
const onLinux = process.platform === 'linux' ? test : test.skip;

/** Ends only when an event says so, and notes that it ran. */
const GATED = `export default async (event, ctx) => {
  while ((await ctx.events.count({ 'event_data.open': true })) === 0) await ctx.sleep(20);
  await ctx.events.emit({ event_type: 'test', event_data: { done: event.event_data.job } });
  return 'job ' + event.event_data.job;
};`;
const JOBS = 60;
const WAIT_MS = 60_000;

const succeeded = (server: { url: string }, handlerId: number) =>
  items(server, `/executions?state=succeeded&handler_id=${handlerId}&limit=1000`);

jest.setTimeout(180_000); // they start servers one after the other and wait for their ends

describe('stopping', () => {
  test('SIGTERM ends the server in time while handlers run, and after a restart each execution ends once', async () => {
    using folder = dataFolder();
    const handler = {
      name: 'gated',
      code: GATED,
      filter: { 'event_data.job': { $exists: true } },
      concurrency: 8,
      limits: { timeout_ms: 120_000 },
    };
    let id: number;
    {
      await using server = await startServer({ folder: folder.path });
      id = await register(server, { ...handler, notify_on_success: 'good@example.org' });
      const companion = await register(server, { name: 'companion', code: 'export default () => 1;', filter: handler.filter });
      await Promise.all(Array.from({ length: JOBS }, (_, job) => post(server, { job })));
      // The companion is run by the same process for the same events: when it is through, the others are under way.
      await eventually(async () => ((await succeeded(server, companion)).length === JOBS ? true : null), WAIT_MS);
      const asked = Date.now();
      expect(await server.kill('SIGTERM')).toBe(0);
      expect(Date.now() - asked).toBeLessThan(STOP_MS);
    }
    await using again = await startServer({ folder: folder.path });
    await post(again, { open: true });
    const executions = await eventually(async () => {
      const found = await succeeded(again, id);
      return found.length >= JOBS ? found : null;
    }, WAIT_MS);
    expect(executions).toHaveLength(JOBS);
    expect(await items(again, `/executions?handler_id=${id}&limit=1000`)).toHaveLength(JOBS);

    const done = await api(again, 'POST', '/events/query', { 'event_data.done': { $exists: true } });
    const jobs = Object.values(done.body as Record<string, { event_data: { done: number } }>).map(({ event_data }) => event_data.done);
    expect(jobs.sort((a, b) => a - b)).toEqual(Array.from({ length: JOBS }, (_, job) => job));

    const mails = await eventually(async () => {
      const sent = await items<Delivery>(again, '/deliveries?state=sent&limit=1000');
      return sent.length >= JOBS ? sent : null;
    }, WAIT_MS);
    expect(new Set(mails.map(({ execution_id }) => execution_id)).size).toBe(JOBS);
  });

  test('a restart keeps events, handlers with their versions, executions, mails and keys', async () => {
    using folder = dataFolder();
    const paths = ['/events?number=0', '/handlers', '/handlers/1/versions', '/executions', '/deliveries', '/keys'];
    const read = async (server: { url: string }): Promise<unknown> => {
      const bodies = await Promise.all(paths.map(async (path) => [path, (await api(server, 'GET', path)).body]));
      return JSON.parse(JSON.stringify(bodies), (name, value: unknown) => (name === 'last_used_at' ? undefined : value));
    };
    let before: unknown;
    {
      await using server = await startServer({ folder: folder.path });
      const id = await register(server, { name: 'kept', code: 'export default () => "one";', notify_on_success: 'good@example.org' });
      expect(id).toBe(1);
      await register(server, { name: 'kept', code: 'export default () => "two";', notify_on_success: 'good@example.org' });
      await ended(server, id, await post(server, { text: 'Grüße', number: 1 }));
      await register(server, { name: 'off', code: 'export default () => 1;', enabled: false });
      await api(server, 'POST', '/keys', { name: 'kept', scopes: ['events:read'] });
      await eventually(async () => ((await items(server, '/deliveries?state=sent')).length === 1 ? true : null));
      before = await read(server);
      expect(await server.kill('SIGTERM')).toBe(0);
    }
    await using again = await startServer({ folder: folder.path });
    expect(await read(again)).toEqual(before);
    expect(await ended(again, 1, await post(again, {}))).toMatchObject({ output: 'two', handler_version: 1 });
  });

  onLinux.each(['SIGTERM', 'SIGKILL'] as const)('no process is left after %s', async (signal) => {
    await using server = await startServer();
    const busy = await register(server, { name: 'busy', code: 'export default () => { for (;;); };', limits: { timeout_ms: 60_000 } });
    const eventId = await post(server, {});
    await eventually(async () =>
      (await items(server, `/executions?handler_id=${busy}&event_id=${eventId}&state=leased`)).length > 0 ? true : null,
    );
    const children = await eventually(async () => {
      const found = descendants(server.pid);
      return found.length > 0 ? found : null;
    });
    await server.kill(signal);
    await eventually(async () => (children.some(isAlive) ? null : true), 5_000);
    expect(isAlive(server.pid)).toBe(false);
  });
});
