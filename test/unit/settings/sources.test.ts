import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Config, faultLine, type Reading, readLayers } from '../../../src/config.ts';
import { readSources } from '../../../src/settings/sources.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hookwright-settings-'));
  mkdirSync(join(root, 'lab/.git'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, 'lab', name)), { recursive: true });
    writeFileSync(join(root, 'lab', name), text);
  }
}
interface Given {
  env?: Record<string, string>;
  args?: string[];
  /** Below the lab. */
  cwd?: string;
}
async function read({ env = {}, args = [], cwd = '.' }: Given = {}): Promise<Reading> {
  const sources = await readSources(env, args, { cwd: join(root, 'lab', cwd), home: root });
  return readLayers(sources.layers, { readFile: (path) => `in ${path}`, ...sources });
}
async function config(given?: Given): Promise<Config> {
  const { config, faults } = await read(given);
  if (config === null) throw new Error(faults.map(faultLine).join('\n'));
  return config;
}

describe('M40 where settings come from', () => {
  const files = {
    '.env': 'EVENT_ALERT_LEVEL=3\n',
    'event.env': 'EVENT_ALERT_LEVEL=4\n',
    'events.env': 'EVENT_ALERT_LEVEL=5\n',
    'settings.json': '{"alert_level": 6}',
    'event.settings.json': '{"alert_level": 7}',
    'events.settings.json': '{"alert_level": 8}',
    'settings.toml': 'alert_level = 9\n',
    'event.settings.toml': 'alert_level = 10\n',
    'events.settings.toml': 'alert_level = 11\n',
    'settings.yaml': 'alert_level: 12\n',
    'event.settings.yaml': 'alert_level: 13\n',
    'events.settings.yaml': 'alert_level: 14\n',
  };
  const order = [
    'events.env',
    'event.env',
    '.env',
    'events.settings.json',
    'event.settings.json',
    'settings.json',
    'events.settings.toml',
    'event.settings.toml',
    'settings.toml',
    'events.settings.yaml',
    'event.settings.yaml',
    'settings.yaml',
  ] as const;

  test.each(order)('%s wins over what comes after it', async (name) => {
    write(Object.fromEntries(Object.entries(files).filter(([file]) => order.indexOf(file as never) >= order.indexOf(name))));
    expect((await config()).ALERT_LEVEL).toBe(Number(/\d+/.exec(files[name])?.[0]));
  });

  test('the command line wins over the environment, and that over files', async () => {
    write(files);
    const env = { EVENT_ALERT_LEVEL: '2' };
    expect((await config({ env })).ALERT_LEVEL).toBe(2);
    expect((await config({ env, args: ['--alert_level', '1'] })).ALERT_LEVEL).toBe(1);
    expect((await config({ env, args: ['--alert-level=error'] })).ALERT_LEVEL).toBe(40);
  });

  test('files are found in folders above, up to the first with .git or .madsci; each name by itself', async () => {
    writeFileSync(join(root, 'settings.toml'), 'runners = 9\n');
    write({ 'settings.yaml': 'manager_name: lab\nrunners: 2\n', 'a/b/event.settings.yaml': 'runners: 3\n' });
    expect(await config({ cwd: 'a/b' })).toMatchObject({ MANAGER_NAME: 'lab', RUNNERS: 3 });
    mkdirSync(join(root, 'lab/a/.madsci'));
    const { MANAGER_NAME, RUNNERS } = await config({ cwd: 'a/b' });
    expect([MANAGER_NAME, RUNNERS]).toEqual([undefined, 3]);
  });

  test('what is not above may be in managers/ or config/', async () => {
    write({
      'managers/event.settings.yaml': 'runners: 3\n',
      'config/event.settings.yaml': 'runners: 4\n',
      'config/settings.json': '{"port": 1}',
    });
    expect(await config()).toMatchObject({ RUNNERS: 3, PORT: 1 });
  });

  test('MADSCI_SETTINGS_DIR says where the search begins', async () => {
    write({ 'x/settings.yaml': 'runners: 3\n' });
    expect((await config({ env: { MADSCI_SETTINGS_DIR: join(root, 'lab/x') } })).RUNNERS).toBe(3);
    expect((await config({ env: { MADSCI_SETTINGS_DIR: '~/lab/x' } })).RUNNERS).toBe(3);
  });

  test('BACKUP_DIR below .madsci is in the nearest .madsci, else beside .git', async () => {
    mkdirSync(join(root, 'lab/a/b'), { recursive: true });
    expect((await config({ cwd: 'a/b' })).BACKUP_DIR).toBe(join(root, 'lab/.madsci/backups/events'));
    mkdirSync(join(root, 'lab/a/.madsci'));
    expect((await config({ cwd: 'a/b' })).BACKUP_DIR).toBe(join(root, 'lab/a/.madsci/backups/events'));
    expect((await config({ cwd: 'a/b', env: { EVENT_BACKUP_DIR: 'here' } })).BACKUP_DIR).toBe('here');
  });

  test('the text null says none, wherever it is', async () => {
    write({ 'settings.yaml': 'rate_limit_short_window: 5\nmanager_name: lab\nemail_alerts: {smtp_server: x}\n' });
    const env = { EVENT_RATE_LIMIT_SHORT_WINDOW: 'null', EVENT_MANAGER_NAME: 'null', EVENT_EMAIL_ALERTS: 'null' };
    expect(await config({ env })).toMatchObject({ RATE_LIMIT_SHORT_WINDOW: null, MANAGER_NAME: undefined, EMAIL_ALERTS: undefined });
  });

  test('an empty value is none', async () => {
    write({ 'settings.yaml': 'runners: 3\n' });
    expect((await config({ env: { RUNNERS: '', EVENT_MANAGER_NAME: '' } })).RUNNERS).toBe(3);
  });

  test('yes and no are booleans in YAML, as the original reads it', async () => {
    write({ 'settings.yaml': 'retention_enabled: yes\nrate_limit_enabled: off\n' });
    expect(await config()).toMatchObject({ RETENTION_ENABLED: true, RATE_LIMIT_ENABLED: false });
  });

  test('the environment takes MADSci names in any case, and ours as they are', async () => {
    expect(await config({ env: { event_alert_level: '7', port: '9' } })).toMatchObject({ ALERT_LEVEL: 7, PORT: 8001 });
  });
});

