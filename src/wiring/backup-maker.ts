import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { backupFolder } from '../adapters/files/backup-folder.ts';
import { EngineError } from '../core/errors.ts';
import type { BackupMaker, StoredBackup } from '../ports/backup.ts';
import type { BackupJob, BackupReply } from './backup-job.ts';
import type { BackupSettings } from './backups.ts';

/** How long a list waits for bytes to be compared; what is not known by then counts as it looks, and is known the next time. */
const PATIENCE_MS = 3_000;

/** Makes backups in a process of their own, which can be killed at any moment and reads the store itself. */
export function backupMaker(settings: BackupSettings): BackupMaker {
  const folder = backupFolder(settings.BACKUP_DIR);
  const children = new Set<ChildProcess>();
  /** Whether all bytes of a backup are right, by its name and what its files look like. */
  const known = new Map<string, boolean>();
  let checking: Promise<void> | null = null;
  let isStopping = false;

  async function run(job: BackupJob): Promise<Exclude<BackupReply, { kind: 'failed' }>> {
    if (isStopping) throw stopping();
    const child = fork(new URL('./backup-process.ts', import.meta.url), [], {
      env: childEnvironment(),
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    children.add(child);
    const ended = once(child, 'exit').finally(() => children.delete(child));
    try {
      child.send(job);
      const reply = await Promise.race([once(child, 'message').then(([message]) => message as BackupReply), ended.then(() => null)]);
      if (reply === null) throw isStopping ? stopping() : new EngineError('backup_failed', 'The process that made the backup was ended.');
      if (reply.kind === 'failed') throw new EngineError(reply.code, reply.message);
      return reply;
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }

  const keyOf = async (backup: StoredBackup): Promise<string> => `${backup.name} ${await folder.signature(backup)}`;

  async function check(unknown: readonly { backup: StoredBackup; key: string }[]): Promise<void> {
    const reply = await run({ kind: 'check', settings, names: unknown.map(({ backup }) => backup.name) });
    if (reply.kind !== 'checked') return;
    for (const { backup, key } of unknown) known.set(key, reply.faults[backup.name] === null);
  }

  return {
    async make({ description, scheduledFor }) {
      const reply = await run({ kind: 'create', settings, description, scheduledFor });
      if (reply.kind !== 'created') throw new EngineError('backup_failed', 'There was no answer.');
      known.set(await keyOf(await folder.find(reply.name)), true); // it was hashed while it was made
      return reply.path;
    },
    async list() {
      const found = await Promise.all((await folder.list()).map(async (backup) => ({ backup, key: await keyOf(backup) })));
      const unknown = found.filter(({ backup, key }) => backup.fault === null && !known.has(key));
      if (unknown.length > 0 && !isStopping) {
        checking ??= check(unknown)
          .catch(() => {})
          .finally(() => {
            checking = null;
          });
        await within(checking, PATIENCE_MS);
      }
      const keys = new Set(found.map(({ key }) => key));
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
      return found.map(({ backup, key }) => ({
        path: backup.path,
        createdAt: backup.createdAt,
        bytes: backup.bytes,
        isValid: backup.fault === null && (known.get(key) ?? true),
        scheduledFor: backup.manifest?.scheduled_for == null ? null : Date.parse(backup.manifest.scheduled_for),
      }));
    },
    async [Symbol.asyncDispose]() {
      isStopping = true;
      const ends = [...children].map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ends);
    },
  };
}

/** Nothing of the server's environment, in which there are secrets; what the process needs to know it is told. */
function childEnvironment(): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir();
  return { TZ: process.env['TZ'], ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) };
}

const stopping = (): EngineError => new EngineError('shutting_down', 'The server is stopping.');

async function within(work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
