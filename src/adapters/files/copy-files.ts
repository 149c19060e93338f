import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupFile, Manifest } from '../../core/backup/manifest.ts';
import { EngineError } from '../../core/errors.ts';
import type { CopyFiles } from '../../ports/backup.ts';
import { openPlain } from './durable.ts';

const CHUNK = 1_048_576;

export const damaged = (name: string, reason: string): EngineError =>
  new EngineError('backup_damaged', `The backup ${name} cannot be used: ${reason}.`);

/** The files that a manifest names, each read only as what it should be. */
export function copyFiles(folder: string, name: string, manifest: Manifest): CopyFiles {
  const specOf = (file: string): BackupFile => {
    const spec = manifest.files.find(({ path }) => path === file);
    if (spec === undefined) throw damaged(name, `its manifest has no file ${file}`);
    return spec;
  };
  return {
    manifest,
    async pathOf(file) {
      await using handle = await openInside(folder, name, specOf(file));
      await handle.stat();
      return join(folder, file);
    },
    async *read(file) {
      const spec = specOf(file);
      await using handle = await openInside(folder, name, spec);
      yield* checked(chunksOf(handle), name, spec);
    },
  };
}

type Handle = Awaited<ReturnType<typeof openPlain>>;

/** The folder of a file is looked at too: a link there would lead out as well. */
async function openInside(folder: string, name: string, { path, bytes }: BackupFile): Promise<Handle> {
  try {
    const [first = '', second] = path.split('/');
    if (second !== undefined && !(await lstat(join(folder, first))).isDirectory()) throw new Error('its folder is a link');
    const handle = await openPlain(join(folder, path));
    const { size } = await handle.stat();
    if (size === bytes) return handle;
    await handle.close();
    throw new Error(`it has ${size} bytes instead of ${bytes}`);
  } catch (cause) {
    throw damaged(name, `${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

export async function* chunksOf(handle: Handle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* checked(chunks: AsyncIterable<Uint8Array>, name: string, { path, bytes, sha256 }: BackupFile): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  if (size !== bytes || hash.digest('hex') !== sha256) throw damaged(name, `${path} is not as it was written (its SHA-256 differs)`);
}
