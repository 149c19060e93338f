import { describe, expect, test } from '@jest/globals';
import utilization from '../../../handlers/utilization.ts';

type Ctx = Parameters<typeof utilization>[1];
interface Mail {
  to: string[];
  subject: string;
  text: string;
  html: string;
  attachments: { filename: string; content_type: string; content: string }[];
}
interface Emitted {
  event_type: string;
  event_timestamp: string;
  event_data: { message: string; utilization_report: Record<string, unknown> };
}

const point = (date: string, percent: number, experiments = 0) => ({ date, utilization: percent, experiments });
function report(over: Record<string, unknown> = {}) {
  return {
    key_metrics: { total_active_time_hours: 2, total_runtime_hours: 4, total_experiments: 1 },
    node_summary: {},
    workcell_summary: {},
    trends: {},
    user_utilization: { top_users: [] },
    time_series: { system: [point('2026-03-02', 50, 1), point('2026-03-03', 0)] },
    ...over,
  };
}

/** Runs the handler as the sandbox does, with reports that a test makes up; notes what it asks for and does. */
async function run(
  period: 'daily' | 'weekly' | 'monthly',
  scheduled_at: string,
  timezone: string,
  answer: (n: number) => unknown = () => report(),
) {
  const asked: { start_time: string; end_time: string; user_timezone: string }[] = [];
  const mails: Mail[] = [];
  const events: Emitted[] = [];
  const ctx = {
    config: { to: ['ada@lab.example'], period },
    utilization: {
      async periods(options: (typeof asked)[number]) {
        asked.push(options);
        return answer(asked.length);
      },
    },
    mail: { send: async (mail: Mail) => void mails.push(mail) },
    events: { emit: async (event: Emitted) => void events.push(event) },
  };
  const output = await utilization({ scheduled_at, timezone, previous_at: null, cron: '0 7 * * *' }, ctx as unknown as Ctx);
  return { output, asked, mail: mails[0] as Mail, event: events[0] as Emitted, mails, events };
}

describe('the time that a report is about', () => {
  test.each([
    {
      period: 'daily',
      at: '2026-03-10T06:00:00Z',
      zone: 'Europe/Berlin',
      from: '2026-03-08T23:00:00Z',
      to: '2026-03-09T23:00:00Z',
      name: '9 March 2026',
    },
    {
      period: 'daily',
      at: '2026-03-30T05:00:00Z',
      zone: 'Europe/Berlin',
      from: '2026-03-28T23:00:00Z',
      to: '2026-03-29T22:00:00Z',
      name: '29 March 2026',
    },
    {
      period: 'daily',
      at: '2026-03-10T03:00:00Z',
      zone: 'America/Chicago',
      from: '2026-03-08T06:00:00Z',
      to: '2026-03-09T05:00:00Z',
      name: '8 March 2026',
    },
    {
      period: 'daily',
      at: '2026-04-05T20:00:00Z',
      zone: 'Australia/Lord_Howe',
      from: '2026-04-04T13:00:00Z',
      to: '2026-04-05T13:30:00Z',
      name: '5 April 2026',
    },
    {
      period: 'weekly',
      at: '2026-03-09T06:00:00Z',
      zone: 'Europe/Berlin',
      from: '2026-03-01T23:00:00Z',
      to: '2026-03-08T23:00:00Z',
      name: 'week of 2 March 2026',
    },
    {
      period: 'weekly',
      at: '2026-03-12T06:00:00Z',
      zone: 'Europe/Berlin',
      from: '2026-03-01T23:00:00Z',
      to: '2026-03-08T23:00:00Z',
      name: 'week of 2 March 2026',
    },
    {
      period: 'weekly',
      at: '2026-03-30T05:00:00Z',
      zone: 'Europe/London',
      from: '2026-03-23T00:00:00Z',
      to: '2026-03-29T23:00:00Z',
      name: 'week of 23 March 2026',
    },
    {
      period: 'monthly',
      at: '2026-03-01T07:00:00Z',
      zone: 'UTC',
      from: '2026-02-01T00:00:00Z',
      to: '2026-03-01T00:00:00Z',
      name: 'February 2026',
    },
    {
      period: 'monthly',
      at: '2026-03-31T06:00:00Z',
      zone: 'UTC',
      from: '2026-02-01T00:00:00Z',
      to: '2026-03-01T00:00:00Z',
      name: 'February 2026',
    },
    {
      period: 'monthly',
      at: '2026-01-01T07:00:00Z',
      zone: 'UTC',
      from: '2025-12-01T00:00:00Z',
      to: '2026-01-01T00:00:00Z',
      name: 'December 2025',
    },
  ] as const)('$period at $at in $zone: $name', async ({ period, at, zone, from, to, name }) => {
    const { asked, mail, output } = await run(period, at, zone);
    expect(asked[0]).toMatchObject({ start_time: from, end_time: to, user_timezone: zone, analysis_type: 'daily', include_users: true });
    expect(output).toBe(`Utilization, ${name}: 50.0 %`);
    expect([mail.subject, mail.to]).toEqual([output, ['ada@lab.example']]);
  });

  test('of the days of a daily report is the last seven', async () => {
    const { asked, mail } = await run('daily', '2026-03-10T06:00:00Z', 'UTC');
    expect(asked.map(({ start_time, end_time }) => [start_time, end_time])).toEqual([
      ['2026-03-09T00:00:00Z', '2026-03-10T00:00:00Z'],
      ['2026-03-03T00:00:00Z', '2026-03-10T00:00:00Z'],
    ]);
    expect(mail.text).toContain('The last seven days\nMon 02 Mar  ##########..........   50.0 %  1 exp.\n');
  });
});

