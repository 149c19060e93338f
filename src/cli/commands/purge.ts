import { Command, InvalidArgumentError } from 'commander';
import { openServer, type ServerOptions, withServer } from '../client.ts';
import { printJson, printLine } from '../print.ts';

interface Options extends ServerOptions {
  json?: true;
  olderThanDays: number;
}

const HELP = `
Examples:
  $ hookwright purge --older-than-days 365     archived more than a year ago
  $ hookwright purge --older-than-days 0       everything that is archived

What is purged is gone. Events that clients sent as archived stay.
The running server is asked. The key is taken from HOOKWRIGHT_KEY, or ADMIN_KEY of the settings.`;

export function command(): Command {
  return withServer(new Command('purge'))
    .description('Deletes archived events for good.')
    .requiredOption('--older-than-days <days>', 'how long ago they were archived', days)
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const ask = await openServer(options);
      const { deleted_count } = await ask<{ deleted_count: number }>('DELETE', `/events/archived?older_than_days=${options.olderThanDays}`);
      if (options.json) printJson({ deleted_count });
      else printLine(`Deleted ${deleted_count.toLocaleString('en-US')} events.`);
    });
}

function days(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It takes a whole number of days.');
  return Number(text);
}
