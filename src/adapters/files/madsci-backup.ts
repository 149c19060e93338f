import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { StoredBackup } from '../../ports/backup.ts';
import { chunksOf } from './copy-files.ts';
import { openPlain, readSmall } from './durable.ts';

/** What MADSci's backup tool leaves beside the folder that mongodump wrote (M34). */
export const MADSCI_METADATA = 'backup_metadata.json';
export const MADSCI_CHECKSUM = 'backup.checksum';

const LARGEST_METADATA = 1_048_576;
const Metadata = z.object({
  timestamp: z.string(),
  backup_size: z.number(),
  checksum: z.string(),
  database_name: z.string().regex(/^(?!\.)[^\0/\\]+$/),
});

/** A backup that MADSci's tool made: it is listed and checked, and read by the import. */
export async function readMadsciBackup(path: string): Promise<StoredBackup | null> {
  try {
    const metadata = Metadata.parse(JSON.parse(await readSmall(join(path, MADSCI_METADATA), LARGEST_METADATA)));
    const createdAt = Date.parse(`${metadata.timestamp}Z`);
    if (Number.isNaN(createdAt)) return null;
    const base = { name: basename(path), path, createdAt, bytes: metadata.backup_size, maker: 'madsci' as const, manifest: null };
    return { ...base, fault: null };
  } catch {
    return null;
  }
}

/** Why the data is not as MADSci's tool wrote it: its checksum is the SHA-256 of all .bson files after each other, by their names. */
export async function faultOfMadsci(path: string): Promise<string | null> {
  const metadata = Metadata.parse(JSON.parse(await readSmall(join(path, MADSCI_METADATA), LARGEST_METADATA)));
  const expected = (await readSmall(join(path, MADSCI_CHECKSUM), 1_024)).trim();
  const folder = join(path, metadata.database_name);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.bson'));
  return (await madsciChecksum(folder, names)) === expected ? null : 'its data is not as it was written (its SHA-256 differs)';
}

export async function madsciChecksum(folder: string, names: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const name of [...names].sort()) {
    await using handle = await openPlain(join(folder, name));
    for await (const chunk of chunksOf(handle)) hash.update(chunk);
  }
  return hash.digest('hex');
}
