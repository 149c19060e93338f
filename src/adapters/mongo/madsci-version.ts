import type { Collections } from './connect.ts';

/**
 * MADSci's own record of its documents' version (M32), kept as its server keeps it, so that either server accepts what the other left.
 * Ours is elsewhere: MADSci would take a number of ours for a database of another release.
 */
const EXPECTED = '1.0.0';

/** The last version that was recorded; null where nothing tracks it. */
async function recorded({ madsciVersions }: Collections): Promise<string | null> {
  const [last] = await madsciVersions.find({}, { sort: { applied_at: -1 }, limit: 1 }).toArray();
  return last === undefined ? null : String(last.version);
}

/** Refuses documents of another version than the one that is known here; nothing is written then. */
export async function checkMadsciVersion(all: Collections): Promise<void> {
  const version = await recorded(all);
  if (version === null || version === EXPECTED) return;
  throw new Error(
    `The database ${all.db.databaseName} holds version ${version} of MADSci's documents; version ${EXPECTED} is known here. ` +
      `Bring it to ${EXPECTED} with the tools of the MADSci that wrote it, or use another database.`,
  );
}

/** An empty or untracked database is recorded as of the version that is written here. */
export async function recordMadsciVersion(all: Collections, at: number): Promise<void> {
  const { madsciVersions } = all;
  if ((await recorded(all)) !== null) return;
  await madsciVersions.createIndex({ version: 1 }, { unique: true, name: 'version_unique' });
  await madsciVersions.createIndex({ applied_at: -1 }, { name: 'applied_at_desc' });
  await madsciVersions.updateOne(
    { version: EXPECTED },
    { $setOnInsert: { applied_at: new Date(at), migration_notes: `Schema ${EXPECTED}, recorded by Hookwright for an untracked database` } },
    { upsert: true },
  );
}
