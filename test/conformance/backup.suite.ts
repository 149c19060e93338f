import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { backupFolder } from '../../src/adapters/files/backup-folder.ts';
import { manifestHashText } from '../../src/adapters/files/read-backup.ts';
import type { Manifest } from '../../src/core/backup/manifest.ts';
import { createBackup, latestBackup, pruneBackups, restoreBackup, verifyBackup } from '../../src/engine/backups.ts';
import type { BackupStore, StoredBackup } from '../../src/ports/backup.ts';

/** A store that can be filled, looked at and closed, as backups meet it. */
export interface BackupSubject extends AsyncDisposable {
  backups: BackupStore;
  database: string;
  /** Stores events through the server's own way; the server is running afterwards. */
  fill(ids: readonly string[]): Promise<void>;
  /** Stops the server. */
  stop(): Promise<void>;
  /** Everything that is stored, as one text that differs when anything differs. */
  digest(): Promise<string>;
  /** The file with the events. */
  dataFile: string;
}

const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000_007);

function random(): (below: number) => number {
  let state = SEED;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function backupConformance(name: string, open: () => Promise<BackupSubject>): void {
  describe(`backups of ${name}`, () => {
    let micros = Date.UTC(2026, 10, 26, 12, 55) * 1_000;
    const rig = async () => {
      const subject = await open();
      const path = mkdtempSync(join(tmpdir(), 'hookwright-backups-'));
      const folder = backupFolder(path);
      const parts = {
        store: subject.backups,
        folder,
        database: subject.database,
        collection: 'events',
        place: '/lab/data',
        release: '0.0.0',
        nowUs() {
          micros += 1_000_123;
          return micros;
        },
      };
      const create = async (description = 'manual_backup', max: number | null = null) =>
        (await createBackup(parts, { description, max })).backup;
      return {
        subject,
        path,
        folder,
        parts,
        create,
        async [Symbol.asyncDispose]() {
          await subject[Symbol.asyncDispose]();
          rmSync(path, { recursive: true, force: true });
        },
      };
    };

    test('M16 are made beside a running server, under the name that MADSci gives them, readable by their owner alone', async () => {
      await using it = await rig();
      await it.subject.fill(['a', 'b', 'c']);
      const made = await it.create('manual_backup');
      expect(made.name).toMatch(/_backup_20261126_\d{6}_\d{6}_manual_backup$/);
      expect(made.name.startsWith(`${it.subject.database}_`)).toBe(true);
      expect(made.fault).toBe(null);
      expect(made.manifest?.counts).toMatchObject({ events: 3 });
      expect(await it.folder.list()).toEqual([made]);
      expect(statSync(made.path).mode & 0o777).toBe(0o700);
      for (const { path } of (made.manifest as Manifest).files) expect(statSync(join(made.path, path)).mode & 0o077).toBe(0);
      await verifyBackup(it.parts, made, { rehearse: true });
    });

    test('put back what was there, and keep what was replaced', async () => {
      await using it = await rig();
      await it.subject.fill(['a', 'b']);
      await it.subject.stop();
      const before = await it.subject.digest();
      const made = await it.create();
      await it.subject.fill(['c']);
      await it.subject.stop();
      const after = await it.subject.digest();
      expect(after).not.toBe(before);
      const second = await it.create('later');
      expect(await restoreBackup(it.parts, made)).not.toBe(null);
      expect(await it.subject.digest()).toBe(before);
      await restoreBackup(it.parts, second);
      expect(await it.subject.digest()).toBe(after);
      // The store works on: a server starts on it and stores.
      await it.subject.fill(['d']);
    });

    test('are not put back while a server uses the store', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      const made = await it.create();
      await expect(restoreBackup(it.parts, made)).rejects.toMatchObject({ code: 'restore_refused' });
      await it.subject.stop();
      await restoreBackup(it.parts, made);
    });

    test('G11 a byte flipped at any of 100 places is noticed before anything changes', async () => {
      process.stderr.write(`flipped bytes: seed ${SEED}\n`);
      await using it = await rig();
      await it.subject.fill(Array.from({ length: 50 }, (_, n) => `event ${n}`));
      await it.subject.stop();
      const made = await it.create();
      const before = await it.subject.digest();
      const files = readdirSync(made.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const paths = files.map(({ parentPath, name: file }) => join(parentPath, file)).filter((path) => statSync(path).size > 0);
      const total = paths.reduce((sum, path) => sum + statSync(path).size, 0);
      const below = random();
      for (let n = 0; n < 100; n++) {
        // A quarter of them in the small files, which chance would hardly find.
        const path = n % 4 === 0 ? (paths[below(paths.length)] as string) : fileAt(paths, below(total));
        const flip = flipper(path, below(statSync(path).size), 1 << below(8));
        flip();
        const found = await it.folder.find(made.name).catch((error: unknown) => error as Error);
        if (!(found instanceof Error)) {
          await expect(verifyBackup(it.parts, found, {})).rejects.toMatchObject({ code: 'backup_damaged' });
          await expect(restoreBackup(it.parts, found)).rejects.toMatchObject({ code: 'backup_damaged' });
        }
        flip();
      }
      expect(await it.subject.digest()).toBe(before);
      await verifyBackup(it.parts, await it.folder.find(made.name), {});
    });

    test('RELIABILITY 19 links, pipes, devices, missing, short and long files are refused', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      await it.subject.stop();
      const made = await it.create();
      const before = await it.subject.digest();
      const path = join(made.path, it.subject.dataFile);
      const whole = readFileSync(path);
      const refused = async (): Promise<void> => {
        const found = await it.folder.find(made.name);
        await expect(verifyBackup(it.parts, found, {})).rejects.toMatchObject({ code: 'backup_damaged' });
        await expect(restoreBackup(it.parts, found)).rejects.toMatchObject({ code: 'backup_damaged' });
        // Also when it was whole at the first look.
        await expect(restoreBackup(it.parts, made)).rejects.toMatchObject({ code: 'backup_damaged' });
        rmSync(path, { recursive: true, force: true });
        writeFileSync(path, whole);
      };
      truncateSync(path, whole.length - 1);
      await refused();
      writeFileSync(path, Buffer.concat([whole, Buffer.of(0)]));
      await refused();
      rmSync(path);
      await refused();
      renameSync(path, join(it.path, 'elsewhere'));
      symlinkSync(join(it.path, 'elsewhere'), path);
      await refused();
      rmSync(path);
      symlinkSync('/dev/zero', path);
      await refused();
      rmSync(path);
      await makePipe(path);
      await refused();
      expect(await it.subject.digest()).toBe(before);
      await restoreBackup(it.parts, await it.folder.find(made.name));
    });

    test.each(['..', '.', '../x', '/etc', 'a/b', 'a\\b', 'x\0y', '%2e%2e', '', '.partial-x', '.lock'])(
      'RELIABILITY 19 %j is no name of a backup',
      async (text) => {
        await using it = await rig();
        await expect(it.folder.find(text)).rejects.toMatchObject({ code: 'backup_not_found' });
      },
    );

    test('RELIABILITY 19 a link to a folder is no backup, and a manifest cannot name files outside of it', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      await it.subject.stop();
      const made = await it.create();
      symlinkSync(made.path, join(it.path, 'linked'));
      await expect(it.folder.find('linked')).rejects.toMatchObject({ code: 'backup_not_found' });
      for (const path of ['../../etc/passwd', '/etc/passwd', 'a/../../b', 'a/b/c', '..', 'a\0b']) {
        forge(made, (manifest) => {
          (manifest.files[0] as { path: string }).path = path;
        });
        const found = await it.folder.find(made.name);
        expect(found.fault).toMatch(/manifest.json: files.0.path/);
        await expect(restoreBackup(it.parts, found)).rejects.toMatchObject({ code: 'backup_damaged' });
      }
    });

    test('of a newer schema, a newer format or another kind of store are refused', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      await it.subject.stop();
      const made = await it.create();
      const other = it.subject.backups.kind === 'sqlite' ? 'mongodb' : 'sqlite';
      const changes: [(manifest: Manifest) => void, string][] = [
        [(m) => void Object.assign(m, { schema: it.subject.backups.schema + 1 }), 'backup_unfit'],
        [(m) => void Object.assign(m, { store: other }), 'backup_unfit'],
        [(m) => void Object.assign(m, { format: 2 }), 'backup_damaged'],
      ];
      for (const [change, code] of changes) {
        forge(made, change);
        const found = await it.folder.find(made.name);
        await expect(verifyBackup(it.parts, found, {})).rejects.toMatchObject({ code });
        await expect(restoreBackup(it.parts, found)).rejects.toMatchObject({ code });
      }
    });

    test('rotate: the oldest go, never what somebody else put there', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      writeFileSync(join(it.path, 'madsci_events_backup_20200101_000000_000000_notes'), 'a file');
      const first = await it.create('first');
      await it.create('second');
      await it.create('third', 2);
      const names = (await it.folder.list()).map(({ manifest }) => manifest?.description);
      expect(names).toEqual(['third', 'second']);
      await expect(it.folder.find(first.name)).rejects.toMatchObject({ code: 'backup_not_found' });
      // The newest that is valid stays, though newer ones that are damaged fill the places.
      const third = (await it.folder.list())[0] as StoredBackup;
      truncateSync(join(third.path, it.subject.dataFile), 0);
      expect(await pruneBackups(it.parts, 1)).toEqual([]);
      expect((await it.folder.list()).map(({ fault }) => fault === null)).toEqual([false, true]);
      expect(readdirSync(it.path)).toContain('madsci_events_backup_20200101_000000_000000_notes');
    });

    test('rotate: another store that keeps its backups in the same folder loses none, and has a latest of its own', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      const ours = await it.create('ours');
      const other = { ...it.parts, place: '/other/data' };
      expect(await latestBackup(other)).toBeNull();
      const { backup: theirs } = await createBackup(other, { description: 'theirs', max: 1 });
      expect((await it.folder.list()).map(({ name }) => name)).toEqual([theirs.name, ours.name]);
      expect([await latestBackup(it.parts), await latestBackup(other)]).toMatchObject([{ name: ours.name }, { name: theirs.name }]);
    });

    test('one at a time, and what an interrupted one left is swept', async () => {
      await using it = await rig();
      await it.subject.fill(['a']);
      {
        await using _lock = await it.folder.lock();
        await expect(it.create()).rejects.toMatchObject({ code: 'backup_running' });
      }
      writeFileSync(join(it.path, '.partial-madsci_events_backup_x'), 'left');
      await it.create();
      expect(readdirSync(it.path).filter((file) => file.startsWith('.partial'))).toEqual([]);
    });
  });
}

function fileAt(paths: readonly string[], at: number): string {
  let left = at;
  for (const path of paths) {
    const { size } = statSync(path);
    if (left < size) return path;
    left -= size;
  }
  throw new Error('beyond all files');
}

/** Doing it twice undoes it. */
function flipper(path: string, at: number, bit: number): () => void {
  return () => {
    const bytes = readFileSync(path);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.of((bytes[at] as number) ^ bit), 0, 1, at);
    closeSync(file);
  };
}

/** A manifest that somebody wrote, with a right hash. */
function forge({ path, manifest }: StoredBackup, change: (manifest: Manifest) => void): void {
  const forged = structuredClone(manifest as Manifest);
  change(forged);
  const text = JSON.stringify(forged);
  writeFileSync(join(path, 'manifest.json'), text);
  writeFileSync(join(path, 'manifest.json.sha256'), manifestHashText(text));
}

async function makePipe(path: string): Promise<void> {
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [path]);
}
