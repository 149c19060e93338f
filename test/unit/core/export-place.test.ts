import { describe, expect, test } from '@jest/globals';
import { exportPlace } from '../../../src/core/export-place.ts';

const ROOT = '/data/exports';

describe('where exports may be saved (M21, RELIABILITY 19)', () => {
  test.each([
    ['reports/march', ['reports', 'march']],
    ['reports//march/', ['reports', 'march']],
    ['./reports', ['reports']],
    ['Größe 2', ['Größe 2']],
    [`${ROOT}/reports`, ['reports']],
    [ROOT, []],
  ])('%s lies below the folder', (path, place) => {
    expect(exportPlace(path, ROOT)).toEqual({ ok: true, place });
  });

  test.each([
    '..',
    '../x',
    'a/../../x',
    'a/..',
    '/etc',
    '/data/exportsx',
    '/data',
    `${ROOT}/../x`,
    '%2e%2e/x',
    'a\0b',
    'a\\..\\b',
    '.hidden',
    'C:x',
    'a\nb',
    'a\u202eb',
    '\ud800',
    'x'.repeat(201),
    'x/'.repeat(17),
    'x'.repeat(3_000),
  ])('%j is refused', (path) => {
    expect(exportPlace(path, ROOT)).toMatchObject({ ok: false, reason: expect.stringMatching(/^output_path /) });
  });
});
