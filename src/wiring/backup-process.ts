import { constants, setPriority } from 'node:os';
import { EngineError } from '../core/errors.ts';
import { createBackup } from '../engine/backups.ts';
import type { BackupJob, BackupReply } from './backup-job.ts';
import { backupParts } from './backups.ts';

/**
 * A process that does one piece of work on backups for a server, and ends with it or with the server. It may be killed at any time: what it
 * leaves then is no backup, and is swept by the next.
 */
process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => {}); // the server that is asked to stop ends it
process.once('message', (job: BackupJob) => {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // then it takes its share like others
  }
  void answer(job).then((reply) => process.send?.(reply, () => process.exit(0)));
});

async function answer(job: BackupJob): Promise<BackupReply> {
  try {
    return job.kind === 'create' ? await create(job) : await check(job);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', code: error instanceof EngineError ? error.code : 'backup_failed', message };
  }
}

async function create({ settings, description, scheduledFor }: Extract<BackupJob, { kind: 'create' }>): Promise<BackupReply> {
  const { backup, removed } = await createBackup(await backupParts(settings), {
    description,
    scheduledFor,
    max: settings.BACKUP_MAX_COUNT,
  });
  return { kind: 'created', name: backup.name, path: backup.path, removed };
}

async function check({ settings, names }: Extract<BackupJob, { kind: 'check' }>): Promise<BackupReply> {
  const { folder } = await backupParts(settings);
  const faults: Record<string, string | null> = {};
  for (const name of names)
    faults[name] = await folder
      .find(name)
      .then(
        async (backup) => {
          await folder.check(backup, () => {});
          return null;
        },
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  return { kind: 'checked', faults };
}
