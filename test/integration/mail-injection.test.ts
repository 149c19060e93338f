import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { emlMailer } from '../../src/adapters/eml/mailer.ts';
import { smtpMailer } from '../../src/adapters/smtp/mailer.ts';
import { alertMails } from '../../src/core/alert-mail.ts';
import { DEFAULT_EVENT_LIMITS, normaliseEvent } from '../../src/core/event.ts';
import { checkAddress } from '../../src/core/mail-address.ts';
import { type Attachment, attachmentFault } from '../../src/core/mail-attachment.ts';
import { handlerMail, outcomeMail } from '../../src/core/outcome-mail.ts';
import type { Mail, Mailer, MailResult } from '../../src/ports/mailer.ts';
import { fixedDefaults } from '../support/event-defaults.ts';
import { type SmtpPeer, smtpPeer } from '../support/smtp-peer.ts';

const FROM = { name: 'Hookwright', address: 'hookwright@lab.example' };
const SITE = { publicUrl: 'https://hooks.lab.example', domain: 'lab.example', version: '0.1.0', digest: hexOf };
const TO = 'ada@lab.example';
const HEADERS = ['auto-submitted', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to'];
/** Fixed, so that a case that fails can be had again. */
const SEED = 20_260_301;

/** What people have put into mail fields to get past them. */
const EVIL = [
  'x\r\nBcc: evil@evil.example',
  'x\nTo: evil@evil.example',
  'x\rCc: evil@evil.example',
  'x\r\n\r\n<script>alert(1)</script>',
  'x\u2028Bcc: evil@evil.example\u2029',
  'x\u0085Bcc: evil@evil.example',
  'x\u0000\u0007\u001b[31m',
  '\u202eelpmaxe.live@live\u202c \u2066x\u2069',
  '=?utf-8?Q?=0D=0ABcc:_evil=40evil.example?=',
  '=?utf-8?B?DQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?=',
  'x, evil@evil.example',
  'x; evil@evil.example',
  '"x" <evil@evil.example>',
  '"x\\" <evil@evil.example>, y',
  '(comment) evil@evil.example (more)',
  'group: evil@evil.example, a@b.example;',
  '<evil@evil.example>',
  '\ud800 half a pair \udfff',
  '💥'.repeat(300),
  'a'.repeat(10_000),
  'a\r\n '.repeat(2_500),
  ' '.repeat(10_000),
  '\r\n.\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<evil@evil.example>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n',
  '%0d%0aBcc:%20evil@evil.example',
  '&lt;img src=x onerror=alert(1)&gt;<img src=x onerror=alert(1)>',
];

function hexOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('hex').slice(0, 64).padEnd(64, '0');
}

/** Header names in order, unfolded, of a raw message. */
function headersOf(raw: string): { name: string; value: string }[] {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]/g, ' ');
  return head
    .split('\r\n')
    .map((line) => ({ name: line.slice(0, line.indexOf(':')).toLowerCase(), value: line.slice(line.indexOf(':') + 1).trim() }));
}

/** Every field of the mails of an execution, each made of the same text. */
function mailsOf(text: string): Mail[] {
  const shared = { site: SITE, executionId: text, replay: null, createdAt: Date.UTC(2026, 2, 1) };
  const times = { startedAt: 1, finishedAt: 2 };
  const logs = [{ level: 'info' as const, message: text, at: 1 }];
  const error = { reason: 'thrown' as const, message: text, line: 1, column: 1 };
  const outcome = {
    ...shared,
    to: TO,
    handler: { id: 1, name: text, version: 0 },
    hook: text,
    eventId: text,
    attempts: 1,
    maxAttempts: 3,
    source: text,
  };
  const html = `<p>${text}</p>`;
  const deliveries = [
    outcomeMail({ ...outcome, outcome: { kind: 'failed', error, logs, ...times } }),
    outcomeMail({ ...outcome, outcome: { kind: 'succeeded', output: JSON.stringify(text), effects: [], logs, ...times } }),
    handlerMail({ ...shared, n: 0, effect: { op: 'mail', to: TO, subject: text, text, html } }),
  ];
  return deliveries.map((delivery) => ({ ...delivery, date: delivery.createdAt }));
}

