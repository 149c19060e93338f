import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backupFolder } from '../../src/adapters/files/backup-folder.ts';
import { importFile } from '../../src/wiring/imports.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { interopPython, runPython } from '../support/python.ts';
import { api, startServer } from '../support/server.ts';

let mongod: Mongod;
let folder: string;
beforeAll(async () => {
  mongod = await startReplicaSet();
  folder = mkdtempSync(join(tmpdir(), 'hookwright-backup-tool-'));
});
afterAll(async () => {
  await mongod[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('M34 M50 M55 MADSci makes a backup by its client, reads its status, and its backup tool takes it for one of its own', async () => {
  const backups = join(folder, 'backups');
  const env = { EVENT_DB_URL: mongod.url, EVENT_DATABASE_NAME: 'madsci_events', EVENT_BACKUP_DIR: backups };
  await using server = await startServer({ env });
  await api(server, 'POST', '/event', { _id: 'a', event_type: 'test' });
  const script = join(import.meta.dirname, 'backup_tool.py');
  const { code, output } = await runPython(interopPython(), [script, server.url, mongod.url, 'madsci_events', backups], folder);
  const [, json] = /^RESULT (.*)$/m.exec(output) ?? [];
  if (code !== 0 || json === undefined) throw new Error(`backup_tool.py ended with ${code}:\n${output.slice(-4_000)}`);
  const { created, status, listed } = JSON.parse(json);
  expect(created).toEqual({ backup_path: expect.stringMatching(/_manual_backup$/), status: 'completed' });
  expect(status.available_backups).toMatchObject([{ path: created.backup_path, is_valid: true }]);
  expect(listed).toEqual([{ path: created.backup_path, size: expect.any(Number), is_valid: true, complete: true }]);

  // The same folder without what is ours is a backup of MADSci's tool: listed, checked, imported, never rotated away.
  const theirs = join(backups, 'madsci_events_backup_20250101_000000_000000_theirs');
  cpSync(created.backup_path, theirs, { recursive: true });
  for (const name of ['manifest.json', 'manifest.json.sha256']) rmSync(join(theirs, name));
  const found = await backupFolder(backups).find('madsci_events_backup_20250101_000000_000000_theirs');
  expect(found).toMatchObject({ maker: 'madsci', fault: null });
  await backupFolder(backups).check(found, () => {});
  const ids: (string | null)[] = [];
  for await (const { json: event } of (await importFile(theirs, 'events')).events(() => {})) ids.push(JSON.parse(event ?? 'null')._id);
  expect(ids).toContain('a');
  const data = join(theirs, 'madsci_events', 'events.bson');
  const bytes = readFileSync(data);
  bytes[20] = (bytes[20] as number) ^ 1;
  writeFileSync(data, bytes);
  await expect(backupFolder(backups).check(found, () => {})).rejects.toMatchObject({ code: 'backup_damaged' });
  await expect(importFile(theirs, 'events')).rejects.toThrow(/its data is not as it was written/);
});
