import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sqliteImport } from '../../src/adapters/sqlite/import.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { openTestStore } from '../support/store.ts';
import { importConformance } from './import.suite.ts';

importConformance('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-imported-'));
  return {
    openImport: async () => sqliteImport({ folder, release: 'test', at: 0 }),
    openStore: () => openSqliteStore({ folder, durability: 'normal', readers: 1, release: 'test', now: Date.now }),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

test('is refused while a server uses the data folder', async () => {
  await using store = await openTestStore();
  expect(() => sqliteImport({ folder: store.folder, release: 'test', at: 0 })).toThrow(/Another server uses the data folder/);
});
