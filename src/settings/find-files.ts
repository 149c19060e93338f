import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const LEVELS = 10;
const BELOW = ['managers', 'config'] as const;

/** Where the search begins, and where it ends at the latest. */
export interface Surroundings {
  /** MADSCI_SETTINGS_DIR, or the folder where the process was started. */
  folder: string;
  home: string;
  /** MADSCI_REGISTRY_PATH. */
  registry?: string | undefined;
}

/** The folder itself and those above it: up to one with `.madsci` or `.git` in it, or the home folder. */
function* upwards({ folder, home }: Surroundings): Generator<string> {
  let current = resolve(folder);
  for (let level = 0; level <= LEVELS; level++) {
    yield current;
    if (isFolder(join(current, '.madsci')) || existsSync(join(current, '.git')) || current === home || dirname(current) === current) return;
    current = dirname(current);
  }
}

/** A settings file as MADSci finds it: in the folder or above it, else in managers/ or config/ below it. */
export function findFile(name: string, around: Surroundings): string | null {
  const folders = [...upwards(around), ...BELOW.map((below) => join(around.folder, below))];
  return folders.map((folder) => join(folder, name)).find(isFile) ?? null;
}

/** A path that begins with `.madsci/` is meant in the lab's own folder: the next one above that has it, else beside `.git`, else at home. */
export function inMadsciFolder(path: string, around: Surroundings): string {
  if (path !== '.madsci' && !path.startsWith('.madsci/')) return path;
  let [current, root] = [resolve(around.folder), null as string | null];
  for (let level = 0; level <= LEVELS; level++) {
    if (isFolder(join(current, '.madsci'))) return join(current, path);
    if (root === null && existsSync(join(current, '.git'))) root = current;
    if (current === around.home || dirname(current) === current) break;
    current = dirname(current);
  }
  return join(root ?? around.home, path);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
