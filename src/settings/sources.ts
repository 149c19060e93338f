import { resolve } from 'node:path';
import type { Surroundings } from './find-files.ts';
import { environmentLayer, type Fault, type Layer, optionLayer } from './layers.ts';
import { readFiles } from './read-files.ts';

/** Everything that may hold settings, as it was found; nothing of it is understood yet. */
export interface Sources {
  layers: Layer[];
  faults: Fault[];
  around: Surroundings;
}

/** Looks at the command line, the environment and the files, in the order in which they win. */
export async function readSources(
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  { cwd, home }: { cwd: string; home: string },
): Promise<Sources> {
  const folder = resolve(cwd, (env['MADSCI_SETTINGS_DIR'] || '.').replace(/^~(?=\/|$)/, home));
  const around = { folder, home, registry: env['MADSCI_REGISTRY_PATH'] };
  const options = optionLayer(args);
  const files = await readFiles(around);
  return { layers: [options.layer, environmentLayer(env), ...files.layers], faults: [...options.faults, ...files.faults], around };
}

/** One value as it was given, for what has to be known before the settings are understood. */
export function rawValue({ layers }: Sources, name: string): string | undefined {
  const value = layers
    .flatMap(({ entries }) => entries)
    .find((entry) => entry.place.name.toUpperCase() === name && entry.value !== '')?.value;
  return typeof value === 'string' && value !== 'null' ? value : undefined;
}