describe('the mail', () => {
  test('says so when nothing ran', async () => {
    const nothing = report({
      key_metrics: { total_active_time_hours: 0, total_runtime_hours: 0, total_experiments: 0 },
      time_series: { system: [] },
    });
    const { mail } = await run('weekly', '2026-03-09T06:00:00Z', 'UTC', () => nothing);
    expect(mail.subject).toBe('Utilization, week of 2 March 2026: 0.0 %');
    expect(mail.html).toContain('No experiment ran in this time.');
    expect(mail.text).toBe(
      'Utilization, week of 2 March 2026\n2026-03-02 00:00 to 2026-03-09 00:00, UTC\n\nSystem       0.0 %\nActive       0.0 h of 0.0 h\nExperiments  0\n',
    );
  });

  test('names nodes, workcells and users, the busiest first, and counts those that it leaves out', async () => {
    const nodes = Array.from({ length: 45 }, (_, n) => [
      `node ${n}`,
      { node_id: `node ${n}`, node_name: n === 44 ? null : `Arm ${n}`, display_name: `Arm ${n} (ID${n})`, average_utilization: n },
    ]);
    const cells = {
      a: { display_name: 'Cell A', average_utilization: 10, total_experiments: 3 },
      b: { display_name: 'Cell B', average_utilization: 90, total_experiments: 4 },
    };
    const top_users = [{ author: 'Ada', total_workflows: 2, total_runtime_hours: 3.25, completion_rate_percent: 50 }];
    const all = report({ node_summary: Object.fromEntries(nodes), workcell_summary: cells, user_utilization: { top_users } });
    const { mail } = await run('weekly', '2026-03-09T06:00:00Z', 'UTC', () => all);
    expect(mail.text).toMatch(/Nodes\nnode 44 {8}#########\.+ {3}44\.0 %\nArm 43 \(ID43\) {2}/);
    expect(mail.text).toContain('and 14 more');
    expect(mail.html).toContain('and 25 more');
    expect(mail.text).toMatch(/Workcells\nCell B {2}#{18}\.\. {3}90\.0 % {2}4 exp\.\nCell A/);
    expect(mail.text).toContain('Users\nAda: 2 workflows, 3.3 h, 50.0 % completed');
  });

  test.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</title></svg><script>',
    '&lt;b&gt;',
    'a\r\n\r\nb\u0000\u2028\u202e',
    'x'.repeat(10_000),
  ])('holds names as text, whatever they are: %j', async (evil) => {
    const named = (average_utilization: number) => ({
      node_id: evil,
      node_name: evil,
      display_name: evil,
      workcell_name: evil,
      average_utilization,
      total_experiments: 1,
    });
    const all = report({
      node_summary: { a: named(50) },
      workcell_summary: { a: named(50), b: named(20) },
      user_utilization: { top_users: [{ author: evil, total_workflows: 1, total_runtime_hours: 1, completion_rate_percent: 1 }] },
    });
    const { mail } = await run('weekly', '2026-03-09T06:00:00Z', 'UTC', () => all);
    const tags = new Set(Array.from(mail.html.matchAll(/<\/?([a-z0-9]+)/gi), ([, name]) => name));
    expect([...tags].sort()).toEqual(['body', 'div', 'h1', 'h2', 'head', 'html', 'meta', 'table', 'td', 'title', 'tr']);
    expect(mail.html).not.toMatch(/<[^>]*\son\w+=|javascript:|<script/i);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(mail.html + mail.text.replaceAll('\n', '')).not.toMatch(/[\x00-\x09\x0b-\x1f\u2028\u202e]/);
    expect(mail.text.split('\n').every((line) => line.length < 200)).toBe(true);
    expect(mail.attachments[0]?.content).not.toContain(evil.slice(0, 40));
  });

  test.each([Number.NaN, -5, 250, null])('draws bars within their bounds: %s', async (percent) => {
    const one = report({ time_series: { system: [point('2026-03-02', percent as number)] } });
    const { mail } = await run('weekly', '2026-03-09T06:00:00Z', 'UTC', () => one);
    for (const [, width] of mail.html.matchAll(/<td width="(\d+)%"/g)) expect(Number(width)).toBeLessThanOrEqual(100);
    for (const [, height] of mail.attachments[0]?.content.matchAll(/ height="([\d.]+)" fill="#1f6f8b"/g) ?? [])
      expect(Number(height)).toBeLessThanOrEqual(300);
  });

  test('has the plot as an SVG file that stands by itself', async () => {
    const { mail } = await run('monthly', '2026-03-01T07:00:00Z', 'UTC');
    expect(mail.attachments).toMatchObject([{ filename: 'utilization-monthly-2026-02-01.svg', content_type: 'image/svg+xml' }]);
    const svg = mail.attachments[0]?.content ?? '';
    expect(svg.match(/<rect [^>]*fill="#1f6f8b"/g)).toHaveLength(2);
    expect(svg.match(/https?:\/\/[^"]+/g)).toEqual(['http://www.w3.org/2000/svg']);
  });
});

describe('the event', () => {
  test('is of a kind that no report counts, at the instant of the schedule', async () => {
    const { event, events } = await run('weekly', '2026-03-09T06:00:00Z', 'UTC');
    expect(events).toHaveLength(1);
    expect(event).toMatchObject({
      event_type: 'log_info',
      event_timestamp: '2026-03-09T06:00:00Z',
      event_data: {
        message: 'Utilization, week of 2 March 2026: 50.0 %',
        utilization_report: { period: 'weekly', utilization_percent: 50 },
      },
    });
  });

  test('holds the key figures alone when the others are too many', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`node ${n}`, { node_id: `${n}`, node_name: null, average_utilization: 1 }]),
    );
    const { event } = await run('weekly', '2026-03-09T06:00:00Z', 'UTC', () => report({ node_summary: many }));
    expect(Object.keys(event.event_data.utilization_report)).toEqual([
      'period',
      'timezone',
      'start_time',
      'end_time',
      'utilization_percent',
      'key_metrics',
    ]);
  });
});

test('a report that cannot be had is an error, which is tried again', async () => {
  const failing = () => {
    throw new Error('The report took too long and was stopped.');
  };
  await expect(run('weekly', '2026-03-09T06:00:00Z', 'UTC', failing)).rejects.toThrow(
    'No report of 2026-03-02T00:00:00Z to 2026-03-09T00:00:00Z: The report took too long and was stopped.',
  );
});
