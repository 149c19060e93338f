import { SchemaMismatch, standingOf } from '../../core/schema-version.ts';
import { type Collections, checkTopology, collectionsOf, connect } from './connect.ts';
import { ensureIndexes } from './indexes.ts';
import { checkMadsciVersion, recordMadsciVersion } from './madsci-version.ts';
import { refuseWhileMigrating } from './migration-lock.ts';
import { assertNotSwapping } from './restore-mark.ts';
import { prepareSchema, schemaState } from './schema.ts';
import { ensureTtlIndex } from './ttl-index.ts';

interface Program {
  release: string;
  now(): number;
  /** After how many seconds MongoDB itself deletes archived events (M30), null for never; absent: as it is. */
  deleteAfterSeconds?: number | null;
}

/** Checks the database and makes its indexes, which may take minutes where MADSci has been at work for years. Answers whether it can be watched. */
export async function prepare(
  url: string,
  { database, collection }: { database: string; collection: string },
  standaloneAllowed: boolean,
  program: Program,
): Promise<boolean> {
  await using client = await connect(url, null);
  const db = client.db(database);
  const canWatch = await checkTopology(db, standaloneAllowed);
  await assertNotSwapping(db);
  const all = collectionsOf(db, collection);
  await checkMadsciVersion(all);
  await refuseWhileMigrating(all);
  await prepareSchema(all, program);
  await refuseOtherSchema(all, program.release);
  await recordMadsciVersion(all, program.now());
  await ensureIndexes(all);
  if (program.deleteAfterSeconds !== undefined) await ensureTtlIndex(all, program.deleteAfterSeconds);
  return canWatch;
}

/** A migration may have ended between two looks, so this is looked at after each. */
export async function refuseOtherSchema(all: Collections, release: string): Promise<void> {
  const state = await schemaState(all);
  if (['older', 'newer'].includes(standingOf(state))) throw new SchemaMismatch(state, release);
}