describe('M41 names', () => {
  test('a name without the prefix wins over one with it, whichever file it is in', async () => {
    write({ 'settings.json': '{"event_alert_level": 10, "event_manager_name": "by prefix"}', 'settings.yaml': 'alert_level: 20\n' });
    expect(await config()).toMatchObject({ ALERT_LEVEL: 20, MANAGER_NAME: 'by prefix' });
  });

  test.each([
    [{ EVENT_DB_URL: 'mongodb://b', DB_URL: 'mongodb://c' }, '', 'mongodb://b'],
    [{ DB_URL: 'mongodb://c' }, '', 'mongodb://c'],
    [{ EVENT_DB_URL: 'mongodb://b', MONGO_DB_URL: 'mongodb://d' }, '', 'mongodb://d'],
    [{ EVENT_DB_URL: 'mongodb://b', MONGO_DB_URL: 'mongodb://d', DOCUMENT_DB_URL: 'mongodb://a' }, '', 'mongodb://a'],
    [{ EVENT_DOCUMENT_DB_URL: 'mongodb://e' }, '', 'mongodb://e'],
    [{ EVENT_DB_URL: 'mongodb://b' }, 'document_db_url: mongodb://yaml', 'mongodb://yaml'],
    [{ EVENT_DB_URL: 'mongodb://b' }, 'db_url: mongodb://yaml', 'mongodb://yaml'],
    [{ DOCUMENT_DB_URL: 'mongodb://a' }, 'document_db_url: mongodb://yaml', 'mongodb://a'],
    [{ EVENT_DB_URL: 'mongodb://b' }, 'event_document_db_url: mongodb://yaml', 'mongodb://yaml'],
    [{}, 'event_document_db_url: mongodb://yaml', 'mongodb://yaml'],
    [{}, 'EVENT_DB_URL: mongodb://yaml', 'mongodb://yaml'],
  ])('%j and %j: the database is that of the original', async (env, yaml, url) => {
    write({ 'settings.yaml': `${yaml}\n` });
    expect((await config({ env: env as Record<string, string> })).EVENT_DB_URL).toBe(url);
  });

  test('server_url says where to listen, unless HOST and PORT do', async () => {
    const env = { EVENT_SERVER_URL: 'http://[::1]:9000/' };
    expect(await config({ env })).toMatchObject({ HOST: '::1', PORT: 9_000, isLoopback: true });
    expect(await config({ env: { EVENT_SERVER_URL: 'http://events' } })).toMatchObject({ HOST: 'events', PORT: 80, isLoopback: false });
    expect(await config({ env: { ...env, PORT: '9001' } })).toMatchObject({ HOST: '::1', PORT: 9_001 });
  });
});

