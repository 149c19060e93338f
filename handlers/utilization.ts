// What a report holds is MADSci's affair.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Json = any;
type Period = 'daily' | 'weekly' | 'monthly';
type Settings = { to: string[]; period: Period };

interface Bar {
  label: string;
  percent: number;
  note: string;
}
interface User {
  author: string;
  workflows: number;
  hours: number;
  completed: number;
}
interface View {
  title: string;
  span: string;
  file: string;
  percent: number;
  active: number;
  runtime: number;
  experiments: number;
  daysTitle: string;
  days: Bar[];
  nodes: Bar[];
  workcells: Bar[];
  users: User[];
}

const MOST_ROWS = 20;
const INK = '#1c2b33';
const FAINT = '#5b6b75';
const FULL = '#1f6f8b';
const EMPTY = '#e1e7eb';

/**
 * Mails how the lab was used in the day, week or month before, and emits it as an event. The time zone is that of the schedule. The days of
 * a daily report are the last seven.
 */
export default async function utilization(run: ScheduledRun, ctx: Context<Settings>) {
  const { to, period } = ctx.config;
  const { start, end } = spanOf(run, period);
  const report = await reportOf(ctx, start, end);
  const days = period === 'daily' ? await reportOf(ctx, end.subtract({ days: 7 }), end) : report;
  const view = viewOf(report, days, period, start, end);
  const subject = `${view.title}: ${inPercent(view.percent)}`;
  const svg = { filename: `${view.file}.svg`, content_type: 'image/svg+xml', content: svgOf(view) };
  await ctx.mail.send({ to, subject, text: textOf(view), html: htmlOf(view), attachments: [svg] });
  await ctx.events.emit({
    event_type: 'log_info', // which no report counts as activity
    event_timestamp: run.scheduled_at,
    event_data: { message: subject, utilization_report: digestOf(report, view, period, run.timezone, start, end) },
  });
  return subject;
}

/** The last whole day, week from Monday, or month before the instant of the schedule. */
function spanOf(run: ScheduledRun, period: Period): { start: Temporal.ZonedDateTime; end: Temporal.ZonedDateTime } {
  const today = Temporal.Instant.from(run.scheduled_at).toZonedDateTimeISO(run.timezone).startOfDay();
  if (period === 'daily') return { start: today.subtract({ days: 1 }), end: today };
  if (period === 'weekly') {
    const monday = today.subtract({ days: today.dayOfWeek - 1 });
    return { start: monday.subtract({ days: 7 }), end: monday };
  }
  const first = today.with({ day: 1 });
  return { start: first.subtract({ months: 1 }), end: first };
}

/** What went wrong may be over in a minute, so it is thrown as an error of this handler, which is tried again. */
async function reportOf(ctx: Context<Settings>, start: Temporal.ZonedDateTime, end: Temporal.ZonedDateTime): Promise<Json> {
  const [start_time, end_time] = [start.toInstant().toString(), end.toInstant().toString()];
  const options = { start_time, end_time, analysis_type: 'daily' as const, user_timezone: start.timeZoneId, include_users: true };
  try {
    return await ctx.utilization.periods(options);
  } catch (error) {
    throw new Error(`No report of ${start_time} to ${end_time}: ${error instanceof Error ? error.message : error}`);
  }
}

function viewOf(report: Json, days: Json, period: Period, start: Temporal.ZonedDateTime, end: Temporal.ZonedDateTime): View {
  const { total_active_time_hours: active, total_runtime_hours: runtime, total_experiments: experiments } = report.key_metrics;
  const figures = (name: string): Json[] => Object.values(report[name] ?? {});
  return {
    title: `Utilization, ${nameOf(period, start)}`,
    span: `${moment(start)} to ${moment(end)}, ${start.timeZoneId}`,
    file: `utilization-${period}-${start.toPlainDate()}`,
    percent: runtime > 0 ? (active / runtime) * 100 : 0,
    active,
    runtime,
    experiments,
    daysTitle: period === 'daily' ? 'The last seven days' : 'Day by day',
    days: (days.time_series?.system ?? []).map((day: Json) => ({
      label: dayName(day.date),
      percent: day.utilization || 0,
      note: day.experiments > 0 ? `${day.experiments} exp.` : '',
    })),
    nodes: barsOf(figures('node_summary'), () => ''),
    workcells: barsOf(figures('workcell_summary'), (cell) => `${cell.total_experiments} exp.`),
    users: (report.user_utilization?.top_users ?? []).map((user: Json) => ({
      author: nameText(user.author),
      workflows: user.total_workflows,
      hours: user.total_runtime_hours,
      completed: user.completion_rate_percent,
    })),
  };
}

