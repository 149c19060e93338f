import { Command, InvalidArgumentError, Option } from 'commander';
import { mismatchText, type SchemaState, standingOf } from '../../core/schema-version.ts';
import type { Migrations } from '../../ports/migrations.ts';
import { RELEASE } from '../../release.ts';
import { type MigrateResult, type MigrationBackup, migrate, openMigrations } from '../../wiring/migrate.ts';
import { migrationBackup } from '../../wiring/migration-backup.ts';
import { Failure } from '../failure.ts';
import { printJson, printLine } from '../print.ts';
import { progress } from '../progress.ts';
import { openConfig, withSettings } from '../settings.ts';

interface Options {
  check?: true;
  checkVersion?: true;
  verify?: true;
  validateSchema?: true;
  dryRun?: true;
  target?: number;
  targetVersion?: string;
  backup: boolean;
  backupOnly?: true;
  restoreFrom?: string;
  json?: true;
  set?: string[];
  dbUrl?: string;
  documentDbUrl?: string;
  database?: string;
  backupDir?: string;
}

const HELP = `
Exit codes: 0 done, or nothing to do; 1 failed, or --check found something to do; 2 used wrongly.

Examples:
  $ hookwright migrate --dry-run          what would be done
  $ hookwright migrate                    a backup, then all steps
  $ hookwright migrate --check || echo "hookwright migrate is needed"
  $ hookwright migrate --set data_dir=/var/lib/hookwright

The names of MADSci's tool are taken as well: --check_version, --target_version, --validate_schema, --backup_only, --restore_from,
--db-url, --document_db_url, --database, --backup_dir, --schema_file (which is not needed: the steps are part of this program).`;

export function command(): Command {
  const migration = withSettings(new Command('migrate'))
    .description('Brings the store up to what this release needs. Stop every server on it before.')
    .option('--check', 'only say whether it is needed: exit code 1 if so')
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--verify', 'compare tables and indexes with what they should be: exit code 1 if they differ')
    .option('--target <number>', 'go no further than this step', wholeNumber)
    .option('--no-backup', 'make no backup before')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP);
  const hidden = (flags: string): Option => new Option(flags).hideHelp();
  for (const flags of ['--check_version', '--validate_schema', '--backup_only', '--schema_file <path>', '--target_version <version>'])
    migration.addOption(renamed(hidden(flags)));
  for (const flags of [
    '--restore_from <path>',
    '--db-url <url>',
    '--db_url <url>',
    '--document_db_url <url>',
    '--database <name>',
    '--backup_dir <folder>',
  ])
    migration.addOption(renamed(hidden(flags)));
  return migration.action(run);
}

/** MADSci writes names of options with underlines. */
function renamed(option: Option): Option {
  const name = option.name().replaceAll(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase());
  option.attributeName = () => name;
  return option;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It takes the number of a step.');
  return Number(text);
}

async function run(options: Options): Promise<void> {
  const config = await openConfig({ set: [...(options.set ?? []), ...namedAsByMadsci(options)] });
  await using migrations = await openMigrations(config);
  if (options.check || options.checkVersion) return check(await migrations.state(), options);
  if (options.verify || options.validateSchema) return verify(await migrations.differences(), options);
  using bar = progress('Backup');
  const backup = await migrationBackup(config, ({ done, total }) => bar.update(done, total ?? undefined));
  if (options.restoreFrom !== undefined) return await restore(migrations, backup, options.restoreFrom);
  if (options.backupOnly) return await backUp(migrations, backup);
  // SQLite works without a pause in which a signal could be handled: an interruption ends the process, and the transaction with it.
  process.removeAllListeners('SIGINT');
  const result = await migrate({
    migrations,
    backup: options.backup ? backup : null,
    target: targetOf(options),
    isDryRun: options.dryRun ?? false,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  if (options.json) printJson(plain(result));
  else tell(result);
}

function namedAsByMadsci({ dbUrl, documentDbUrl, database, backupDir }: Options): string[] {
  const given = { event_db_url: documentDbUrl ?? dbUrl, event_database_name: database, backup_dir: backupDir };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
}

/** MADSci's documents have one version, which is where this goes anyway. */
function targetOf({ target, targetVersion }: Options): number | null {
  if (targetVersion === undefined || targetVersion === '1.0.0') return target ?? null;
  if (/^\d{1,6}$/.test(targetVersion)) return Number(targetVersion);
  throw new Failure(
    `--target_version takes 1.0.0, the version of MADSci's documents, or the number of a step; not ${JSON.stringify(targetVersion)}.`,
    2,
  );
}

function check(state: SchemaState, { json }: Options): void {
  const standing = standingOf(state);
  const isNeeded = standing === 'older' || standing === 'newer';
  if (json) printJson(plain({ kind: 'nothing_to_do', state }, isNeeded));
  else printLine(isNeeded ? mismatchText(state, RELEASE) : upToDate(state));
  process.exitCode = isNeeded ? 1 : 0;
}

function verify(differences: readonly string[], { json }: Options): void {
  if (json) printJson({ valid: differences.length === 0, differences });
  else for (const line of differences.length === 0 ? ['Everything is as it should be.'] : differences) printLine(line);
  process.exitCode = differences.length === 0 ? 0 : 1;
}

async function backUp(migrations: Migrations, backup: MigrationBackup): Promise<void> {
  await using _held = await migrations.hold();
  printLine(await backup.create());
}

async function restore(migrations: Migrations, backup: MigrationBackup, path: string): Promise<void> {
  await using _held = await migrations.hold();
  await backup.restore(path);
  printLine(`Restored from ${path}.`);
}

const upToDate = ({ place, found, known }: SchemaState): string =>
  found === null ? `${place} is new: the first start makes it.` : `${place} is up to date: schema ${known}.`;

function tell(result: MigrateResult): void {
  for (const line of linesOf(result)) printLine(line);
}

function linesOf(result: MigrateResult): string[] {
  if (result.kind === 'nothing_to_do') return [upToDate(result.state)];
  if (result.kind === 'migrated') return [`Done: schema ${result.from} became ${result.to}. Servers of Hookwright ${RELEASE} can start.`];
  const { place, found } = result.state;
  return [`${place} has schema ${found}. This would be done:`, ...result.steps.map(({ number, title }) => `  ${number}. ${title}`)];
}

function plain(result: MigrateResult, isNeeded = false): unknown {
  if (result.kind === 'migrated') return { migrated: true, from: result.from, to: result.to, backup: result.backup };
  const { found, known, pending, release, notes } = result.state;
  const steps = result.kind === 'would_migrate' ? result.steps : pending;
  return { migrated: false, needed: isNeeded || result.kind === 'would_migrate', found, known, pending: steps, written_by: release, notes };
}
