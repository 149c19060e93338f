import { resolve } from 'node:path';
import { findEvents } from '../adapters/files/import-path.ts';
import { jsonEvents, lineEvents } from '../adapters/files/json-events.ts';
import { sqliteImport } from '../adapters/sqlite/import.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { ulidFactory } from '../adapters/system/ids.ts';
import type { Config } from '../config.ts';
import type { EventImport, ImportFile } from '../ports/event-import.ts';
import { RELEASE } from '../release.ts';

/** Where imported events go: the store that the settings name. Throws when a server uses it that cannot share it. */
export async function openImport(config: Config): Promise<EventImport> {
  const { EVENT_DB_URL: url, DATA_DIR: folder } = config;
  if (url === undefined) return sqliteImport({ folder: resolve(folder), release: RELEASE, at: systemClock.now() });
  const { mongoImport } = await import('../adapters/mongo/import.ts');
  return mongoImport({
    url,
    database: config.EVENT_DATABASE_NAME,
    collection: config.EVENT_COLLECTION_NAME,
    standaloneAllowed: config.ALLOW_STANDALONE_MONGODB,
    serverId: ulidFactory()(),
    release: RELEASE,
    clock: systemClock,
  });
}

/** The file of events that a path means. `collection`: of which file in a folder. */
export async function importFile(path: string, collection: string): Promise<ImportFile> {
  const found = await findEvents(path, collection);
  if (found.kind === 'json') return { ...found, events: (onBytes) => jsonEvents(found.chunks(onBytes)) };
  if (found.kind === 'lines') return { ...found, events: (onBytes) => lineEvents(found.chunks(onBytes)) };
  const { bsonEvents } = await import('../adapters/mongo/bson-events.ts');
  return { ...found, events: (onBytes) => bsonEvents(found.chunks(onBytes)) };
}