let peer: SmtpPeer;
let smtp: Mailer;
let eml: Mailer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mail-injection-'));
  peer = await smtpPeer();
  smtp = smtpMailer({ url: peer.url, from: FROM });
  eml = emlMailer({ folder, from: FROM });
});
afterAll(async () => {
  await smtp[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function sendBoth(mail: Mail): Promise<{ results: MailResult[]; raws: string[]; recipients: string[][] }> {
  peer.mails.length = 0;
  const results = [await smtp.send(mail), await eml.send(mail)];
  const files = await readdir(folder);
  const written = await Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')));
  await Promise.all(files.map((name) => rm(join(folder, name))));
  return { results, raws: [...peer.mails.map(({ raw }) => raw), ...written], recipients: peer.mails.map(({ to }) => to) };
}

async function expectHarmless(mail: Mail): Promise<void> {
  const { results, raws, recipients } = await sendBoth(mail);
  expect(results).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }]);
  expect(recipients).toEqual([[TO]]);
  expect(raws).toHaveLength(2);
  for (const raw of raws) {
    const headers = headersOf(raw);
    expect(
      headers
        .map(({ name }) => name)
        .filter((name) => name !== 'content-transfer-encoding')
        .sort(),
    ).toEqual(HEADERS);
    expect(headers.find(({ name }) => name === 'to')?.value).toBe(TO);
    expect(raw).toMatch(/^(?:[\t\x20-\x7e]|\r\n)*$/);
    expect(raw.split('\r\n').every((line) => line.length <= 998)).toBe(true);
    const parsed = await simpleParser(raw);
    expect(parsed.subject ?? '').not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
    expect(parsed.attachments).toEqual([]);
  }
}

describe('whatever a field holds, the mail has the expected headers and one recipient', () => {
  test.each(EVIL)('in every field of every kind: %j', async (text) => {
    for (const mail of mailsOf(text)) await expectHarmless(mail);
  });

  test(`in 60 generated texts, seed ${SEED}`, async () => {
    const pieces = fc.oneof(fc.constantFrom(...EVIL.filter(({ length }) => length < 200)), fc.string({ unit: 'binary', maxLength: 40 }));
    const texts = fc.array(pieces, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        for (const mail of mailsOf(text)) await expectHarmless(mail);
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

/** A message of several parts has those headers and no others. */
function expectHeaders(raw: string): void {
  const names = headersOf(raw).map(({ name }) => name);
  expect(names.sort()).toEqual(HEADERS);
}

describe('files that go with a mail', () => {
  const withFile = (over: Partial<Attachment>): Mail => ({
    ...(mailsOf('x')[2] as Mail),
    attachments: [{ filename: 'a.txt', contentType: 'text/plain', encoding: 'utf8', content: 'x', ...over }],
  });

  test.each(EVIL)('arrive byte for byte, whatever they hold: %j', async (text) => {
    const { results, raws } = await sendBoth(withFile({ content: text }));
    expect(results).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }]);
    for (const raw of raws) {
      expectHeaders(raw);
      expect(raw).toMatch(/^(?:[\t\x20-\x7e]|\r\n)*$/);
      const { attachments, to } = await simpleParser(raw);
      expect([to].flat().flatMap((one) => one?.value.map(({ address }) => address))).toEqual([TO]);
      expect(
        attachments.map(({ filename, contentType, contentDisposition, content }) => [
          filename,
          contentType,
          contentDisposition,
          content.toString(),
        ]),
      ).toEqual([['a.txt', 'text/plain', 'attachment', text.toWellFormed()]]);
    }
  });

  test.each(EVIL)('have a name that was checked, or are not sent: %j', async (filename) => {
    const mail = withFile({ filename });
    const { results, raws } = await sendBoth(mail);
    if (attachmentFault(mail.attachments ?? []) !== null) {
      expect(results.map(({ kind }) => kind)).toEqual(['permanent', 'permanent']);
      expect(raws).toEqual([]);
      return;
    }
    for (const raw of raws) {
      expectHeaders(raw);
      const { attachments } = await simpleParser(raw);
      expect(attachments).toHaveLength(1);
      expect(attachments[0]?.filename ?? '').not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}/\\\u202a-\u202e]/u);
    }
  });

  test.each(EVIL)('have a type that was checked, or are not sent: %j', async (contentType) => {
    const { results, raws } = await sendBoth(withFile({ contentType }));
    expect(results.map(({ kind }) => kind)).toEqual(['permanent', 'permanent']);
    expect(raws).toEqual([]);
  });

  test.each([
    { path: '/etc/passwd' },
    { href: 'http://127.0.0.1:1/' },
    { raw: 'Bcc: evil@evil.example\r\n\r\nx' },
    { content: { path: '/etc/passwd' } },
    { contentType: 'message/rfc822', content: 'Bcc: evil@evil.example\r\n\r\nx' },
    { headers: { Bcc: 'evil@evil.example' } },
    { cid: 'x@y' },
  ])('are only their bytes: %j', async (over) => {
    const { raws, recipients } = await sendBoth(withFile(over as Partial<Attachment>));
    for (const raw of raws) {
      expectHeaders(raw);
      const { attachments } = await simpleParser(raw);
      expect(attachments.map(({ content }) => content.toString())).toEqual(['x']);
      expect(raw).not.toMatch(/evil|content-id/i);
    }
    expect(recipients.flat().every((to) => to === TO)).toBe(true);
  });

  test('in base64 are the bytes that it says, and the texts of the mail stay what they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const { raws } = await sendBoth(
      withFile({
        filename: 'März 2026.bin',
        contentType: 'application/octet-stream',
        encoding: 'base64',
        content: bytes.toString('base64'),
      }),
    );
    expect(raws).toHaveLength(2);
    for (const raw of raws) {
      const parsed = await simpleParser(raw);
      expect(parsed.attachments.map(({ filename, content }) => [filename, content])).toEqual([['März 2026.bin', bytes]]);
      expect([parsed.text?.trim(), parsed.html]).toEqual(['x', '<p>x</p>']);
    }
  });
});

