/** Warns when a node has sent more events than the limit within the window before this event. */
export default async function (event: LabEvent, ctx: Context<{ limit: number; minutes: number }>) {
  const { limit, minutes } = ctx.config;
  const recent = await ctx.events.query(
    { 'source.node_id': event.source.node_id },
    { limit: limit + 1, sort: { event_timestamp: -1 }, projection: { event_timestamp: 1 } },
  );
  const oldest = recent.at(-1);
  if (recent.length <= limit || oldest === undefined) return `quiet: ${recent.length} events`;
  const spanMs = Date.parse(event.event_timestamp) - Date.parse(oldest.event_timestamp);
  if (spanMs > minutes * 60_000) return `quiet: ${limit + 1} events took ${Math.round(spanMs / 1000)} s`;
  // The filter asks for a node in `source`: this event has none, so it does not come back here.
  await ctx.events.emit({
    event_type: 'log_warning',
    log_level: 'warning',
    event_data: { message: 'noisy node', node_id: event.source.node_id, events: recent.length, seconds: Math.round(spanMs / 1000) },
  });
  return `noisy: ${recent.length} events in ${Math.round(spanMs / 1000)} s`;
}
