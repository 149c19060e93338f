import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Ask, openServer, type ServerOptions, withServer } from '../client.ts';
import { Failure } from '../failure.ts';
import { printJson, printLine } from '../print.ts';
import { progress } from '../progress.ts';

interface Options extends ServerOptions {
  json?: true;
  before?: string;
  idsFile?: string;
}

const HELP = `
Examples:
  $ hookwright archive --before 2026-01-01                  whose event_timestamp is earlier, as text
  $ hookwright archive 01ARZ3NDEKTSV4RRFFQ69G5FAV
  $ hookwright archive --ids-file ids.txt                   one id a line; - reads standard input

The running server is asked. The key is taken from HOOKWRIGHT_KEY, or ADMIN_KEY of the settings.`;

/** So many ids go with one request, so that no answer takes long. */
const AT_ONCE = 10_000;

export function command(): Command {
  return withServer(new Command('archive'))
    .description('Archives events: lists show them only when asked to, and a purge may delete them.')
    .argument('[id...]', 'ids of events')
    .option('--before <time>', 'all events from before this time')
    .option('--ids-file <path>', 'a file with one id a line')
    .addHelpText('after', HELP)
    .action(async (ids: string[], options: Options) => {
      const all = options.idsFile === undefined ? ids : [...ids, ...linesOf(options.idsFile)];
      if (all.length > 0 === (options.before !== undefined)) throw new Failure('Give ids, or --before; one of the two.', 2);
      const ask = await openServer(options);
      const archived = options.before === undefined ? await archiveIds(ask, all) : await archive(ask, { before_date: options.before });
      if (options.json) printJson({ archived_count: archived });
      else printLine(`Archived ${archived.toLocaleString('en-US')} events.`);
    });
}

function linesOf(path: string): string[] {
  try {
    const text = readFileSync(path === '-' ? 0 : path, 'utf8');
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  } catch (cause) {
    throw new Failure(`${path} cannot be read.`, 2, { cause });
  }
}

async function archive(ask: Ask, request: object): Promise<number> {
  return (await ask<{ archived_count: number }>('POST', '/events/archive', request)).archived_count;
}

async function archiveIds(ask: Ask, ids: readonly string[]): Promise<number> {
  using bar = progress('Archived');
  let archived = 0;
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    archived += await archive(ask, { event_ids: ids.slice(from, from + AT_ONCE) });
    bar.update(Math.min(from + AT_ONCE, ids.length), ids.length);
  }
  return archived;
}