/** In this order, as MADSci writes them; what is beyond it is ours. */
const ALERT_HEADERS = [
  'content-type',
  'mime-version',
  'subject',
  'from',
  'to',
  'importance',
  'x-priority',
  'x-madsci-event-id',
  'date',
  'message-id',
];

/** An alert about an event that says the same wherever it says anything. */
function alertOf(text: string): Mail {
  const event = { _id: text, event_type: text, log_level: 40, event_data: { [text]: [text] }, trace_id: text, span_id: text };
  const limits = { ...DEFAULT_EVENT_LIMITS, allowCustomTypes: true, maxIdLength: 1_000_000 };
  const result = normaliseEvent(JSON.stringify(event).toWellFormed(), fixedDefaults, limits);
  const known = result.ok ? result.event : { id: text, type: text, level: 40, alert: true, timestampUs: 0, json: `{"_id":"x"}` };
  const settings = { site: SITE, addresses: [TO], importance: text, subjects: 'names' as const };
  const [mail] = alertMails({ event: known, to: null, importance: null }, settings, { executionId: text, at: 0 });
  if (mail === undefined) throw new Error('no mail');
  return { ...mail, date: mail.createdAt };
}

async function expectAlert(mail: Mail): Promise<void> {
  const { results, raws, recipients } = await sendBoth(mail);
  expect(results).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }]);
  expect(recipients).toEqual([[TO]]);
  expect(new Set(raws).size).toBe(1);
  const [raw = ''] = raws;
  const headers = headersOf(raw);
  expect(headers.map(({ name }) => name)).toEqual(ALERT_HEADERS);
  expect(headers.find(({ name }) => name === 'to')?.value).toBe(TO);
  expect(headers.find(({ name }) => name === 'from')?.value).toBe('Hookwright <hookwright@lab.example>');
  expect(
    raw
      .slice(0, raw.indexOf('\r\n\r\n'))
      .split('\r\n')
      .every((line) => line.length <= 998),
  ).toBe(true);
  expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
  const parsed = await simpleParser(raw);
  expect(parsed.attachments).toEqual([]);
  expect(parsed.text?.trimEnd()).toBe(mail.text.trimEnd());
  expect(parsed.subject ?? '').not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
}

