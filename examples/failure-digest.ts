/** Gathers the failures of all handlers, and mails them together: `every` of them in one mail. */
export default async function (failure: FailureReport, ctx: Context<{ every: number; mail_to: string }>) {
  const { every, mail_to } = ctx.config;
  const { handler, error, execution } = failure;
  const place = error.line === null ? '' : ` (line ${error.line})`;
  const line = `${execution.finished_at}  ${handler.name}  ${error.reason}: ${error.message.slice(0, 200)}${place}  ${execution.id}`;
  const lines: string[] = [...((await ctx.state.get('lines')) ?? []), line];
  if (lines.length < every) {
    ctx.state.set('lines', lines);
    return `${lines.length} of ${every} gathered`;
  }
  ctx.state.delete('lines');
  await ctx.mail.send({ to: mail_to, subject: `${lines.length} handler failures`, text: lines.join('\n') });
  return `mailed ${lines.length}`;
}
