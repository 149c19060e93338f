/** Counts events per hour and type. The first event of a new hour emits a summary of the hour before. */
export default async function (event, ctx) {
  const hour = event.event_timestamp.slice(0, 13);
  const last = await ctx.state.get('hour');
  if (last !== null && hour > last) await summarise(last, ctx);
  if (last === null || hour > last) ctx.state.set('hour', hour);
  // A latecomer counts for the hour that is open now.
  ctx.state.increment(`count:${event.event_type}`);
  const types = (await ctx.state.get('types')) ?? [];
  if (!types.includes(event.event_type)) ctx.state.set('types', [...types, event.event_type]);
}

async function summarise(hour, ctx) {
  const counts = {};
  for (const type of (await ctx.state.get('types')) ?? []) {
    counts[type] = await ctx.state.get(`count:${type}`);
    ctx.state.delete(`count:${type}`);
  }
  ctx.state.delete('types');
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  // The filter leaves out events with `rate_of`, or each summary would count itself.
  await ctx.events.emit({ event_type: 'log_info', event_data: { message: `${total} events`, rate_of: hour, total, counts } });
}
