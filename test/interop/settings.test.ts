import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { faultLine, readLayers } from '../../src/config.ts';
import { readSources } from '../../src/settings/sources.ts';
import { publicSettings } from '../../src/wiring/public-settings.ts';
import { interopPython, runPython } from '../support/python.ts';

interface Case {
  why: string;
  files?: Record<string, string>;
  env?: Record<string, string>;
  args?: string[];
  /** Where it is started, below the lab. */
  cwd?: string;
}

/** Every kind of place, and what wins over what. */
const CASES: Case[] = [
  { why: 'nothing' },
  {
    why: 'the environment',
    env: { EVENT_ALERT_LEVEL: '30', event_manager_name: 'x', EVENT_RETENTION_ENABLED: 'true', EVENT_BACKUP_DIR: '/b' },
  },
  { why: 'names of the database', env: { EVENT_DB_URL: 'mongodb://b', DB_URL: 'mongodb://c' } },
  { why: 'all names of the database', env: { DOCUMENT_DB_URL: 'mongodb://a', MONGO_DB_URL: 'mongodb://d', EVENT_DB_URL: 'mongodb://b' } },
  {
    why: 'a name of the database in a file',
    env: { EVENT_DB_URL: 'mongodb://b' },
    files: { 'settings.yaml': 'document_db_url: mongodb://y\n' },
  },
  { why: 'a later name in a file', env: { EVENT_DB_URL: 'mongodb://b' }, files: { 'settings.yaml': 'db_url: mongodb://y\n' } },
  { why: 'a prefixed name of the database in a file', files: { 'settings.yaml': 'event_document_db_url: mongodb://y\n' } },
  { why: 'the same, in other orders', env: { MONGO_DB_URL: 'mongodb://d' }, files: { 'settings.yaml': 'db_url: mongodb://y\n' } },
  {
    why: 'a prefixed one beside the environment',
    env: { DB_URL: 'mongodb://c' },
    files: { 'settings.yaml': 'event_document_db_url: mongodb://y\n' },
  },
  { why: 'the first name in both', env: { DOCUMENT_DB_URL: 'mongodb://a' }, files: { 'settings.yaml': 'document_db_url: mongodb://y\n' } },
  { why: 'names in two files', files: { 'settings.json': '{"db_url":"mongodb://j"}', 'settings.yaml': 'document_db_url: mongodb://y\n' } },
  { why: 'names in one file', files: { 'settings.yaml': 'db_url: mongodb://1\nmongo_db_url: mongodb://2\n' } },
  {
    why: 'three .env files',
    files: { '.env': 'EVENT_ALERT_LEVEL=10\n', 'event.env': 'EVENT_ALERT_LEVEL=20\n', 'events.env': 'EVENT_ALERT_LEVEL=30\n' },
  },
  {
    why: 'the environment over .env',
    env: { EVENT_ALERT_LEVEL: '50' },
    files: { '.env': 'export EVENT_ALERT_LEVEL="10" # x\nEVENT_MANAGER_NAME=\'a b\'\n' },
  },
  {
    why: 'JSON over TOML over YAML',
    files: {
      'settings.json': '{"alert_level":10}',
      'settings.toml': 'alert_level=20\nmanager_name="t"\n',
      'settings.yaml': 'alert_level: 30\nmanager_name: y\ndatabase_name: z\n',
    },
  },
  {
    why: 'the later file of a kind',
    files: {
      'settings.yaml': 'alert_level: 10\nmanager_name: a\n',
      'event.settings.yaml': 'alert_level: 20\n',
      'events.settings.yaml': 'alert_level: 30\n',
    },
  },
  {
    why: 'a name without the prefix over one with it',
    files: { 'settings.json': '{"event_alert_level":10}', 'settings.yaml': 'alert_level: 20\n' },
  },
  { why: 'both in one file', files: { 'settings.yaml': 'event_alert_level: 10\nalert_level: 20\nevent_manager_name: p\n' } },
  {
    why: 'mails, merged over kinds of files',
    files: {
      'settings.yaml': 'email_alerts: {smtp_server: y, smtp_port: 1, email_addresses: [a@b]}\n',
      'settings.json': '{"email_alerts":{"smtp_port":2}}',
    },
  },
  {
    why: 'mails, replaced by a later file of the kind',
    files: { 'settings.yaml': 'email_alerts: {smtp_server: y}\n', 'event.settings.yaml': 'email_alerts: {sender: s@t}\n' },
  },
  {
    why: 'the command line',
    env: { EVENT_ALERT_LEVEL: '50' },
    args: ['--alert_level', '30', '--manager_name=m', '--rate_limit_short_window', 'null'],
  },
  {
    why: 'folders above, each name by itself',
    cwd: 'a/b',
    files: { 'settings.yaml': 'manager_name: lab\ndatabase_name: d\n', 'a/event.settings.yaml': 'database_name: a\n' },
  },
  {
    why: 'up to .madsci',
    cwd: 'a/b',
    files: { 'settings.yaml': 'manager_name: lab\n', 'a/.madsci/x': '', 'a/settings.toml': 'database_name="a"\n' },
  },
  {
    why: 'managers and config',
    files: {
      'managers/event.settings.yaml': 'manager_name: m\n',
      'config/settings.yaml': 'database_name: c\n',
      'config/event.settings.yaml': 'manager_name: c\n',
    },
  },
  {
    why: 'MADSCI_SETTINGS_DIR',
    env: { MADSCI_SETTINGS_DIR: 'a' },
    files: { 'settings.yaml': 'manager_name: lab\n', 'a/event.settings.yaml': 'database_name: a\n' },
  },
  {
    why: 'null',
    files: {
      'settings.yaml': 'rate_limit_short_requests: null\nmanager_name: ~\nbackup_schedule: "0 2 * * *"\nrate_limit_exempt_ips: [1.2.3.4]\n',
    },
  },
  {
    why: 'YAML as it was',
    files: {
      'settings.yaml': 'retention_enabled: yes\nrate_limit_enabled: off\nsoft_delete_after_days: 0x10\nmax_batches_per_run: 1_000\n',
    },
  },
  {
    why: 'others in the same file',
    files: {
      'settings.yaml':
        'lab_server_url: http://x\nworkcell_nodes: {a: b}\nresource_db_url: q\nlab_url: http://lab:8000\nserver_url: http://0.0.0.0:9001\n',
    },
  },
];

