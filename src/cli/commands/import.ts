import { closeSync, openSync, writeSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { localTime } from '../../adapters/system/local-time.ts';
import { type ImportCounts, importEvents, type Refused } from '../../engine/import.ts';
import { importFile, openImport } from '../../wiring/imports.ts';
import { printJson, printLine } from '../print.ts';
import { progress } from '../progress.ts';
import { openConfig, withSettings } from '../settings.ts';

interface Options {
  json?: true;
  set?: string[];
  collection?: string;
  refused?: string;
}

const HELP = `
PATH is one of
  - a folder that mongodump or MADSci's backup tool wrote; the checksum of the latter is compared first
  - a file of it: events.bson or events.bson.gz
  - JSON of events: an array, what GET /events answered, or one event per line (.json, .ndjson, .jsonl, each also with .gz)

Events keep their ids, times and archive dates. No handler runs on them. An event that is there already is passed over, so an import that
was interrupted is simply started again. SQLite: stop the server before. Exit code 1 when some events were refused.

Examples:
  $ hookwright import ./dump/madsci_events
  $ hookwright import events.json --refused refused.ndjson`;

export function command(): Command {
  return withSettings(new Command('import'))
    .description('Takes events of MADSci into the store.')
    .argument('<path>', 'a folder or a file')
    .option('--collection <name>', 'which collection of a folder; default: EVENT_COLLECTION_NAME')
    .option('--refused <file>', 'where to write what was not taken; default: NAME.refused.ndjson in the current folder')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(path: string, options: Options): Promise<void> {
  const config = await openConfig(options);
  const file = await importFile(path, options.collection ?? config.EVENT_COLLECTION_NAME);
  await using target = await openImport(config);
  using refusals = refusalFile(resolve(options.refused ?? `${basename(file.path)}.refused.ndjson`));
  using bar = progress('Import (bytes)');
  let read = 0;
  const events = file.events((count) => {
    read += count;
    bar.update(read, file.bytes);
  });
  const { naiveOffsetMinutes } = localTime();
  const counts = await importEvents({ events, target, naiveOffsetMinutes, onRefused: refusals.write, onCounts: () => {} });
  bar[Symbol.dispose]();
  if (options.json) printJson({ file: file.path, ...counts, refused: refusals.path });
  else tell(file.path, counts, refusals.path);
  process.exitCode = counts.conflict + counts.invalid > 0 ? 1 : 0;
}

function tell(path: string, { stored, duplicate, conflict, invalid }: ImportCounts, refused: string | null): void {
  printLine(`${path}: ${stored} stored, ${duplicate} there already, ${conflict} with an id that is taken, ${invalid} invalid.`);
  if (refused !== null) printLine(`What was not taken is in ${refused}, each with the reason.`);
}

/** Made only when something is refused. `path`: null as long as nothing was. */
function refusalFile(path: string): { path: string | null; write(refused: Refused): void } & Disposable {
  let file: number | null = null;
  return {
    get path() {
      return file === null ? null : path;
    },
    write({ place, reason, json }) {
      file ??= openSync(path, 'w', 0o600);
      // The event's text is kept as it is, if it is JSON at all.
      writeSync(file, `{"place":${JSON.stringify(place)},"reason":${JSON.stringify(reason)},"event":${oneLine(json)}}\n`);
    },
    [Symbol.dispose]() {
      if (file !== null) closeSync(file);
    },
  };
}

function oneLine(json: string | null): string {
  if (json === null) return 'null';
  try {
    JSON.parse(json);
    return json.replaceAll(/\r?\n/g, ' '); // none stands inside a string of JSON
  } catch {
    return JSON.stringify(json);
  }
}
