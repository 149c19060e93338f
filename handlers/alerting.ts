/** Raises an alert for each event that has the alert flag, or whose log_level is at least the setting ALERT_LEVEL. */
export default async function alerting(event: LabEvent, ctx: Context<{ alert_level: number }>) {
  if (event.alert || event.log_level >= ctx.config.alert_level) await ctx.alerts.raise(event);
}