describe('M38 an alert has the headers of an alert and one recipient', () => {
  test.each(EVIL)('whatever its event and its settings hold: %j', async (text) => {
    await expectAlert(alertOf(text));
  });

  test.each(EVIL)('whatever the delivery holds: %j', async (text) => {
    const headers = { Importance: text, 'X-Priority': text, 'X-MADSci-Event-ID': text, Bcc: 'evil@evil.example' };
    await expectAlert({ ...alertOf('x'), subject: text, headers });
  });

  test(`in 60 generated texts, seed ${SEED}`, async () => {
    const pieces = fc.oneof(fc.constantFrom(...EVIL.filter(({ length }) => length < 200)), fc.string({ unit: 'binary', maxLength: 40 }));
    const texts = fc.array(pieces, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(texts, (text) => expectAlert(alertOf(text))),
      { numRuns: 60, seed: SEED },
    );
  });

  test('a text that holds what may be its boundary is not cut there', async () => {
    const [raw = ''] = (await sendBoth(alertOf('x'))).raws;
    const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
    await expectAlert({ ...alertOf('x'), text: `before\n--${boundary}\nContent-Type: text/html\n\n<b>x</b>\n--${boundary}--\nafter` });
  });

  test('a domain that is not ASCII is written as name servers know it', async () => {
    const { raws, recipients } = await sendBoth({ ...alertOf('x'), to: 'ada@größe.example' });
    expect(recipients).toHaveLength(1);
    for (const raw of raws) expect(headersOf(raw).find(({ name }) => name === 'to')?.value).toBe('ada@xn--gre-6ka8i.example');
  });
});

describe('a recipient that is not one plain address', () => {
  const attempts = EVIL.flatMap((text) => [
    text,
    `ada@lab.example${text}`,
    `${text}@lab.example`,
    `ada@${text}`,
    `ada@lab.example, ${text}`,
  ]);

  test.each(attempts.map((to) => ({ to: to.slice(0, 400) })))('$to', async ({ to }) => {
    const checked = checkAddress(to);
    const mail = { ...(mailsOf('x')[0] as Mail), to };
    const { results, raws, recipients } = await sendBoth(mail);
    if (checked.ok) {
      expect(recipients).toEqual([[to]]);
    } else {
      expect(results.map(({ kind }) => kind)).toEqual(['permanent', 'permanent']);
      expect(raws).toEqual([]);
    }
  });

  test(`500 generated ones, seed ${SEED}: the envelope has the address that was checked, or nothing is sent`, async () => {
    const part = fc.oneof(
      fc.constantFrom(...'@,;:<>"()[]\\ .\t\r\n\0\u2028\u202e'),
      fc.string({ maxLength: 6 }),
      fc.constantFrom('ada', 'lab.example', '=?utf-8?Q?=2C?='),
    );
    await fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const checked = checkAddress(parts.join(''));
        if (checked.ok) expect(checked.address).toMatch(/^[^\s@,;:<>"()[\]\\\p{C}]+@[^\s@,;:<>"()[\]\\\p{C}]+$/u);
      }),
      { numRuns: 500, seed: SEED },
    );
  });

  test.each([
    { messageId: 'x>\r\nBcc: evil@evil.example' },
    { messageId: 'x' },
    { messageId: '' },
    { date: Number.NaN },
    { text: { path: '/etc/passwd' } as unknown as string },
    { html: { href: 'http://127.0.0.1:1/' } as unknown as string },
  ])('other fields that no mail can have are refused for good: %j', async (over) => {
    const { results, raws } = await sendBoth({ ...(mailsOf('x')[0] as Mail), ...over });
    expect(results.map(({ kind }) => kind)).toEqual(['permanent', 'permanent']);
    expect(raws).toEqual([]);
  });
});
