import { describe, expect, test } from '@jest/globals';
import { readManifest } from '../../../src/core/backup/manifest.ts';
import { backupName, isPartial, isPlainName, partialName } from '../../../src/core/backup/name.ts';
import { planText, readPlan } from '../../../src/core/backup/plan.ts';
import { type Kept, surplus } from '../../../src/core/backup/rotation.ts';

const AT_US = Date.UTC(2026, 10, 26, 2, 3, 4, 5) * 1_000 + 678;

describe('names of backups', () => {
  test.each([
    ['manual_backup', 'db_backup_20261126_020304_005678_manual_backup', 'M16 as MADSci writes them'],
    ['', 'db_backup_20261126_020304_005678', 'no description, no suffix'],
    ['before the move', 'db_backup_20261126_020304_005678_before the move', 'blanks are no harm'],
    ['Größe 4', 'db_backup_20261126_020304_005678_Größe 4', 'letters of any script stay'],
    ['../../etc/passwd', 'db_backup_20261126_020304_005678_.._.._etc_passwd', 'what leads elsewhere does not'],
    ['a\0b\nc\\d', 'db_backup_20261126_020304_005678_a_b_c_d', 'nor what file systems choke on'],
    ['  ', 'db_backup_20261126_020304_005678', 'nothing but blanks is nothing'],
  ])('%j', (description, name) => {
    expect(backupName('db', AT_US, description)).toBe(name);
    expect(isPlainName(name)).toBe(true);
  });

  test('fit into a file system, also while they are made', () => {
    const name = backupName('d'.repeat(63), AT_US, '€'.repeat(1_000));
    expect(Buffer.byteLength(partialName(name))).toBeLessThanOrEqual(255);
    expect(Buffer.from(name).toString()).toBe(name);
    expect([isPartial(partialName(name)), isPartial(name), isPlainName(partialName(name))]).toEqual([true, false, false]);
  });
});

describe('rotation', () => {
  const of = (name: string, createdAt: number, over: Partial<Kept> = {}): Kept => ({
    name,
    createdAt,
    isOurs: true,
    isValid: true,
    ...over,
  });

  test('names the oldest beyond the bound, oldest first', () => {
    expect(surplus([of('b', 2), of('d', 4), of('a', 1), of('c', 3)], 2)).toEqual(['a', 'b']);
    expect(surplus([of('a', 1)], 2)).toEqual([]);
  });
  test('leaves what others made, and does not count it', () => {
    expect(surplus([of('theirs', 1, { isOurs: false }), of('a', 2), of('b', 3)], 2)).toEqual([]);
  });
  test('never names the newest that is valid', () => {
    const broken = { isValid: false };
    expect(surplus([of('good', 1), of('x', 2, broken), of('y', 3, broken)], 1)).toEqual(['x']);
    expect(surplus([of('older', 1), of('good', 2), of('x', 3, broken)], 1)).toEqual(['older']);
  });
});

describe('manifests', () => {
  const whole = {
    format: 1,
    store: 'sqlite',
    schema: 1,
    release: '0.1.0',
    database: 'd',
    collection: 'events',
    place: '/lab/data',
    created_at: '2026-11-26T02:03:04.005Z',
    description: '',
    scheduled_for: null,
    consistent: true,
    counts: { events: 1 },
    files: [{ path: 'hookwright.db', bytes: 1, sha256: 'a'.repeat(64) }],
  };
  const reasonFor = (change: object): string => {
    const result = readManifest(JSON.stringify({ ...whole, ...change }));
    return result.ok ? 'none' : result.reason;
  };

  test('are read as they were written', () => expect(reasonFor({})).toBe('none'));
  test.each(['', '.', '..', '../x', '/x', 'a/../b', 'a/b/c', 'a//b', 'a\\b', 'a\0', 'a/.b', 'x'.repeat(500)])('name no file %j', (path) => {
    expect(reasonFor({ files: [{ path, bytes: 1, sha256: 'a'.repeat(64) }] })).toMatch(/files.0.path/);
  });
  test.each([
    [{ format: 2 }, /format 2 of a newer release/],
    [{ format: 0 }, /format/],
    [{ store: 'other' }, /store/],
    [{ files: [] }, /files/],
    [{ counts: { events: -1 } }, /counts.events/],
  ])('with %j are refused', (change, reason) => expect(reasonFor(change)).toMatch(reason));
  test('that are no JSON are refused', () => expect(readManifest('{')).toEqual({ ok: false, reason: 'manifest.json is not JSON' }));
});

test('a plan is known again only for its own schedule', () => {
  const schedule = { cron: '0 2 * * *', timezone: 'UTC' };
  const text = planText({ ...schedule, due: 5 });
  expect(readPlan(text, schedule)).toEqual({ ...schedule, due: 5 });
  expect(readPlan(text, { ...schedule, cron: '0 3 * * *' })).toBe(null);
  expect(readPlan(text, { ...schedule, timezone: 'Europe/Berlin' })).toBe(null);
  expect(readPlan(null, schedule)).toBe(null);
});
