import { lstat, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExportFolder } from '../../ports/export-folder.ts';
import { FOLDER_MODE, sync, writeDurably } from './durable.ts';

/** Exports as files that only the owner can read. Under its name a file is complete; before that it has another one. */
export function exportFolder(folder: string): ExportFolder {
  const path = resolve(folder);
  return {
    path,
    async save(place, name, text) {
      try {
        const target = await folderAt(path, place);
        await writeWhole(target, name, text);
        return { ok: true };
      } catch (error) {
        return { ok: false, reason: reasonOf(error) };
      }
    },
  };
}

/** Replaces what has the name, also a link, and writes through none. */
async function writeWhole(folder: string, name: string, text: string): Promise<void> {
  const temporary = join(folder, `.${name}.${process.pid}.${++count}.tmp`);
  try {
    await writeDurably(temporary, text);
    await rename(temporary, join(folder, name));
  } finally {
    await rm(temporary, { force: true });
  }
  await sync(folder);
}
let count = 0;

/** The folder below the root, made where it is missing; one that leads elsewhere is refused. */
async function folderAt(root: string, place: readonly string[]): Promise<string> {
  await mkdir(root, { recursive: true, mode: FOLDER_MODE });
  let target = await realpath(root);
  for (const name of place) {
    target = join(target, name);
    await mkdir(target, { mode: FOLDER_MODE }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(target)).isDirectory()) throw new NoFolder(name);
  }
  return target;
}

class NoFolder extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof NoFolder) return `${error.message} is there already and is no folder`;
  return Error.isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : 'the disk refused it';
}
