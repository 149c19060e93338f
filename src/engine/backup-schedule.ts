import { planText, readPlan } from '../core/backup/plan.ts';
import { EngineError } from '../core/errors.ts';
import type { PlannedTimes, Schedule } from '../core/schedule.ts';
import type { BackupMaker } from '../ports/backup.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';

export interface BackupScheduleOptions {
  schedule: Schedule;
  times: PlannedTimes;
  settings: Pick<KeyStore, 'setting' | 'exchangeSetting'>;
  leadership: Leadership | undefined;
  list: BackupMaker['list'];
  /** Makes the backup, and says to whom it concerns how that went. */
  make(scheduledFor: number): Promise<void>;
  clock: Clock;
  log: Log;
}

const NAME = 'backup_schedule';
const LEAD_MS = 60_000;
const RENEW_MS = 15_000;
const LONGEST_WAIT_MS = 60_000;
const AGAIN_MS = 30_000;

/**
 * Makes a backup at each instant of the schedule, on one of the servers. The next instant is kept in the store and moved on only when its
 * backup has been made or has failed: a server that dies in between leaves it to the next. A backup notes the instant that it was made for,
 * so none is made twice. Of several instants that passed while no server ran, one backup is made.
 */
export function backupSchedule(o: BackupScheduleOptions): { start(): void; stop(): void } {
  let cancel = (): void => {};
  let isStopped = false;

  const arm = (ms: number): void => {
    if (!isStopped) cancel = o.clock.after(Math.max(0, ms), () => void tick());
  };
  async function tick(): Promise<void> {
    try {
      arm(await step(o));
    } catch (error) {
      if (isStopped) return;
      o.log('error', 'a backup of the schedule could not be looked after', { error });
      arm(AGAIN_MS);
    }
  }
  return {
    start: () => arm(0),
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** Does what is due. Answers after how long to look again. */
async function step(o: BackupScheduleOptions): Promise<number> {
  const { settings, schedule, times, clock } = o;
  const text = await settings.setting(NAME);
  const plan = readPlan(text, schedule);
  if (plan === null) {
    const due = times.after(clock.now());
    if (due === null) return LONGEST_WAIT_MS;
    await settings.exchangeSetting(NAME, text, planText({ ...schedule, due }));
    return Math.min(due - clock.now(), LONGEST_WAIT_MS);
  }
  if (plan.due > clock.now()) return Math.min(plan.due - clock.now(), LONGEST_WAIT_MS);
  return (await asLeader(o, () => runDue(o, plan.due, text))) ?? AGAIN_MS;
}

async function runDue(o: BackupScheduleOptions, due: number, text: string | null): Promise<number> {
  const { settings, schedule, times, clock } = o;
  if (!(await o.list()).some(({ scheduledFor }) => scheduledFor === due)) {
    try {
      await o.make(due);
    } catch (error) {
      // Somebody's backup is under way: this one comes after it.
      if (error instanceof EngineError && error.code === 'backup_running') return AGAIN_MS;
      if (error instanceof EngineError && error.code === 'shutting_down') return LONGEST_WAIT_MS;
    }
  }
  const next = times.after(Math.max(due, clock.now()));
  if (next === null) return LONGEST_WAIT_MS;
  await settings.exchangeSetting(NAME, text, planText({ ...schedule, due: next }));
  return Math.min(next - clock.now(), LONGEST_WAIT_MS);
}

/** Null while another server leads. */
async function asLeader<T>({ leadership, clock }: BackupScheduleOptions, work: () => Promise<T>): Promise<T | null> {
  if (leadership === undefined) return work();
  const lead = (ms: number): Promise<boolean> => leadership.lead('backups', clock.now(), ms);
  if (!(await lead(LEAD_MS))) return null;
  let cancel = (): void => {};
  const renew = (): void => {
    cancel = clock.after(RENEW_MS, () => {
      void lead(LEAD_MS).catch(() => {});
      renew();
    });
  };
  renew();
  try {
    return await work();
  } finally {
    cancel();
    await lead(0).catch(() => {}); // then it ends by itself
  }
}