let root: string;
let theirs: Record<string, unknown>[];
const labOf = (index: number): string => join(root, String(index), 'lab');
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'hookwright-settings-'));
  const cases = CASES.map(({ files = {}, env = {}, args = [], cwd = '.' }, index) => {
    for (const [name, text] of Object.entries({ '.git/x': '', [join(cwd, 'x')]: '', ...files })) {
      mkdirSync(dirname(join(labOf(index), name)), { recursive: true });
      writeFileSync(join(labOf(index), name), text);
    }
    return { folder: join(labOf(index), cwd), env, args };
  });
  const [input, target] = [join(root, 'cases.json'), join(root, 'found.json')];
  writeFileSync(input, JSON.stringify(cases));
  const run = await runPython(interopPython(), [join(import.meta.dirname, 'original_settings.py'), input, target], root);
  if (run.code !== 0) throw new Error(run.output);
  theirs = JSON.parse(readFileSync(target, 'utf8')) as Record<string, unknown>[];
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function ours({ env = {}, args = [], cwd = '.' }: Case, index: number): Promise<Readonly<Record<string, unknown>>> {
  const sources = await readSources(env, args, { cwd: join(labOf(index), cwd), home: root });
  const { config, faults } = readLayers(sources.layers, { readFile: () => '', ...sources });
  if (config === null) throw new Error(faults.map(faultLine).join('\n'));
  const shown = publicSettings(config, { managerId: 'M', url: () => 'http://localhost:8001' }).all();
  return { ...shown, document_db_url: config.EVENT_DB_URL ?? 'mongodb://localhost:27017' };
}

/** The original adds a slash to every URL, and shows credentials where they were asked for; here that is of no interest. */
const comparable = (value: unknown): unknown => {
  if (typeof value === 'string') return value.replace(/\/$/, '');
  return typeof value === 'object' && value !== null && 'smtp_server' in value
    ? { ...value, smtp_username: null, smtp_password: null }
    : value;
};

describe('M40 M41 settings are read as the original reads them', () => {
  test.each(CASES.map((one, index) => ({ ...one, index })))('$why', async ({ index, ...one }) => {
    const original = theirs[index] ?? {};
    expect(original).not.toHaveProperty('error');
    const own = await ours(one, index);
    const { manager_id: _theirId, manager_name: name, ...rest } = original;
    const found = Object.fromEntries(Object.keys(rest).map((key) => [key, comparable(own[key])]));
    expect(found).toEqual(Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, comparable(value)])));
    expect(own['manager_name']).toBe(name ?? 'Hookwright');
  });
});
