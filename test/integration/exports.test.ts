import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { exportFolder } from '../../src/adapters/files/export-folder.ts';

let folder: string;
let outside: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-exports-'));
  outside = join(folder, 'outside');
  mkdirSync(outside);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const root = (): string => join(folder, 'exports');

describe('the export folder', () => {
  test('is made when it is needed, and its files are for their owner alone', async () => {
    expect(await exportFolder(root()).save(['a', 'b'], 'report.csv', 'text')).toEqual({ ok: true });
    expect(readFileSync(join(root(), 'a/b/report.csv'), 'utf8')).toBe('text');
    expect(statSync(join(root(), 'a/b/report.csv')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(root(), 'a/b'))).toEqual(['report.csv']);
  });

  test('a file of the same name is replaced', async () => {
    const exports = exportFolder(root());
    for (const text of ['first', 'second']) await exports.save([], 'report.csv', text);
    expect(readFileSync(join(root(), 'report.csv'), 'utf8')).toBe('second');
  });

  test('a link to a folder elsewhere is not followed', async () => {
    mkdirSync(root());
    symlinkSync(outside, join(root(), 'link'));
    expect(await exportFolder(root()).save(['link'], 'report.csv', 'text')).toMatchObject({ ok: false });
    expect(await exportFolder(root()).save(['link', 'below'], 'report.csv', 'text')).toMatchObject({ ok: false });
    expect(readdirSync(outside)).toEqual([]);
  });

  test('a link, a pipe or a file that has the name is replaced, and nothing is written through it', async () => {
    mkdirSync(root());
    writeFileSync(join(outside, 'secret'), 'kept');
    symlinkSync(join(outside, 'secret'), join(root(), 'link.csv'));
    symlinkSync(join(outside, 'nowhere'), join(root(), 'dangling.csv'));
    execFileSync('mkfifo', [join(root(), 'pipe.csv')]);
    for (const name of ['link.csv', 'dangling.csv', 'pipe.csv'])
      expect(await exportFolder(root()).save([], name, 'text')).toEqual({ ok: true });
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('kept');
    expect(existsSync(join(outside, 'nowhere'))).toBe(false);
  });

  test('says why a file cannot be written, and leaves nothing behind', async () => {
    mkdirSync(join(root(), 'taken.csv/x'), { recursive: true });
    writeFileSync(join(root(), 'file'), '');
    expect(await exportFolder(root()).save([], 'taken.csv', 'text')).toEqual({ ok: false, reason: expect.stringMatching(/^E/) });
    expect(await exportFolder(root()).save(['file'], 'x.csv', 'text')).toEqual({ ok: false, reason: expect.stringContaining('no folder') });
    expect(readdirSync(root()).sort()).toEqual(['file', 'taken.csv']);
  });
});
