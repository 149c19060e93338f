import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { inMadsciFolder, type Surroundings } from './find-files.ts';

/** The class of the original's Event Manager, by which it is registered when it has no name. */
const DEFAULT_NAME = 'EventManager';
const Registry = z.object({ entries: z.record(z.string(), z.object({ id: z.string().min(1).max(200) })) });

/** Where MADSci keeps the ids of the managers of this machine. */
export function registryFile(around: Surroundings): string {
  return around.registry || inMadsciFolder('.madsci/registry.json', around);
}

/** The id that MADSci gave to its Event Manager of this name; null when there is none, or no file that can be read. Nothing is locked or written. */
export function idInRegistry(file: string, name: string | undefined): string | null {
  try {
    const { entries } = Registry.parse(JSON.parse(readFileSync(file, 'utf8')));
    return entries[name ?? DEFAULT_NAME]?.id ?? null;
  } catch {
    return null;
  }
}
