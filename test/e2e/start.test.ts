import { describe, expect, test } from '@jest/globals';
import { eventually, startServer } from '../support/server.ts';
import { dataFolder, request } from './steps.ts';

const KEY_LINE = /Admin key, shown only this once; keep it:\n {4}(\S+)\n/;
const OWN_KEY = { ADMIN_KEY: '' };

describe('starting', () => {
  test('the first start says where everything is and shows the admin key, later ones do not', async () => {
    using folder = dataFolder();
    let key: string;
    {
      await using server = await startServer({ folder: folder.path, env: OWN_KEY });
      const output = await eventually(async () => (server.output().includes('Try:') ? server.output() : null));
      expect(output).toContain('Hookwright is ready.');
      expect(output).toContain(`  API    ${server.url}\n`);
      expect(output).toContain(`  Docs   ${server.url}/docs\n`);
      expect(output).toContain(`  Data   ${folder.path}\n`);
      expect(output).toMatch(/ {2}Mails {2}\S+mail \(\.eml files; set SMTP_URL to send them\)\n/);
      key = KEY_LINE.exec(output)?.[1] ?? '';
      expect((await request(server, 'GET', '/keys', { key })).status).toBe(200);
      expect((await request(server, 'GET', '/keys', { key: `${key}x` })).status).toBe(401);
      expect((await request(server, 'GET', '/keys')).status).toBe(401);
    }
    await using again = await startServer({ folder: folder.path, env: OWN_KEY });
    await eventually(async () => (again.output().includes('Try:') ? true : null));
    expect(again.output()).not.toContain('Admin key');
    expect(again.output()).not.toContain(key);
    expect((await request(again, 'GET', '/keys', { key })).status).toBe(200);
  });

  test('no key is needed to post and read events on this machine', async () => {
    await using server = await startServer();
    const posted = await request(server, 'POST', '/event', { body: '{"event_type":"test","event_data":{"message":"hello"}}' });
    expect(posted.status).toBe(200);
    const { _id } = JSON.parse(posted.text) as { _id: string };
    expect(await request(server, 'GET', `/event/${_id}`)).toEqual({ status: 200, text: posted.text });
  });

  test('a second server on the same folder is refused and told why, the first goes on', async () => {
    await using first = await startServer();
    await expect(startServer({ folder: first.folder })).rejects.toThrow(
      `Another server uses the data folder ${first.folder}. Stop it first, or set DATA_DIR to another folder.`,
    );
    expect((await request(first, 'GET', '/readyz')).status).toBe(200);
  });

  test.each([
    { env: { PORT: 'http' }, says: 'PORT: takes a whole number' },
    { env: { DURABILITY: 'some' }, says: 'DURABILITY: ' },
    { env: { SMTP_URL: 'mail.example.org', LOG_LEVEL: 'loud' }, says: 'LOG_LEVEL: ' },
    { env: { EVENT_BACKUP_ENABLED: 'yes', EVENT_BACKUP_SCHEDULE: '61 * * * *' }, says: 'EVENT_BACKUP_SCHEDULE: ' },
    { env: { MAIL_FROM: 'nobody' }, says: 'MAIL_FROM: ' },
  ])('$env is refused by name', async ({ env, says }) => {
    await expect(startServer({ env })).rejects.toThrow(says);
  });
});