describe('M41 the id that MADSci gave', () => {
  const registry = JSON.stringify({ entries: { EventManager: { id: 'A', component_type: 'manager' }, mine: { id: 'B' } } });

  test('is taken from the registry, by the name of the manager', async () => {
    write({ '.madsci/registry.json': registry, 'other.json': registry.replace('"A"', '"C"') });
    expect((await config({ cwd: '.' })).registeredId).toBe('A');
    expect((await config({ env: { EVENT_MANAGER_NAME: 'mine' } })).registeredId).toBe('B');
    expect((await config({ env: { EVENT_MANAGER_NAME: 'nobody' } })).registeredId).toBeNull();
    expect((await config({ env: { EVENT_ENABLE_REGISTRY_RESOLUTION: 'no' } })).registeredId).toBeNull();
    expect((await config({ env: { MADSCI_REGISTRY_PATH: join(root, 'lab/other.json') } })).registeredId).toBe('C');
  });

  test.each(['', '{', '[]', '{"entries":{"EventManager":{"id":5}}}'])('a registry of %j is as good as none', async (text) => {
    write({ '.madsci/registry.json': text });
    expect((await config()).registeredId).toBeNull();
  });
});

describe('M40 mails about alerts', () => {
  const whole = {
    smtp_server: 'a',
    smtp_port: 25,
    use_tls: false,
    sender: 'b@c',
    default_importance: 'High',
    email_addresses: ['d@e', 'f@g'],
  };

  test('as JSON, as single names, and in files', async () => {
    const names = {
      EVENT_EMAIL_ALERTS__SMTP_SERVER: 'a',
      event_email_alerts__smtp_port: '25',
      EVENT_EMAIL_ALERTS__USE_TLS: 'no',
      EVENT_EMAIL_ALERTS__SENDER: 'b@c',
      EVENT_EMAIL_ALERTS__DEFAULT_IMPORTANCE: 'High',
      EVENT_EMAIL_ALERTS__EMAIL_ADDRESSES: 'd@e, f@g',
    };
    expect((await config({ env: names })).EMAIL_ALERTS).toEqual(whole);
    expect((await config({ env: { EVENT_EMAIL_ALERTS: JSON.stringify(whole) } })).EMAIL_ALERTS).toEqual(whole);
    write({ 'event.settings.json': JSON.stringify({ event_email_alerts: whole }) });
    expect((await config()).EMAIL_ALERTS).toEqual(whole);
    expect((await config({ args: ['--email_alerts.smtp_port', '26'] })).EMAIL_ALERTS).toEqual({ ...whole, smtp_port: 26 });
  });

  test('are merged over all places, member by member', async () => {
    write({
      'settings.yaml': 'email_alerts:\n  smtp_server: yaml\n  smtp_port: 1\n  sender: s@t\n',
      'settings.json': '{"email_alerts":{"smtp_port":2}}',
    });
    const env = { EVENT_EMAIL_ALERTS: '{"smtp_username":"json","smtp_password":"x"}', EVENT_EMAIL_ALERTS__SMTP_PASSWORD: 'p' };
    expect((await config({ env })).EMAIL_ALERTS).toEqual({
      smtp_server: 'yaml',
      smtp_port: 2,
      smtp_username: 'json',
      smtp_password: 'p',
      sender: 's@t',
      use_tls: true,
      default_importance: 'Normal',
      email_addresses: [],
    });
  });

  test('the password may be in a file of its own', async () => {
    const env = { EVENT_EMAIL_ALERTS__SMTP_SERVER: 'a', EVENT_EMAIL_ALERTS__SMTP_PASSWORD_FILE: '/run/secrets/mail' };
    const reading = await read({ env });
    expect(reading.config?.EMAIL_ALERTS).toMatchObject({ smtp_server: 'a', smtp_password: 'in /run/secrets/mail' });
    expect(reading.unknown).toEqual([]);
  });

  test('M42 an event_handlers layout is taken; what cannot run is said', async () => {
    write({ 'settings.yaml': 'event_handlers:\n  - madsci.event_manager.notifications.NotificationHandler\n  - lab.slack:SlackHandler\n' });
    const { config, notes } = await read();
    expect(config?.EVENT_HANDLERS).toHaveLength(2);
    expect(notes).toEqual([expect.stringContaining('lab.slack:SlackHandler'), expect.stringContaining('EVENT_EMAIL_ALERTS')]);
    const env = { EVENT_EMAIL_ALERTS: '{"smtp_server":"a","email_addresses":["b@c.example"]}' };
    expect((await read({ env })).notes).toHaveLength(1);
  });

  test.each([
    [{ EVENT_EMAIL_ALERTS: '{"smtp_server":"a"}' }, 'without email_addresses'],
    [{ EVENT_EMAIL_ALERTS: '{"email_addresses":["b@c.example"]}' }, 'without smtp_server'],
    [{ EVENT_EMAIL_ALERTS: '{"smtp_server":"a","email_addresses":["b@c.example"],"smtp_username":"u"}' }, 'only together'],
    [{ EVENT_BACKUP_ENABLED: 'yes' }, 'EVENT_BACKUP_SCHEDULE says so'],
    [{ EVENT_BACKUP_SCHEDULE: '0 2 * * *' }, 'no effect'],
    [{ EVENT_RATE_LIMIT_EXEMPT_IPS: '[]' }, 'this machine itself'],
  ])('%j is noted: it does less than it says', async (env, words) => {
    expect((await read({ env: env as Record<string, string> })).notes).toEqual([expect.stringContaining(words)]);
  });

  test('alerts without a server of their own go by SMTP_URL, which needs no note', async () => {
    const env = { EVENT_EMAIL_ALERTS: '{"email_addresses":["b@c.example"]}', SMTP_URL: 'smtp://127.0.0.1:25' };
    expect((await read({ env })).notes).toEqual([]);
  });
});

