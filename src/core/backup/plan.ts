import type { Schedule } from '../schedule.ts';

/** The setting by which a restore tells the server that starts next. */
export const RESTORED = 'restored';

/** When the next backup of the schedule is due, as it is kept in the store. */
export interface BackupPlan extends Schedule {
  /** Milliseconds. */
  due: number;
}

export const planText = ({ cron, timezone, due }: BackupPlan): string => JSON.stringify({ cron, timezone, due });

/** Null for a text that says nothing about this schedule: none was planned, or it has been changed since. */
export function readPlan(text: string | null, { cron, timezone }: Schedule): BackupPlan | null {
  if (text === null) return null;
  const plan = JSON.parse(text) as Partial<BackupPlan>;
  return plan.cron === cron && plan.timezone === timezone && typeof plan.due === 'number' ? { cron, timezone, due: plan.due } : null;
}
