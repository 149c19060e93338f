import { Command } from 'commander';
import { explain, NAMES, type Reading, shownSettings } from '../../config.ts';
import { type Fault, placeText } from '../../settings/layers.ts';
import { Failure } from '../failure.ts';
import { printJson, printLine, printTable } from '../print.ts';
import { readSettings, withSettings } from '../settings.ts';

interface Options {
  json?: true;
  set?: string[];
}

const HELP = `
Examples:
  $ hookwright config check && hookwright serve
  $ EVENT_ALERT_LEVEL=30 hookwright config print
  $ hookwright config print --json | jq -r .EVENT_ALERT_LEVEL.source`;

export function command(): Command {
  const config = new Command('config').description('Looks at the settings, wherever they come from.').addHelpText('after', HELP);
  withSettings(config.command('check'))
    .summary('say what is wrong, and where')
    .description('Says what is wrong with the settings. Exit code 2 when a value cannot be used, or a file has a name that no setting has.')
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const reading = await deepReading(options);
      const isRight = reading.faults.length === 0 && !reading.unknown.some(({ isCertain }) => isCertain);
      if (options.json) printJson(report(reading, isRight));
      else tell(reading, isRight);
      process.exitCode = isRight ? 0 : 2;
    });
  withSettings(config.command('print'))
    .summary('the settings in use, and where each comes from')
    .description('Prints every setting with its value and where it comes from. Secrets are not shown.')
    .option('--json', 'as JSON')
    .action(async (options: Options) => print(await readSettings(options), options));
  return config;
}

/** Also what only the parts that use the settings can judge: they are loaded for it. */
async function deepReading(options: Options): Promise<Reading> {
  const reading = await readSettings(options);
  if (reading.config === null) return reading;
  const { deepFaults } = await import('../../wiring/deep-check.ts');
  return { ...reading, faults: deepFaults(reading.config, reading.places, Date.now()) };
}

function report({ faults, unknown, notes }: Reading, isRight: boolean): unknown {
  const plain = ({ setting, message, place }: Fault): unknown => ({
    setting,
    message,
    source: place?.kind ?? null,
    file: place?.file ?? null,
    line: place?.line ?? null,
  });
  return {
    ok: isRight,
    errors: faults.map(plain),
    unknown: unknown.map((one) => ({ ...(plain(one) as object), is_error: one.isCertain })),
    notes,
  };
}

function tell({ faults, unknown, notes }: Reading, isRight: boolean): void {
  if (faults.length > 0) process.stderr.write(`${explain(faults)}\n`);
  for (const { setting, message, place, isCertain } of unknown)
    process.stderr.write(`${isCertain ? 'Error' : 'Warning'}: ${setting}: ${message} (${placeText(place)})\n`);
  for (const note of notes) process.stderr.write(`Note: ${note}\n`);
  if (isRight) printLine('The settings can be used.');
}

function print({ config, faults, places }: Reading, { json }: Options): void {
  if (config === null) throw new Failure(explain(faults), 2);
  const rows = Object.entries(shownSettings(config)).map(([setting, value]) => {
    const place = places.get(setting);
    return { name: NAMES.shown(setting), value, source: place === undefined ? 'default' : placeText(place) };
  });
  if (json) printJson(Object.fromEntries(rows.map(({ name, value, source }) => [name, { value, source }])));
  else
    printTable(
      ['setting', 'from', 'value'],
      rows.map(({ name, value, source }) => [name, source, cell(value)]),
      'There are no settings.',
    );
}

function cell(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
