import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.ts';
import { migrate, openMigrations } from '../../src/wiring/migrate.ts';
import { checkForLeaks } from '../support/leaks.ts';
import { makeOldFolder, schemaOf } from '../support/old-folder.ts';
import { api, startServer } from '../support/server.ts';

test('a server on the data folder of release 0.1.0 exits with 3 and the command; after that command it works', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-old-'));
  try {
    makeOldFolder(folder);
    const before = schemaOf(folder);
    await expect(startServer({ folder })).rejects.toThrow(
      /^the server ended with 3 [\s\S]*Stop every server[\s\S]*\n {2}npx hookwright migrate\n/,
    );
    expect(schemaOf(folder)).toEqual(before);
    {
      const config = readConfig({ DATA_DIR: folder }, () => '');
      await using migrations = await openMigrations(config);
      await migrate({ migrations, backup: null, target: null, isDryRun: false, say: () => {} });
    }
    await using server = await startServer({ folder });
    const { body } = await api(server, 'GET', '/event/event-1');
    expect(body).toMatchObject({ _id: 'event-1', event_data: { n: 1 } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

checkForLeaks();
