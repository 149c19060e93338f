import { isAbsolute } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { EngineError } from '../../core/errors.ts';
import {
  type BackupParts,
  createBackup,
  latestBackup,
  noteRestore,
  pruneBackups,
  restoreBackup,
  verifyBackup,
} from '../../engine/backups.ts';
import type { StoredBackup } from '../../ports/backup.ts';
import { backupParts, backupSettings } from '../../wiring/backups.ts';
import { Failure } from '../failure.ts';
import { phases } from '../phases.ts';
import { printJson, printLine, printTable } from '../print.ts';
import { openConfig, withSettings } from '../settings.ts';

interface Options {
  json?: true;
  set?: string[];
  description?: string;
  rehearse?: true;
  finish?: true;
  keep?: number;
}

const HELP = `
A backup is named as "hookwright backup list" shows it, or by its path; the newest valid one is "latest".
Exit codes: 0 done; 1 failed, or a backup is damaged; 2 used wrongly.

Examples:
  $ hookwright backup create --description "before the move"   also while the server runs
  $ hookwright backup list --json | jq -r '.[0].path'
  $ hookwright backup verify latest --rehearse                  also puts it into a scratch place
  $ hookwright backup restore latest                            stop every server before`;

export function command(): Command {
  const backup = new Command('backup').description('Makes, lists, checks and puts back backups of the store.').addHelpText('after', HELP);
  const add = (usage: string, summary: string): Command =>
    withSettings(backup.command(usage)).summary(summary).description(summary).option('--json', 'as JSON');
  add('create', 'make a backup, also while servers run').option('--description <text>', 'ends its name', 'manual_backup').action(create);
  add('list', 'list the backups, newest first').action(list);
  add('verify [backup]', 'compare every byte and read everything; the newest without a name')
    .option('--rehearse', 'also put it into a scratch place and take it away again')
    .action(verify);
  add('restore [backup]', 'replace the store by a backup; what was there is kept beside it')
    .option('--finish', 'end a restore that was interrupted')
    .action(restore);
  add('prune', 'remove the oldest backups').option('--keep <number>', 'how many stay; default: BACKUP_MAX_COUNT', keepNumber).action(prune);
  return backup;
}

function keepNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It takes a number from 1.');
  return Number(text);
}

async function partsFor(options: Options): Promise<{ parts: BackupParts; max: number }> {
  const config = await openConfig(options);
  return { parts: await backupParts(backupSettings(config)), max: config.BACKUP_MAX_COUNT };
}

async function create(options: Options): Promise<void> {
  const { parts, max } = await partsFor(options);
  using shown = phases();
  const { backup, removed } = await createBackup(parts, { description: options.description ?? '', max }, shown.onProgress);
  if (options.json) printJson({ ...plain(backup), removed });
  else {
    printLine(`The backup is ${backup.path} (${size(backup.bytes)}).`);
    if (backup.manifest?.consistent === false)
      printLine('It is not of one moment: this mongod is no member of a replica set. Stop the server for one that is.');
    for (const name of removed) printLine(`Removed ${name}.`);
  }
}

async function list(options: Options): Promise<void> {
  const { parts } = await partsFor(options);
  const found = await parts.folder.list();
  if (options.json) printJson(found.map(plain));
  else
    printTable(
      ['name', 'made', 'size', 'state'],
      found.map((one) => [one.name, new Date(one.createdAt).toISOString(), size(one.bytes), stateOf(one)]),
      `There are no backups in ${parts.folder.path}.`,
    );
}

function stateOf({ fault, maker }: StoredBackup): string {
  if (fault !== null) return `damaged: ${fault}`;
  return maker === 'madsci' ? "made by MADSci's tool" : 'complete';
}

async function verify(name: string | undefined, options: Options): Promise<void> {
  const { parts } = await partsFor(options);
  const backup = await named(parts, name ?? 'latest');
  using shown = phases();
  await verifyBackup(parts, backup, { rehearse: options.rehearse ?? false }, shown.onProgress);
  if (options.json) printJson({ ...plain(backup), is_valid: true });
  else printLine(`The backup ${backup.name} is as it was made${options.rehearse ? ', and can be put back' : ''}.`);
}

async function restore(name: string | undefined, options: Options): Promise<void> {
  const { parts } = await partsFor(options);
  if (options.finish) return finish(parts, options);
  if (name === undefined) throw new Failure('Say which backup: a name that "hookwright backup list" shows, a path, or latest.', 2);
  const backup = await named(parts, name);
  using shown = phases();
  const replaced = await restoreBackup(parts, backup, shown.onProgress);
  await noteRestore(parts, backup, Date.now());
  if (options.json) printJson({ restored: backup.path, replaced });
  else {
    printLine(`The store is now as in ${backup.name}.`);
    printLine(
      replaced === null ? 'There was nothing before.' : `What it replaced is kept in ${replaced}; remove it when it is not needed.`,
    );
  }
}

async function finish({ store }: BackupParts, { json }: Options): Promise<void> {
  const isFinished = await store.finish();
  if (json) printJson({ finished: isFinished });
  else printLine(isFinished ? 'The restore has ended: the store is as in the backup.' : 'There was nothing to finish.');
}

async function prune(options: Options): Promise<void> {
  const { parts, max } = await partsFor(options);
  const removed = await pruneBackups(parts, options.keep ?? max);
  if (options.json) printJson({ removed });
  else printLine(removed.length === 0 ? 'There was nothing to remove.' : removed.map((one) => `Removed ${one}.`).join('\n'));
}

async function named(parts: BackupParts, text: string): Promise<StoredBackup> {
  const { folder, place } = parts;
  if (isAbsolute(text) || text.startsWith('./') || text.startsWith('../')) return folder.at(text);
  if (text !== 'latest') return folder.find(text);
  const newest = await latestBackup(parts);
  if (newest === null) throw new EngineError('backup_not_found', `There is no valid backup of ${place} in ${folder.path}.`);
  return newest;
}

function plain({ name, path, createdAt, bytes, maker, manifest, fault }: StoredBackup): Record<string, unknown> {
  return {
    name,
    path,
    created_at: new Date(createdAt).toISOString(),
    size_bytes: bytes,
    made_by: maker,
    description: manifest?.description ?? null,
    counts: manifest?.counts ?? null,
    fault,
  };
}

function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${power === 0 ? bytes : (bytes / 1_000 ** power).toFixed(1)} ${units[power]}`;
}