describe('what is wrong is said with its place', () => {
  const lines = async (given?: Given): Promise<string[]> => (await read(given)).faults.map((fault) => faultLine(fault).trim());

  test('setting, file and line, and what it takes', async () => {
    write({ '.env': '# lab\n\nexport EVENT_ALERT_LEVEL=loud\n', 'settings.yaml': 'runners: 900\nemail_alerts:\n  smtp_port: 0\n' });
    expect(await lines({ env: { PORT: 'x' } })).toEqual([
      'PORT: takes a whole number from 0 to 65535 (environment)',
      'RUNNERS: takes a whole number from 1 to 64 (settings.yaml, line 1)',
      'EVENT_ALERT_LEVEL: takes a whole number from 0 to 50, or notset, debug, info, warning, error, critical (.env, line 3)',
      'EVENT_EMAIL_ALERTS.smtp_port: takes a whole number from 1 to 65535 (settings.yaml, line 2)',
    ]);
  });

  test('never the value of a secret', async () => {
    const secret = 'hush hush';
    write({ 'settings.yaml': `admin_key: ${secret}\nsmtp_url: ${secret}\nevent_db_url: ${secret}\nemail_alerts: "{${secret}"\n` });
    const found = await lines({ env: { EVENT_EMAIL_ALERTS__SMTP_PASSWORD_FILE: '/x' } });
    expect(found.length).toBeGreaterThanOrEqual(4);
    expect(found.join()).not.toContain('hush');
  });

  test.each([
    ['settings.json', '{\n"admin_key": "hush"', 'is not JSON (line 2)'],
    ['settings.json', '{"admin_key": hush}', 'is not JSON'],
    ['settings.yaml', 'a: [1\nadmin_key: "hush"', 'is not YAML (line 2)'],
    ['settings.yaml', 'admin_key: *hush', 'is not YAML'],
    ['settings.toml', 'b = 1\nadmin_key = hush\n', 'is not TOML (line 2)'],
    ['event.settings.json', '["hush"]', 'has to hold names and values'],
  ])('a %s of %j, without quoting it', async (name, text, message) => {
    write({ [name]: text });
    expect(await lines()).toEqual([`${name}: ${message}`]);
  });

  test('a file that may not be read', async () => {
    symlinkSync('/proc/self/mem', join(root, 'lab/settings.json')); // a file that cannot be read, also by root
    expect(await lines()).toEqual([expect.stringMatching(/^settings\.json: cannot be read \(E\w+\)$/)]);
  });

  test.each(['settings.json', 'settings.yaml', 'settings.toml'])('an empty %s is fine', async (name) => {
    write({ [name]: '\n' });
    expect(await lines()).toEqual([]);
  });

  test('a number where text is meant: YAML may have changed it', async () => {
    write({ 'settings.yaml': 'email_alerts:\n  smtp_password: 0123\n' });
    expect(await lines()).toEqual([expect.stringContaining('write it in quotes')]);
  });

  test('options that no setting has', async () => {
    expect(await lines({ args: ['--prt', '1', 'x'] })).toEqual([
      'x: is no option; settings are given as --name value',
      '--prt: no setting has this name; did you mean --port? (command line)',
    ]);
  });
});