function barsOf(figures: Json[], noteOf: (one: Json) => string): Bar[] {
  const bars = figures.map((one) => ({
    label: nameText(one.node_name === null ? one.node_id : one.display_name), // that of a nameless node is the end of its id
    percent: one.average_utilization ?? 0,
    note: noteOf(one),
  }));
  return bars.sort((a, b) => b.percent - a.percent);
}

/** Names come from events, and may hold anything: a line in a table is all they get. */
const nameText = (name: unknown): string =>
  String(name)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 80)
    .toWellFormed();

function nameOf(period: Period, start: Temporal.ZonedDateTime): string {
  if (period === 'monthly') return start.toLocaleString('en-GB', { month: 'long', year: 'numeric' });
  const date = start.toLocaleString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  return period === 'weekly' ? `week of ${date}` : date;
}
const moment = (at: Temporal.ZonedDateTime): string => `${at.toPlainDate()} ${at.toPlainTime().toString({ smallestUnit: 'minute' })}`;
const dayName = (date: string): string =>
  Temporal.PlainDate.from(date).toLocaleString('en-GB', { weekday: 'short', day: '2-digit', month: 'short' }).replace(',', '');
const inPercent = (value: number): string => `${value.toFixed(1)} %`;
const inHours = (value: number): string => `${value.toFixed(1)} h`;
const counted = (workflows: number): string => (workflows === 1 ? '1 workflow' : `${workflows} workflows`);
const bounded = (percent: number): number => Math.max(0, Math.min(100, percent || 0));

/** What a reader of the event needs: without the experiments, and the figures of each node day by day. */
function digestOf(
  report: Json,
  view: View,
  period: Period,
  timezone: string,
  start: Temporal.ZonedDateTime,
  end: Temporal.ZonedDateTime,
): object {
  const { key_metrics, trends, user_utilization, time_series } = report;
  const digest = {
    period,
    timezone,
    start_time: start.toInstant().toString(),
    end_time: end.toInstant().toString(),
    utilization_percent: Math.round(view.percent * 100) / 100,
    key_metrics,
  };
  const whole = {
    ...digest,
    trends,
    user_utilization,
    node_summary: report.node_summary,
    workcell_summary: report.workcell_summary,
    days: time_series?.system,
  };
  return JSON.stringify(whole).length < 200_000 ? whole : digest;
}

