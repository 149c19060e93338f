import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** Only the owner: a backup holds everything that the store holds. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** Makes sure that what was written, or which names a folder holds, survives a power cut. */
export async function sync(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY);
  await handle.sync();
}

export async function writeDurably(path: string, text: string): Promise<void> {
  await using handle = await open(path, 'wx', FILE_MODE);
  await handle.writeFile(text);
  await handle.sync();
}

/** Opens a plain file, and nothing else: a link is not followed, and a pipe or a device neither waited for nor read. */
export async function openPlain(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error('it is no plain file');
}

/** The text of a plain file that may not be larger than so many bytes. */
export async function readSmall(path: string, maxBytes: number): Promise<string> {
  await using handle = await openPlain(path);
  const { size } = await handle.stat();
  if (size > maxBytes) throw new Error(`${basename(path)} has ${size} bytes, which is too many`);
  return await readFile(handle, 'utf8');
}
