import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { type Config, explain, type Reading, readLayers } from '../config.ts';
import { placeText } from '../settings/layers.ts';
import { readSources } from '../settings/sources.ts';
import { Failure } from './failure.ts';

/** Adds `--set name=value`, by which a command line can give any setting, before all other sources. */
export function withSettings(command: Command): Command {
  return command.option('--set <name=value>', 'a setting for this run, such as data_dir=./data; may be repeated', collect, []);
}

function collect(given: string, before: readonly string[]): string[] {
  if (!/^[^=]+=/.test(given)) throw new InvalidArgumentError('It takes name=value.');
  return [...before, `--${given}`];
}

/** What all sources of settings say. `set`: the option of that name. */
export async function readSettings({ set = [] }: { set?: readonly string[] }): Promise<Reading> {
  const sources = await readSources(process.env, set, { cwd: process.cwd(), home: homedir() });
  return readLayers(sources.layers, { readFile: (path) => readFileSync(path, 'utf8'), ...sources });
}

/** The settings for a command that works on the store which they name. Warns on standard error about names that no setting has. */
export async function openConfig(options: { set?: readonly string[] }): Promise<Config> {
  const { config, faults, unknown } = await readSettings(options);
  if (config === null) throw new Failure(explain(faults), 2);
  for (const { setting, message, place } of unknown) process.stderr.write(`Warning: ${setting}: ${message} (${placeText(place)})\n`);
  return config;
}
