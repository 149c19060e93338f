import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ParsedMail, simpleParser } from 'mailparser';
import { api, type ServerProcess, startServer } from '../support/server.ts';
import { type Delivery, ended, items, post, register, sentMail } from './steps.ts';

const CODE = `export default async (event, ctx) => {
  ctx.log.info('looking at', event.event_data.part);
  if (event.event_data.part === 'gear') throw new Error('the gear is worn');
  return 'checked ' + event.event_data.part;
};`;

describe('mails without a mail server', () => {
  let server: ServerProcess;
  let handler: number;
  beforeAll(async () => {
    server = await startServer();
    handler = await register(server, {
      name: 'parts',
      code: CODE,
      notify_on_success: 'good@example.org',
      notify_on_failure: 'bad@example.org',
      retry: { max_attempts: 2, backoff: { first_ms: 1, max_ms: 1 } },
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** The file of a mail, found by the id that the mail carries. */
  async function fileOf({ message_id }: Delivery): Promise<ParsedMail> {
    const folder = join(server.folder, 'mail');
    const mails = await Promise.all(
      readdirSync(folder)
        .filter((name) => name.endsWith('.eml'))
        .map((name) => simpleParser(readFileSync(join(folder, name)))),
    );
    const found = mails.filter(({ messageId }) => messageId === `<${message_id}>`);
    expect(found).toHaveLength(1);
    return found[0] as ParsedMail;
  }

  test('B9 the text that a handler returns is mailed to its success address, once', async () => {
    const execution = await ended(server, handler, await post(server, { part: 'bolt' }));
    const delivery = await sentMail(server, execution.id);
    expect(delivery).toMatchObject({ kind: 'success', to: 'good@example.org', attempts: 1, last_error: null });
    const mail = await fileOf(delivery);
    expect(mail.to).toMatchObject({ text: 'good@example.org' });
    expect(mail.subject).toBe('[hookwright] parts succeeded');
    expect(mail.text?.split('\n')[0]).toBe('checked bolt');
    expect(mail.text).toContain(`${server.url}/executions/${encodeURIComponent(execution.id)}`);
    expect(await items(server, `/deliveries?execution_id=${encodeURIComponent(execution.id)}`)).toHaveLength(1);
  });

  test('B9 the exception is mailed to the failure address with its line and the logs, once for all attempts', async () => {
    const execution = await ended(server, handler, await post(server, { part: 'gear' }));
    expect(execution).toMatchObject({ state: 'dead', attempt: 2 });
    const delivery = await sentMail(server, execution.id);
    expect(delivery).toMatchObject({ kind: 'failure', to: 'bad@example.org' });
    const { text, subject } = await fileOf(delivery);
    expect(subject).toBe('[hookwright] parts failed: thrown');
    expect(text).toContain('the gear is worn');
    expect(text).toContain('line 3');
    expect(text).toContain("if (event.event_data.part === 'gear') throw");
    expect(text).toContain('looking at gear');
    expect(await items(server, `/deliveries?execution_id=${encodeURIComponent(execution.id)}`)).toHaveLength(1);
  });

  test('a mail is read and sent again through the API', async () => {
    const execution = await ended(server, handler, await post(server, { part: 'nut' }));
    const { id, message_id } = await sentMail(server, execution.id);
    const path = `/deliveries/${encodeURIComponent(id)}`;
    expect(await api(server, 'GET', path)).toMatchObject({
      status: 200,
      body: { text: expect.stringMatching(/^checked nut\n/), message_id },
    });
    expect(await api(server, 'POST', `${path}/resend`)).toMatchObject({ status: 200 });
    expect(await sentMail(server, execution.id)).toMatchObject({ id, message_id });
  });
});
