import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { simpleParser } from 'mailparser';
import { ulid } from 'ulid';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { type Delivery, dataFolder, detail, items, sentMail } from './steps.ts';

const REPORT = { UTILIZATION_REPORT_TO: 'ada@lab.example, grace@lab.example', UTILIZATION_REPORT_TIMEZONE: 'Europe/Berlin' };
const EVIL = '<script>alert(1)</script> & "Eve"\u202e';

interface Handler {
  id: number;
  version: number;
  name: string;
  next_run_at: string;
}
const builtIn = async (server: ServerProcess): Promise<Handler | undefined> =>
  (await items<Handler>(server, '/handlers?hook=schedule.cron')).find(({ name }) => name === 'utilization');

/** Monday 0:00 of last week and of this one, by the clocks of Berlin. */
const thisMonday = (): Temporal.ZonedDateTime => {
  const today = Temporal.Now.zonedDateTimeISO('Europe/Berlin').startOfDay();
  return today.subtract({ days: today.dayOfWeek - 1 });
};

describe('the built-in handler utilization', () => {
  const data = dataFolder();
  let server: ServerProcess;
  let handler: Handler;
  const week = { start: thisMonday().subtract({ days: 7 }), end: thisMonday() };
  const periods = `/utilization/periods?${new URLSearchParams({
    start_time: week.start.toInstant().toString(),
    end_time: week.end.toInstant().toString(),
    user_timezone: 'Europe/Berlin',
  })}`;
  const figures = async () => (await api(server, 'GET', periods)).body;

  beforeAll(async () => {
    server = await startServer({ folder: data.path, env: REPORT });
    handler = (await builtIn(server)) as Handler;
    const [workcell_id, experiment_id, workflow_id] = [ulid(), ulid(), ulid()];
    const at = (hour: number): string => week.start.add({ days: 2, hours: hour }).toInstant().toString();
    const post = (event_type: string, hour: number, source: object, event_data: object = {}) =>
      api(server, 'POST', '/event', { event_type, event_timestamp: at(hour), source, event_data });
    await post('workcell_start', 8, { workcell_id });
    await post('experiment_start', 9, { experiment_id }, { experiment_id });
    await post('action_status_change', 9, { node_id: EVIL }, { status: 'running', action_id: 'a' });
    await post('workflow_start', 9, { workflow_id }, { workflow_id, author: EVIL });
    await post('action_status_change', 10, { node_id: EVIL }, { status: 'completed', action_id: 'a' });
    await post('workflow_complete', 10, { workflow_id }, { workflow_id, author: EVIL, status: 'completed' });
    await post('experiment_complete', 11, { experiment_id }, { experiment_id });
    await post('workcell_stop', 12, { workcell_id });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    data[Symbol.dispose]();
  });

  test('is registered by its settings, for the morning after the week', async () => {
    const { body } = await api(server, 'GET', `/handlers/${handler.id}`);
    expect(body).toMatchObject({
      state: 'enabled',
      schedule: { cron: '0 7 * * MON', timezone: 'Europe/Berlin' },
      config: { to: ['ada@lab.example', 'grace@lab.example'], period: 'weekly' },
      created_by: 'built-in utilization',
    });
    const next = Temporal.Instant.from(body.next_run_at).toZonedDateTimeISO('Europe/Berlin');
    expect([next.dayOfWeek, next.hour, next.minute]).toEqual([1, 7, 0]);
  });

  test('mails the report of the last week to each address, and emits it, and changes no figure by that', async () => {
    const before = await figures();
    expect(before.key_metrics).toMatchObject({ total_runtime_hours: 4, total_active_time_hours: 2, total_experiments: 1 });
    const { body } = await api(server, 'POST', `/handlers/${handler.id}/run`);
    const [execution] = body.execution_ids as [string];
    const ended = await eventually(async () => {
      const found = await detail(server, execution);
      return found.state === 'succeeded' || found.error !== null ? found : null;
    });
    const title = `Utilization, week of ${week.start.toLocaleString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })}: 50.0 %`;
    expect([ended.error, ended.output]).toEqual([null, title]);

    await sentMail(server, execution);
    const mails = await eventually(async () => {
      const sent = await items<Delivery>(server, `/deliveries?state=sent&execution_id=${encodeURIComponent(execution)}`);
      return sent.length === 2 ? sent : null;
    });
    expect(mails.map(({ to }) => to).sort()).toEqual(['ada@lab.example', 'grace@lab.example']);
    const { body: mail } = await api(server, 'GET', `/deliveries/${mails[0]?.id}`);
    expect(mail.attachments).toEqual([
      { filename: `utilization-weekly-${week.start.toPlainDate()}.svg`, content_type: 'image/svg+xml', bytes: expect.any(Number) },
    ]);
    expect(mail.text).toContain('Active       2.0 h of 4.0 h');
    for (const text of [mail.text, mail.html]) expect(text).toContain('50.0 %');
    expect(mail.html).not.toMatch(/<script|<img|<style|<link|javascript:|https?:/i);
    expect(mail.html + mail.text).not.toContain('\u202e');
    expect(mail.html).toContain('&#60;script&#62;alert(1)&#60;/script&#62; &#38; &#34;Eve&#34;');

    const found = await api(server, 'POST', '/events/query', { 'event_data.utilization_report.period': 'weekly' });
    const [event, ...more] = Object.values(found.body) as {
      event_type: string;
      event_data: { message: string; utilization_report: object };
    }[];
    expect(more).toEqual([]);
    expect(event).toMatchObject({ event_type: 'log_info', event_data: { message: title } });
    expect(event?.event_data.utilization_report).toMatchObject({
      period: 'weekly',
      timezone: 'Europe/Berlin',
      start_time: week.start.toInstant().toString(),
      utilization_percent: 50,
      key_metrics: before.key_metrics,
      node_summary: before.node_summary,
    });
    const after = await figures();
    expect(after).toEqual({
      ...before,
      summary_metadata: { ...before.summary_metadata, generated_at: after.summary_metadata.generated_at },
    });
  });

  test('its mail can be read by mail programs, text, HTML and plot', async () => {
    const folder = join(data.path, 'mail');
    const parsed = await Promise.all(readdirSync(folder).map((name) => simpleParser(readFileSync(join(folder, name)))));
    const [mail] = parsed.filter(({ subject }) => subject?.startsWith('Utilization, week of '));
    expect(mail?.text).toMatch(/^Utilization, week of .*\n.* Europe\/Berlin\n\nSystem {7}50\.0 %/);
    expect(mail?.html).toContain('<h1');
    const [plot] = mail?.attachments ?? [];
    expect([plot?.contentType, plot?.contentDisposition]).toEqual(['image/svg+xml', 'attachment']);
    expect(plot?.content.toString()).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg".*<\/svg>\n$/s);
    expect(plot?.content.toString()).not.toMatch(/<script|onload|href/);
  });

  test('follows its settings, and goes with them', async () => {
    await server.kill('SIGTERM');
    const env = { ...REPORT, UTILIZATION_REPORT_PERIOD: 'daily', UTILIZATION_REPORT_SCHEDULE: '15 6 * * MON-FRI' };
    server = await startServer({ folder: data.path, env });
    const changed = await builtIn(server);
    expect(changed).toMatchObject({
      id: handler.id,
      version: handler.version + 1,
      schedule: { cron: '15 6 * * MON-FRI' },
      config: { period: 'daily' },
    });
    await server.kill('SIGTERM');
    server = await startServer({ folder: data.path });
    expect(await builtIn(server)).toBeUndefined();
  });
});

test.each([
  {
    env: { UTILIZATION_REPORT_TO: 'a@b.example', UTILIZATION_REPORT_SCHEDULE: '61 * * * *' },
    text: 'UTILIZATION_REPORT_SCHEDULE: Invalid value for minute: 61',
  },
  { env: { UTILIZATION_REPORT_TIMEZONE: 'Mars/Base' }, text: 'takes the name of a time zone' },
  { env: { UTILIZATION_REPORT_TO: 'a@b.example, nobody' }, text: 'takes mail addresses: ' },
  { env: { UTILIZATION_REPORT_PERIOD: 'yearly' }, text: 'takes daily or weekly or monthly' },
])('a start with $env is refused', async ({ env, text }) => {
  await expect(startServer({ env })).rejects.toThrow(text);
});