describe('names that no setting has', () => {
  const names = async (given?: Given) =>
    (await read(given)).unknown.map(({ setting, message, isCertain }) => [setting, /mean (\S+)\?/.exec(message)?.[1], isCertain]);

  test('in the environment: those with the prefix, which may be meant for others', async () => {
    const env = { EVENT_ALERT_LEVL: '1', EVENT_PORT: '1', EVENT_CLIENT_NAME: 'x', EVENT_SERVICE_HOST: 'x', PORTT: '1', PATH: '/bin' };
    expect(await names({ env })).toEqual([
      ['EVENT_ALERT_LEVL', 'EVENT_ALERT_LEVEL', false],
      ['EVENT_PORT', 'PORT', false],
    ]);
  });

  test('in files that others share: those with the prefix, and near misses', async () => {
    write({
      'settings.yaml': 'event_alertlevel: 1\nrunnrs: 2\nlab_server_url: x\nworkcell_nodes: {}\n',
      '.env': 'RESOURCE_DB_URL=x\nDATADIR=y\n',
    });
    expect(await names()).toEqual([
      ['DATADIR', 'DATA_DIR', false],
      ['event_alertlevel', 'event_alert_level', true],
      ['runnrs', 'runners', false],
    ]);
  });

  test('in files of our own: all', async () => {
    write({ 'events.settings.toml': 'workcell_nodes = 1\n[email_alerts]\nsmtp_sever = "x"\n' });
    expect(await names()).toEqual([
      ['workcell_nodes', undefined, true],
      ['email_alerts.smtp_sever', 'smtp_server', true],
    ]);
  });
});
