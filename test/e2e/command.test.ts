import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commands.ts';

const BIN = join(import.meta.dirname, '../../bin/hookwright.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-command-'));
  mkdirSync(join(folder, '.git'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  code: number;
  out: string;
  err: string;
}
function hookwright(args: string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { cwd: folder, env: { PATH: process.env['PATH'] ?? '', ...env } }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

describe('hookwright', () => {
  test('says what there is, with examples', async () => {
    const { code, out } = await hookwright(['--help']);
    expect(code).toBe(0);
    for (const name of Object.keys(COMMANDS)) expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(out).toContain('Examples:');
  });

  test.each(Object.keys(COMMANDS))('%s --help has more than its options', async (name) => {
    const { code, out, err } = await hookwright([name, '--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^ {2}\$ .*hookwright /m);
  });

  test('nobody reads what it prints: it ends as if somebody did', async () => {
    const { promise, resolve } = Promise.withResolvers<Run>();
    const command = `"$0" "$@" | true; echo "\${PIPESTATUS[0]}"`;
    const args = ['-c', command, process.execPath, BIN, 'config', 'print', '--json'];
    execFile('bash', args, { cwd: folder }, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }));
    expect(await promise).toEqual({ code: 0, out: '0\n', err: '' });
  });

  test('a command that there is not: 2, and the one that was meant', async () => {
    const { code, out, err } = await hookwright(['confg']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Did you mean config?');
  });

  test.each([[['config', 'chekc']], [['config', 'check', '--jsn']], [[]]])(
    '%j is used wrongly: 2, and help on standard error',
    async (args) => {
      const { code, out, err } = await hookwright(args);
      expect([code, out]).toEqual([2, '']);
      expect(err).not.toBe('');
    },
  );

  test('config check: 0 when all is right', async () => {
    expect(await hookwright(['config', 'check'])).toEqual({ code: 0, out: 'The settings can be used.\n', err: '' });
  });

  test('config check: 2 for a wrong value, with what it takes on standard error', async () => {
    const { code, out, err } = await hookwright(['config', 'check'], { PORT: 'x', ADMIN_KEY: 'hush' });
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('PORT: takes a whole number from 0 to 65535 (environment)');
    expect(err).toContain('ADMIN_KEY: takes at least 16 characters');
    expect(err).not.toContain('hush');
  });

  test('config check: a name that nobody has is an error in a file of ours, and a warning in the environment', async () => {
    expect(await hookwright(['config', 'check'], { EVENT_BACKUP_DRI: 'x' })).toMatchObject({
      code: 0,
      err: 'Warning: EVENT_BACKUP_DRI: no setting has this name; did you mean EVENT_BACKUP_DIR? (environment)\n',
    });
    writeFileSync(join(folder, 'event.settings.yaml'), 'backup_dri: x\n');
    const { code, out } = await hookwright(['config', 'check', '--json']);
    rmSync(join(folder, 'event.settings.yaml'));
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      errors: [],
      unknown: [{ setting: 'backup_dri', file: 'event.settings.yaml', line: 1, is_error: true }],
    });
  });

  test('config check: also what would be found at the start only', async () => {
    const { code, err } = await hookwright(['config', 'check'], {
      SMTP_URL: 'smtp://hush:hush@h/x?y=1',
      MAIL_FROM: 'a b',
      EVENT_BACKUP_ENABLED: 'yes',
      EVENT_BACKUP_SCHEDULE: '61 * * * *',
      UTILIZATION_REPORT_TO: 'a@b.example',
      UTILIZATION_REPORT_SCHEDULE: 'tomorrow',
      EVENT_OTEL_ENABLED: 'yes',
      EVENT_OTEL_EXPORTER: 'otlp',
      EVENT_EMAIL_ALERTS: '{"smtp_server":"h","email_addresses":["a@b.example","c d"]}',
    });
    expect(code).toBe(2);
    for (const name of [
      'SMTP_URL',
      'MAIL_FROM',
      'EVENT_BACKUP_SCHEDULE',
      'UTILIZATION_REPORT_SCHEDULE',
      'EVENT_OTEL_EXPORTER',
      'EVENT_EMAIL_ALERTS.email_addresses',
    ])
      expect(err).toMatch(new RegExp(`^  ${name}: .+ \\(environment\\)$`, 'm'));
    expect(err).not.toContain('hush');
  });

  test('serve: 2 for what only its parts can judge', async () => {
    const { code, err } = await hookwright(['serve'], { MAIL_FROM: 'a b', EVENT_OTEL_ENABLED: 'yes', EVENT_OTEL_EXPORTER: 'otlp' });
    expect(code).toBe(2);
    expect(err).toMatch(/^ {2}MAIL_FROM: .*\n {2}EVENT_OTEL_EXPORTER: /m);
  });

  test('config print: every value with its source, and no secret', async () => {
    writeFileSync(
      join(folder, 'settings.toml'),
      'alert_level = "WARNING"\n[email_alerts]\nsmtp_username = "hush"\nsmtp_password = "hush"\n',
    );
    const env = { ADMIN_KEY: 'hush-hush-hush-hush', EVENT_DB_URL: 'mongodb://hush@h', SMTP_URL: 'smtp://hush@h' };
    const json = await hookwright(['config', 'print', '--json', '--set', 'runners=3'], env);
    const table = await hookwright(['config', 'print'], env);
    rmSync(join(folder, 'settings.toml'));
    expect(JSON.parse(json.out)).toMatchObject({
      EVENT_ALERT_LEVEL: { value: 30, source: 'settings.toml, line 1' },
      RUNNERS: { value: 3, source: 'command line' },
      ADMIN_KEY: { value: '***REDACTED***', source: 'environment' },
      PORT: { value: 8001, source: 'default' },
    });
    expect(table.out).toMatch(/^EVENT_ALERT_LEVEL +settings.toml, line 1 +30$/m);
    expect(json.out + table.out + json.err + table.err).not.toContain('hush');
  });

  test('serve takes every setting as an option, and refuses what is none', async () => {
    const { code, err } = await hookwright(['serve', '--prt', '9', '--runners=x']);
    expect(code).toBe(2);
    expect(err).toContain('--prt: no setting has this name; did you mean --port?');
    expect(err).toContain('RUNNERS: takes a whole number from 1 to 64 (command line)');
  });
});
