interface Config {
  high: number;
  low: number;
  mail_to: string;
}

/** One mail when a node gets too warm, one when it has cooled down: between `low` and `high` nothing changes. */
export default async function (event: LabEvent, ctx: Context<Config>) {
  const { high, low, mail_to } = ctx.config;
  const node = event.source.node_id ?? 'unknown node';
  const value = Number(event.event_data.temperature);
  const key = `hot:${node}`;
  const isHot = (await ctx.state.get(key)) === true;

  if (!isHot && value >= high) {
    ctx.state.set(key, true);
    await ctx.mail.send({ to: mail_to, subject: `${node}: ${value} °C`, text: `At least ${high} °C since ${event.event_timestamp}.` });
    return `alert at ${value}`;
  }
  if (isHot && value <= low) {
    ctx.state.delete(key);
    await ctx.mail.send({
      to: mail_to,
      subject: `${node}: back to ${value} °C`,
      text: `At most ${low} °C since ${event.event_timestamp}.`,
    });
    return `all clear at ${value}`;
  }
  return isHot ? `still hot: ${value}` : `fine: ${value}`;
}