function textOf(view: View): string {
  const section = (title: string, lines: string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);
  const bars = (all: Bar[]): string[] => {
    const width = Math.max(...all.map(({ label }) => label.length));
    const lines = all.slice(0, MOST_ROWS + 11).map(({ label, percent, note }) => {
      const full = Math.round(bounded(percent) / 5);
      return `${label.padEnd(width)}  ${'#'.repeat(full)}${'.'.repeat(20 - full)}  ${inPercent(percent).padStart(7)}  ${note}`.trimEnd();
    });
    return all.length > lines.length ? [...lines, `and ${all.length - lines.length} more`] : lines;
  };
  const users = view.users.map(
    ({ author, workflows, hours, completed }) => `${author}: ${counted(workflows)}, ${inHours(hours)}, ${inPercent(completed)} completed`,
  );
  return [
    view.title,
    view.span,
    '',
    `System       ${inPercent(view.percent)}`,
    `Active       ${inHours(view.active)} of ${inHours(view.runtime)}`,
    `Experiments  ${view.experiments}`,
    ...section(view.daysTitle, bars(view.days)),
    ...section('Nodes', bars(view.nodes)),
    ...section('Workcells', view.workcells.length > 1 ? bars(view.workcells) : []),
    ...section('Users', users),
    '',
  ].join('\n');
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** Tables and inline styles are what all mail programs show; pictures and style sheets are not. */
function htmlOf(view: View): string {
  const cell = `padding:2px 0;font-size:14px;line-height:18px;color:${INK}`;
  const bar = (percent: number): string => {
    const full = Math.round(bounded(percent));
    const part = (width: number, colour: string): string =>
      width === 0 ? '' : `<td width="${width}%" bgcolor="${colour}" style="height:12px;line-height:12px;font-size:1px">&nbsp;</td>`;
    return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>${part(full, FULL)}${part(100 - full, EMPTY)}</tr></table>`;
  };
  const row = ({ label, percent, note }: Bar): string =>
    `<tr><td width="34%" style="${cell};padding-right:10px;word-break:break-word">${escaped(label)}</td>` +
    `<td width="40%" style="${cell}">${bar(percent)}</td>` +
    `<td width="13%" align="right" style="${cell};padding-left:10px;white-space:nowrap">${inPercent(percent)}</td>` +
    `<td width="13%" align="right" style="${cell};padding-left:10px;white-space:nowrap;color:${FAINT}">${escaped(note)}</td></tr>`;
  const section = (title: string, rows: string[], count = rows.length): string =>
    rows.length === 0
      ? ''
      : `<h2 style="margin:24px 0 6px;font-size:16px;color:${INK}">${title}</h2>` +
        `<table width="100%" cellpadding="0" cellspacing="0" border="0">${rows.join('')}</table>` +
        (count > rows.length ? `<p style="margin:4px 0;font-size:13px;color:${FAINT}">and ${count - rows.length} more</p>` : '');
  const bars = (title: string, all: Bar[], most = MOST_ROWS): string => section(title, all.slice(0, most).map(row), all.length);
  const users = view.users.map(
    ({ author, workflows, hours, completed }) =>
      `<tr><td style="${cell};word-break:break-word">${escaped(author)}<div style="font-size:13px;color:${FAINT}">` +
      `${counted(workflows)}, ${inHours(hours)}, ${inPercent(completed)} completed</div></td></tr>`,
  );
  const figure = (value: string, of: string): string =>
    `<td width="33%" valign="top" style="padding:12px 8px 12px 0;color:${INK}"><div style="font-size:24px;line-height:30px;font-weight:bold">${value}</div>` +
    `<div style="font-size:13px;color:${FAINT}">${of}</div></td>`;
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(view.title)}</title></head>` +
    `<body style="margin:0;padding:0;background:#ffffff"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff"><tr>` +
    `<td align="center" style="padding:16px"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px"><tr>` +
    `<td align="left" style="font-family:Arial,Helvetica,sans-serif;color:${INK}">` +
    `<h1 style="margin:0;font-size:20px;line-height:26px;color:${INK}">${escaped(view.title)}</h1><div style="font-size:13px;color:${FAINT}">${escaped(view.span)}</div>` +
    `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>${figure(inPercent(view.percent), 'of the time in use')}` +
    `${figure(inHours(view.active), `of ${inHours(view.runtime)} that sessions lasted`)}${figure(String(view.experiments), view.experiments === 1 ? 'experiment' : 'experiments')}</tr></table>` +
    (view.experiments === 0 ? `<p style="margin:0;font-size:14px">No experiment ran in this time.</p>` : '') +
    `${bars(view.daysTitle, view.days, 31)}${bars('Nodes', view.nodes)}${view.workcells.length > 1 ? bars('Workcells', view.workcells) : ''}${section('Users', users)}` +
    `</td></tr></table></td></tr></table></body></html>\n`
  );
}

/** The days as a picture to keep, or to put into a page. */
function svgOf(view: View): string {
  const [width, height, left, bottom, top] = [640, 300, 48, 44, 48];
  const inner = height - bottom - top;
  const step = (width - left - 16) / Math.max(1, view.days.length);
  const every = Math.ceil(view.days.length / 8);
  const y = (percent: number): number => top + inner * (1 - percent / 100);
  const grid = [0, 25, 50, 75, 100].map(
    (percent) =>
      `<path d="M${left} ${y(percent)}H${width - 16}" stroke="${EMPTY}"/><text x="${left - 6}" y="${y(percent) + 4}" text-anchor="end">${percent} %</text>`,
  );
  const bars = view.days.map(({ label, percent }, n) => {
    const [x, bar] = [left + n * step + step * 0.15, inner * (bounded(percent) / 100)];
    const name =
      n % every === 0
        ? `<text x="${(x + step * 0.35).toFixed(1)}" y="${height - bottom + 18}" text-anchor="middle">${escaped(label.slice(4))}</text>`
        : '';
    return `<rect x="${x.toFixed(1)}" y="${y(bounded(percent)).toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${bar.toFixed(1)}" fill="${FULL}"><title>${escaped(label)}: ${inPercent(percent)}</title></rect>${name}`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="Arial,Helvetica,sans-serif" font-size="12" fill="${FAINT}">` +
    `<title>${escaped(view.title)}</title><rect width="${width}" height="${height}" fill="#ffffff"/><text x="16" y="28" font-size="16" font-weight="bold" fill="${INK}">${escaped(view.title)}: ${inPercent(view.percent)}</text>` +
    `${grid.join('')}${bars.join('')}</svg>\n`
  );
}
