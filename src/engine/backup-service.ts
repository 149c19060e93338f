import { RESTORED } from '../core/backup/plan.ts';
import { EngineError } from '../core/errors.ts';
import type { PlannedTimes, Schedule } from '../core/schedule.ts';
import type { BackupMaker, BackupStatus } from '../ports/backup.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';
import { backupSchedule } from './backup-schedule.ts';
import type { Ingest } from './ingest.ts';

/** Backups as a running server makes them. */
export interface BackupService {
  /** Makes one and answers where it is. Throws backup_running or backup_failed. */
  create(description: string): Promise<string>;
  list(): Promise<BackupStatus[]>;
  start(): void;
  /** Cuts off what is under way: it leaves nothing that counts. */
  stop(): Promise<void>;
}

export interface BackupServiceOptions {
  maker: BackupMaker;
  ingest: Pick<Ingest, 'one'>;
  /** Null: backups are made only when somebody asks. */
  schedule: { schedule: Schedule; times: PlannedTimes } | null;
  settings: Pick<KeyStore, 'setting' | 'exchangeSetting'>;
  leadership: Leadership | undefined;
  clock: Clock;
  log: Log;
}

const SCHEDULED = 'scheduled_backup';
const INFO = 20;
const ERROR = 40;

export function backupService(o: BackupServiceOptions): BackupService {
  const { maker, clock, log } = o;
  let isBusy = false;

  async function make(description: string, scheduledFor: number | null): Promise<string> {
    if (isBusy) throw new EngineError('backup_running', 'Another backup is being made.');
    isBusy = true;
    const start = clock.now();
    try {
      const path = await maker.make({ description, scheduledFor });
      await tell(INFO, { message: 'Backup created', backup_path: path, description, seconds: (clock.now() - start) / 1_000 });
      return path;
    } catch (error) {
      if (!(error instanceof EngineError && ['backup_running', 'shutting_down'].includes(error.code)))
        await tell(ERROR, { message: `Backup failed: ${error instanceof Error ? error.message : String(error)}`, description });
      throw error;
    } finally {
      isBusy = false;
    }
  }

  /** As an event like any other (M34): handlers run on it, and a failure alerts. */
  async function tell(level: number, data: Record<string, unknown>): Promise<void> {
    log(level === ERROR ? 'error' : 'info', String(data['message']), { description: data['description'] });
    try {
      await o.ingest.one(JSON.stringify({ event_type: 'backup_create', log_level: level, event_data: data }));
    } catch (error) {
      log('error', 'the event about a backup was not stored', { error });
    }
  }

  /** A restore cannot tell of itself: no server runs then. Told twice when this one dies right after. */
  async function tellOfRestore(): Promise<void> {
    const note = await o.settings.setting(RESTORED);
    if (note === null || note === '') return;
    const { backup, at } = JSON.parse(note) as { backup: string; at: number };
    const data = { message: 'Backup restored', backup, restored_at: new Date(at).toISOString() };
    await o.ingest.one(JSON.stringify({ event_type: 'backup_restore', log_level: INFO, event_data: data }));
    await o.settings.exchangeSetting(RESTORED, note, '');
  }

  const schedule =
    o.schedule === null
      ? null
      : backupSchedule({
          ...o,
          ...o.schedule,
          list: () => maker.list(),
          make: async (scheduledFor) => void (await make(SCHEDULED, scheduledFor)),
        });
  return {
    create: (description) => make(description, null),
    list: () => maker.list(),
    start() {
      tellOfRestore().catch((error: unknown) => log('error', 'the event about a restore was not stored', { error }));
      schedule?.start();
    },
    async stop() {
      schedule?.stop();
      await maker[Symbol.asyncDispose]();
    },
  };
}
