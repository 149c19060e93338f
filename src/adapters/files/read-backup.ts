import { hash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bytesOf, LARGEST_MANIFEST, MANIFEST_FILE, MANIFEST_HASH_FILE, type Manifest, readManifest } from '../../core/backup/manifest.ts';
import type { StoredBackup } from '../../ports/backup.ts';
import { readSmall } from './durable.ts';
import { readMadsciBackup } from './madsci-backup.ts';

/** The text beside the manifest, as `sha256sum` writes and reads it. */
export const manifestHashText = (text: string): string => `${hash('sha256', text)}  ${MANIFEST_FILE}\n`;

/** What a folder holds, or null when it is no backup at all. Looks at names and sizes, not at the data. */
export async function readBackup(path: string): Promise<StoredBackup | null> {
  const status = await lstat(path).catch(() => null);
  if (status === null || !status.isDirectory()) return null;
  if ((await lstat(join(path, MANIFEST_FILE)).catch(() => null)) === null) return readMadsciBackup(path);
  const read = await readOurs(path);
  const base = { name: basename(path), path, maker: 'hookwright' as const };
  if ('fault' in read) return { ...base, createdAt: status.mtimeMs, bytes: 0, manifest: null, fault: read.fault };
  const { manifest } = read;
  const fault = await faultOf(path, manifest);
  return { ...base, createdAt: Date.parse(manifest.created_at), bytes: bytesOf(manifest), manifest, fault };
}

async function readOurs(path: string): Promise<{ manifest: Manifest } | { fault: string }> {
  try {
    const text = await readSmall(join(path, MANIFEST_FILE), LARGEST_MANIFEST);
    if ((await readSmall(join(path, MANIFEST_HASH_FILE), 1_024)) !== manifestHashText(text))
      return { fault: `${MANIFEST_FILE} is not as it was written (its SHA-256 differs)` };
    const result = readManifest(text);
    return result.ok ? { manifest: result.manifest } : { fault: result.reason };
  } catch (error) {
    return { fault: `its manifest cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function faultOf(folder: string, { files }: Manifest): Promise<string | null> {
  for (const { path, bytes } of files) {
    const status = await lstat(join(folder, path)).catch(() => null);
    if (status === null) return `${path} is missing`;
    if (!status.isFile()) return `${path} is no plain file`;
    if (status.size !== bytes) return `${path} has ${status.size} bytes instead of ${bytes}`;
  }
  return null;
}
