import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { FILE_SECRETS, NAMES, readConfig, SETTINGS } from '../../../src/config.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** With single blanks in tables: how a formatter aligns them is of no interest. */
const PAGE = readFileSync(join(ROOT, 'docs/settings.md'), 'utf8').replaceAll(/ +\|/g, ' |');
const EXAMPLE = readFileSync(join(ROOT, '.env.example'), 'utf8');

const rows = Array.from(PAGE.matchAll(/^\| `(\w+)` \| (.*?) \| (?:`([^`]*)`|none) \| (.*?) \|$/gm), ([, name, takes, fallback, what]) => ({
  name: name ?? '',
  takes,
  fallback,
  what,
}));
const names = Object.keys(SETTINGS.shape).map(NAMES.shown);
const defaults: Record<string, unknown> = Object.fromEntries(
  Object.entries(SETTINGS.parse({})).map(([name, value]) => [NAMES.shown(name), value]),
);

const keyOf = (name: string): string => Object.keys(SETTINGS.shape).find((key) => NAMES.shown(key) === name) ?? name;

describe('docs/settings.md', () => {
  test('has a row for every setting, in the order of the source', () => {
    expect(rows.map(({ name }) => name)).toEqual(names);
  });

  test.each(rows)('$name: the default is that of the source', ({ name, fallback }) => {
    expect(fallback).toBe(defaults[name] === undefined ? undefined : String(defaults[name]));
  });

  test.each(rows)('$name: says what it takes and what for', ({ takes, what }) => {
    expect(takes).not.toBe('');
    expect(what).toMatch(/\.$/);
  });

  test.each([
    ['PORT', '0', '65535'],
    ['EVENT_ARCHIVE_BATCH_SIZE', '1', '100000'],
    ['EVENT_BACKUP_MAX_COUNT', '1', '10000'],
    ['EVENT_RATE_LIMIT_REQUESTS', '1', '1000000000'],
    ['RUNNERS', '1', '64'],
    ['QUERY_DEADLINE_MS', '100', '600000'],
    ['MAX_BODY_BYTES', '1024', '1073741824'],
    ['MAX_EVENT_BYTES', '1024', '268435456'],
  ])('%s: the bounds are those of the source', (name, min, max) => {
    expect(rows.find((row) => row.name === name)?.takes).toBe(`${min} to ${max}`);
    const accepts = (value: number): boolean => SETTINGS.safeParse({ [keyOf(name)]: String(value) }).success;
    expect([accepts(Number(min)), accepts(Number(max)), accepts(Number(min) - 1), accepts(Number(max) + 1)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test.each(['DURABILITY', 'LOG_LEVEL'] as const)('%s: the choices are those of the source', (name) => {
    const documented = Array.from(rows.find((row) => row.name === name)?.takes?.matchAll(/`(\w+)`/g) ?? [], (match) => match[1]);
    expect(documented).toEqual(SETTINGS.shape[name].unwrap().options);
  });

  test('names every setting that may come from a file, and these only', () => {
    const documented = Array.from(PAGE.matchAll(/`(\w+)_FILE`/g), (match) => match[1]);
    expect(new Set(documented)).toEqual(FILE_SECRETS);
  });
});

describe('.env.example', () => {
  const settings = parseEnv(EXAMPLE.replaceAll(/^#(?=[A-Z_]+=)/gm, ''));

  test('shows every setting', () => {
    const shown = Array.from(EXAMPLE.matchAll(/^#([A-Z_]+)=/gm), ([, name]) => name);
    expect(shown).toEqual(names);
  });

  test('can be used as it stands, and with everything switched on', () => {
    expect(parseEnv(EXAMPLE)).toEqual({});
    expect(() => readConfig(settings as Record<string, string>, () => '')).not.toThrow();
  });

  test('shows the defaults where there are any', () => {
    for (const [name, value] of Object.entries(defaults))
      if (value !== undefined) expect([name, settings[name]]).toEqual([name, String(value)]);
  });
});

test('docs/operations.md lists the subcommands that there are, and each of them is explained on some page', () => {
  const pages = globSync('docs/*.md', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
  const [, section = ''] = /^## The command `hookwright`\n([\s\S]*?)^## /m.exec(pages.join('\n')) ?? [];
  const listed = Array.from(section.matchAll(/^\| `(\S+)` \|/gm), ([, name]) => name ?? '');
  expect(listed.length).toBeGreaterThan(3);
  expect(listed.filter((name) => !(name in COMMANDS))).toEqual([]);
  const isExplained = (name: string): boolean => listed.includes(name) || pages.some((page) => page.includes(`hookwright ${name}`));
  expect(Object.keys(COMMANDS).filter((name) => !isExplained(name))).toEqual([]);
});
