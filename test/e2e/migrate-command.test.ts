import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { STEPS } from '../../src/adapters/sqlite/schema.ts';
import { checkForLeaks } from '../support/leaks.ts';
import { makeOldFolder, rowsOf, schemaOf } from '../support/old-folder.ts';

const BIN = new URL('../../bin/hookwright.js', import.meta.url).pathname;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hookwright-command-'));
  makeOldFolder(join(home, 'data'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** As a person runs it in a folder of their own, with the default DATA_DIR. */
async function hookwright(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [BIN, 'migrate', '--set', 'backup_dir=./backups', ...args], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}
const backups = (): string[] => readdirSync(join(home, 'backups')).filter((name) => !name.startsWith('.'));

test('--check says by its exit code whether a migration is needed, also by the name that MADSci has for it', async () => {
  const before = schemaOf(join(home, 'data'));
  for (const name of ['--check', '--check_version']) {
    const { code, out } = await hookwright(name);
    expect([code, out]).toEqual([1, expect.stringContaining(`has schema 1; Hookwright`)]);
  }
  expect(JSON.parse((await hookwright('--check', '--json')).out)).toMatchObject({ needed: true, found: 1, known: STEPS.length });
  const { code, out } = await hookwright('--dry-run');
  expect([code, out]).toEqual([0, expect.stringContaining(`  2. ${STEPS[1]?.title}`)]);
  expect(schemaOf(join(home, 'data'))).toEqual(before);
});

test('migrates with a backup before, says each step, and the backup puts the old state back', async () => {
  const data = join(home, 'data');
  const [before, rows] = [schemaOf(data), rowsOf(data)];
  const { code, out, err } = await hookwright();
  expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`^Done: schema 1 became ${STEPS.length}\\.`))]);
  for (const [index, { title }] of STEPS.entries()) if (index > 0) expect(err).toContain(`${index + 1}/${STEPS.length}  ${title} ...\n`);
  expect(rowsOf(data)).toEqual(rows);
  expect((await hookwright('--check')).code).toBe(0);
  expect(await hookwright('--verify')).toMatchObject({ code: 0, out: 'Everything is as it should be.\n' });
  const [name] = backups();
  expect(name).toMatch(/^madsci_events_backup_\d{8}_\d{6}_\d{6}_pre_migration$/);
  expect(await hookwright('--restore_from', join('backups', String(name)))).toMatchObject({ code: 0 });
  expect([schemaOf(data), rowsOf(data)]).toEqual([before, rows]);
  expect((await hookwright('--check')).code).toBe(1);
});

test('says what is wrong with the options', async () => {
  expect(await hookwright('--target', '1.5')).toMatchObject({ code: 2, err: expect.stringContaining('It takes the number of a step') });
  expect(await hookwright('--target', '99')).toMatchObject({
    code: 1,
    err: expect.stringContaining(`this release goes up to ${STEPS.length}`),
  });
  expect(await hookwright('--target_version', '2.0.0')).toMatchObject({ code: 2, err: expect.stringContaining("MADSci's documents") });
});

checkForLeaks();
