import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { type Ask, openServer, type ServerOptions, withServer } from '../client.ts';
import { Failure } from '../failure.ts';
import { printJson, printLine } from '../print.ts';
import { progress } from '../progress.ts';

/** As GET /retention answers. */
interface View {
  enabled: boolean;
  archive_after_days: number;
  delete_after_days: number;
  keep_executions_days: number;
  keep_mails_days: number;
  state: 'idle' | 'running' | 'held' | 'given_up';
  clock_ahead_days: number | null;
  last_run: Run | null;
}
interface Run {
  ended_at: string;
  archived: number;
  deleted: number;
  executions: number;
  mails: number;
  complete: boolean;
  error: string | null;
}
interface Preview {
  enabled: boolean;
  archive: { count: number; event_timestamp_before: string };
  delete: { count: number; archived_before: string };
}
interface Options extends ServerOptions {
  json?: true;
  clockIsRight?: true;
}

const HELP = `
Examples:
  $ hookwright retention preview                  what would be archived and deleted
  $ hookwright retention run                      do it now
  $ HOOKWRIGHT_KEY=hw_... hookwright retention status --url https://events.example.org

The running server is asked. The key is taken from HOOKWRIGHT_KEY, or ADMIN_KEY of the settings.`;

export function command(): Command {
  const retention = new Command('retention')
    .description('Archiving and deleting by age, as the running server does it.')
    .addHelpText('after', HELP);
  withServer(retention.command('status'))
    .summary('how long things are kept, and what the last run did')
    .action(async (options: Options) => show(await (await openServer(options))<View>('GET', '/retention'), options));
  withServer(retention.command('preview'))
    .summary('what would be archived and deleted now')
    .action(async (options: Options) => preview(await (await openServer(options))<Preview>('GET', '/retention/preview'), options));
  withServer(retention.command('run'))
    .summary('run it now, and wait until it has ended')
    .option('--clock-is-right', 'the clock is right although it is far ahead of what the store has seen')
    .action(async (options: Options) => run(await openServer(options), options));
  return retention;
}

const count = (value: number): string => value.toLocaleString('en-US');

function preview({ enabled, archive, delete: purge }: Preview, { json }: Options): void {
  if (json) return void printJson({ enabled, archive, delete: purge });
  printLine(`would archive ${count(archive.count)} events, from before ${archive.event_timestamp_before}`);
  printLine(`would delete ${count(purge.count)} events, archived before ${purge.archived_before}`);
  if (!enabled) printLine('Retention is not enabled: nothing of this happens. EVENT_RETENTION_ENABLED=true enables it.');
}

function show(view: View, { json }: Options): void {
  if (json) return void printJson(view);
  const days = (value: number): string => (value === 0 ? 'for ever' : `${count(value)} days`);
  printLine(
    view.enabled
      ? `Events are archived after ${days(view.archive_after_days)} and deleted ${days(view.delete_after_days)} later.`
      : 'Events are kept: retention is not enabled.',
  );
  printLine(`Ended executions are kept ${days(view.keep_executions_days)}, sent mails ${days(view.keep_mails_days)}.`);
  if (view.state === 'held') printLine(`HELD: the clock is ${view.clock_ahead_days} days ahead of what the store has seen.`);
  if (view.state === 'given_up') printLine('GIVEN UP: a run failed. There is none until the next start.');
  if (view.state === 'running') printLine('A run is under way.');
  printLine(view.last_run === null ? 'There was no run yet.' : lastRun(view.last_run));
}

function lastRun(run: Run): string {
  const did = `archived ${count(run.archived)} events, deleted ${count(run.deleted)}; executions ${count(run.executions)}, mails ${count(run.mails)}`;
  const end = run.error !== null ? `; it failed: ${run.error}` : run.complete ? '' : '; the rest is done by the next one';
  return `The last run ended ${run.ended_at}: ${did}${end}.`;
}

const LOOK_MS = 500;

async function run(ask: Ask, options: Options): Promise<void> {
  let view = await ask<View>('POST', '/retention/run', { clock_is_right: options.clockIsRight ?? false });
  using bar = progress('Retention, seconds');
  for (let waited = 0; view.state === 'running'; waited += LOOK_MS) {
    bar.update(waited / 1_000);
    await setTimeout(LOOK_MS);
    view = await ask<View>('GET', '/retention');
  }
  show(view, options);
  if (view.last_run?.error != null) throw new Failure('The run failed.');
}
