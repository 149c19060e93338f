/** MADSci's default for the setting `alert_level`: error and critical. */
export const DEFAULT_ALERT_LEVEL = 40;

/** Whether an event is an alert (M36), and so fires `event.on_alert`. */
export function isAlert(event: { alert: boolean; level: number }, alertLevel: number): boolean {
  return event.alert || event.level >= alertLevel;
}
