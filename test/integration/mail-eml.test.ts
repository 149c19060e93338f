import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { simpleParser } from 'mailparser';
import { emlFileName } from '../../src/adapters/eml/file-name.ts';
import { emlMailer } from '../../src/adapters/eml/mailer.ts';
import type { Mail } from '../../src/ports/mailer.ts';

const FROM = { name: '', address: 'hookwright@localhost' };
const DATE = Date.UTC(2026, 2, 1, 12, 30, 15, 250);

function mail(over: Partial<Mail> = {}): Mail {
  return {
    to: 'ada@lab.example',
    subject: 'Grüße',
    text: 'plain ✓\n',
    html: '<p>rich ✓</p>',
    messageId: 'a1.success@lab.example',
    date: DATE,
    ...over,
  };
}

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'mail-eml-'));
  folder = join(parent, 'data', 'mail');
});
afterEach(async () => {
  await rm(parent, { recursive: true });
});

describe('mails as files', () => {
  test('are readable by any mail reader, and only by the owner', async () => {
    expect(await emlMailer({ folder, from: FROM }).send(mail())).toEqual({ kind: 'accepted' });
    expect(await readdir(folder)).toEqual(['20260301T123015Z-a1.success@lab.example.eml']);
    const path = join(folder, '20260301T123015Z-a1.success@lab.example.eml');
    const raw = await readFile(path);
    expect(raw.toString('latin1').replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    const parsed = await simpleParser(raw);
    expect(parsed).toMatchObject({ messageId: '<a1.success@lab.example>', subject: 'Grüße', date: new Date(DATE - 250) });
    expect(parsed.headers.get('auto-submitted')).toBe('auto-generated');
    expect(parsed.text).toContain('plain ✓');
    expect(parsed.html).toContain('<p>rich ✓</p>');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('the same mail again replaces its file; another one at the same moment has its own', async () => {
    const mailer = emlMailer({ folder, from: FROM });
    await mailer.send(mail());
    await mailer.send(mail({ text: 'again' }));
    await mailer.send(mail({ messageId: 'a1.failure@lab.example' }));
    const names = await readdir(folder);
    expect(names).toHaveLength(2);
    expect((await simpleParser(await readFile(join(folder, names[1] as string)))).text).toContain('again');
  });

  test('what a crash left of a file is replaced', async () => {
    const mailer = emlMailer({ folder, from: FROM });
    await mailer.send(mail({ messageId: 'other@lab.example' }));
    await writeFile(join(folder, `.${emlFileName(mail())}.tmp`), 'half a m');
    await mailer.send(mail());
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.each([
    { id: '../../etc/x@y' },
    { id: '/etc/x@y' },
    { id: 'CON@y' },
    { id: `${'a'.repeat(190)}@y` },
    { id: 'A@y' },
    { id: "a'/b@y" },
  ])('a Message-ID such as $id names a file inside the folder', ({ id }) => {
    expect(emlFileName({ messageId: id, date: DATE })).toMatch(/^20260301T123015Z-[0-9a-f]{64}\.eml$/);
  });
});

describe('mails that cannot be written wait', () => {
  test('when something else has the name of the folder', async () => {
    await writeFile(join(parent, 'file'), '');
    const result = await emlMailer({ folder: join(parent, 'file'), from: FROM }).send(mail());
    expect(result).toEqual({ kind: 'temporary', detail: expect.stringContaining('cannot write the mail') });
  });

  test('when the disk is full', async () => {
    // A device that takes no byte stands for it: what is written to its name fails with ENOSPC.
    await mkdir(folder, { recursive: true });
    await symlink('/dev/full', join(folder, `.${emlFileName(mail())}.tmp`));
    const result = await emlMailer({ folder, from: FROM }).send(mail());
    expect(result).toEqual({ kind: 'temporary', detail: expect.stringContaining('ENOSPC') });
    expect(await readdir(folder)).toEqual([]);
    expect(await emlMailer({ folder, from: FROM }).send(mail())).toEqual({ kind: 'accepted' });
  });

  test('when a folder stands where the file should', async () => {
    await mkdir(join(folder, emlFileName(mail())), { recursive: true });
    expect(await emlMailer({ folder, from: FROM }).send(mail())).toMatchObject({ kind: 'temporary' });
    expect(await readdir(folder)).toEqual([emlFileName(mail())]);
  });
});
