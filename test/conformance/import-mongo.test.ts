import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { BSON, Double, Int32 } from 'mongodb';
import { ulid } from 'ulid';
import { mongoImport } from '../../src/adapters/mongo/import.ts';
import { openMongoStore } from '../../src/adapters/mongo/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { importEvents } from '../../src/engine/import.ts';
import { importFile } from '../../src/wiring/imports.ts';
import { onDatabase } from '../support/mongo-store.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { importConformance } from './import.suite.ts';

const mongod = mongodOfFile();

const optionsFor = (database: string) => ({
  url: mongod.url,
  database,
  collection: 'events',
  serverId: 'import',
  release: 'test',
  clock: systemClock,
});

importConformance('MongoDB', async () => {
  const database = `import_${ulid()}`;
  return {
    openImport: () => mongoImport(optionsFor(database)),
    openStore: () => openMongoStore(optionsFor(database)),
    [Symbol.asyncDispose]: async () => void (await onDatabase(mongod.url, database, (db) => db.dropDatabase())),
  };
});

test('M35 documents are stored byte for byte, beside a server that runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-import-'));
  const database = `import_${ulid()}`;
  const bytes = Buffer.from(
    BSON.serialize(
      new Map<string, unknown>([
        ['_id', 'a'],
        ['event_type', 'test'],
        ['log_level', new Double(20)],
        ['event_timestamp', '2026-01-02T03:04:05'],
        ['source', {}],
        [
          'event_data',
          new Map<string, unknown>([
            ['2', new Int32(1)],
            ['1', new Map([['_bsontype', 'no']])],
            ['$ref', 'x'],
          ]),
        ],
        ['unknown to us', new Double(Number.NaN)],
      ]),
    ),
  );
  writeFileSync(join(folder, 'events.bson'), bytes);
  try {
    await using _server = await openMongoStore({ ...optionsFor(database), serverId: 'server' });
    {
      await using target = await mongoImport(optionsFor(database));
      const events = (await importFile(join(folder, 'events.bson'), 'events')).events(() => {});
      const counts = await importEvents({ events, target, naiveOffsetMinutes: () => 0, onRefused: () => {}, onCounts: () => {} });
      expect(counts).toEqual({ stored: 1, duplicate: 0, conflict: 0, invalid: 0 });
    }
    const [stored] = await onDatabase(mongod.url, database, (db) => db.collection('events').find({}, { raw: true }).toArray());
    expect(Buffer.from(stored as unknown as Uint8Array).equals(bytes)).toBe(true);
  } finally {
    await onDatabase(mongod.url, database, (db) => db.dropDatabase());
    rmSync(folder, { recursive: true, force: true });
  }
});
