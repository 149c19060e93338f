/** Each morning: how many events of each level came in since the run before, or in the last day. */
export default async function (run: ScheduledRun, ctx: Context<{ mail_to: string }>) {
  const until = new Date(run.scheduled_at);
  const since = run.previous_at === null ? new Date(until.getTime() - 86_400_000) : new Date(run.previous_at);
  const between = { $gte: since.toISOString(), $lt: until.toISOString() };
  const lines: string[] = [];
  for (const [name, log_level] of Object.entries({ info: 20, warning: 30, error: 40, critical: 50 })) {
    lines.push(`${name.padEnd(10)}${await ctx.events.count({ event_timestamp: between, log_level })}`);
  }
  const day = until.toLocaleDateString('en-GB', { timeZone: run.timezone, dateStyle: 'medium' });
  await ctx.mail.send({ to: ctx.config.mail_to, subject: `Events until ${day}`, text: lines.join('\n') });
  return lines;
}
