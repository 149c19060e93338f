import { z } from 'zod';

/** Beside the data in every backup; its own hash is in a file next to it. */
export const MANIFEST_FILE = 'manifest.json';
export const MANIFEST_HASH_FILE = 'manifest.json.sha256';
const FORMAT = 1;
export const LARGEST_MANIFEST = 4_194_304;

export type StoreKind = 'sqlite' | 'mongodb';

/** One or two plain names: nothing in a backup lies deeper, and nothing leads out of it. */
const FilePath = z.string().regex(/^(?!\.)[\w%.$ ~-]{1,200}(\/(?!\.)[\w%.$ ~-]{1,250})?$/, 'no plain name of a file');
const Count = z.int().min(0);

export const BackupFile = z.object({
  path: FilePath,
  bytes: Count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type BackupFile = z.infer<typeof BackupFile>;

export const Manifest = z.object({
  format: z.literal(FORMAT),
  store: z.enum(['sqlite', 'mongodb']),
  /** Of the store as it was: the number of its last migration step. */
  schema: Count,
  /** Of this software. */
  release: z.string(),
  database: z.string(),
  /** Where the store was: a folder, or hosts and a database. Several may share a folder of backups. */
  place: z.string(),
  /** The collection of events in MongoDB. */
  collection: z.string(),
  created_at: z.iso.datetime(),
  description: z.string(),
  /** For a backup of the schedule: the time it was due. */
  scheduled_for: z.iso.datetime().nullable(),
  /** Whether all of it is the store at one moment. */
  consistent: z.boolean(),
  /** Documents or rows of each collection. */
  counts: z.record(z.string(), Count),
  files: z.array(BackupFile).min(1).max(5_000),
});
export type Manifest = z.infer<typeof Manifest>;

/** Why a text is no manifest that can be used here, or the manifest. */
export function readManifest(text: string): { ok: true; manifest: Manifest } | { ok: false; reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: `${MANIFEST_FILE} is not JSON` };
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > FORMAT)
    return { ok: false, reason: `it has the format ${format} of a newer release; ${FORMAT} is known here` };
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return { ok: true, manifest: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, reason: `${MANIFEST_FILE}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` };
}

export const bytesOf = ({ files }: Pick<Manifest, 'files'>): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
