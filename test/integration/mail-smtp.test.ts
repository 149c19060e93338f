import { describe, expect, test } from '@jest/globals';
import { simpleParser } from 'mailparser';
import { type SmtpTimeouts, smtpMailer } from '../../src/adapters/smtp/mailer.ts';
import type { Mail, Mailer } from '../../src/ports/mailer.ts';
import { closedPort, greylist, rudePeer, scripted, silence, slowBanner, smtpPeer } from '../support/smtp-peer.ts';

const FROM = { name: 'Hookwright', address: 'hookwright@lab.example' };
const SHORT: SmtpTimeouts = { connectMs: 300, greetingMs: 300, socketMs: 300, mailMs: 5_000 };

function mailerTo(url: string, timeouts: Partial<SmtpTimeouts> = {}): Mailer {
  return smtpMailer({ url, from: FROM, timeouts: { ...SHORT, connectMs: 5_000, greetingMs: 5_000, socketMs: 5_000, ...timeouts } });
}

function mail(over: Partial<Mail> = {}): Mail {
  const date = Date.UTC(2026, 2, 1, 12, 30, 15);
  return {
    to: 'ada@lab.example',
    subject: 'Grüße',
    text: 'plain ✓',
    html: '<p>rich ✓</p>',
    messageId: 'a1.success@lab.example',
    date,
    ...over,
  };
}

describe('a mail server that accepts', () => {
  test('gets the mail with its Message-ID, date and both parts', async () => {
    await using peer = await smtpPeer();
    await using mailer = mailerTo(peer.url);
    expect(await mailer.send(mail())).toEqual({ kind: 'accepted' });
    const [received] = peer.mails;
    expect(received).toMatchObject({ from: FROM.address, to: ['ada@lab.example'] });
    const parsed = await simpleParser(received?.raw ?? '');
    expect(parsed.headers.get('auto-submitted')).toBe('auto-generated');
    expect(parsed).toMatchObject({ messageId: '<a1.success@lab.example>', subject: 'Grüße', date: new Date(mail().date) });
    expect(parsed.text?.trim()).toBe('plain ✓');
    expect(parsed.html).toContain('<p>rich ✓</p>');
    expect(parsed.from?.value).toEqual([FROM]);
  });

  test('sends a text alone when there is no HTML, and an empty text with HTML', async () => {
    await using peer = await smtpPeer();
    await using mailer = mailerTo(peer.url);
    await mailer.send(mail({ html: null }));
    await mailer.send(mail({ text: '' }));
    expect(peer.mails[0]?.raw).not.toContain('multipart');
    expect(peer.mails[1]?.raw).toContain('multipart/alternative');
  });

  test('sees at most five connections for forty mails at once', async () => {
    await using peer = await smtpPeer();
    await using mailer = mailerTo(peer.url);
    const results = await Promise.all(Array.from({ length: 40 }, (_, n) => mailer.send(mail({ messageId: `m${n}@lab.example` }))));
    expect(results.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(peer.mails).toHaveLength(40);
    expect(peer.connections.most).toBeLessThanOrEqual(mailer.concurrency);
  });

  test('international domains travel in their ASCII form', async () => {
    await using peer = await smtpPeer();
    await using mailer = mailerTo(peer.url);
    expect(await mailer.send(mail({ to: 'ada@bücher.example' }))).toEqual({ kind: 'accepted' });
    expect(peer.mails[0]?.raw).toContain('To: ada@xn--bcher-kva.example\r\n');
  });
});

describe('a mail server that refuses', () => {
  const PERMANENT = { code: 550, text: '5.1.1 no such mailbox' };
  test.each([
    {
      why: 'a recipient that does not exist is final',
      behaviour: { recipient: () => PERMANENT },
      kind: 'permanent',
      detail: 'no such mailbox',
    },
    {
      why: 'content that is not wanted is final',
      behaviour: { content: () => ({ code: 554, text: 'spam' }) },
      kind: 'permanent',
      detail: 'spam',
    },
    { why: 'greylisting is not', behaviour: { recipient: greylist(1) }, kind: 'temporary', detail: 'greylisted' },
    {
      why: 'a full disk there is not',
      behaviour: { content: () => ({ code: 452, text: 'no space' }) },
      kind: 'temporary',
      detail: 'no space',
    },
    { why: 'a size beyond its bound is final', behaviour: { size: 300 }, kind: 'permanent', detail: 'size' },
    { why: 'a refused sender is a matter of MAIL_FROM', behaviour: { sender: () => PERMANENT }, kind: 'temporary', detail: 'MAIL_FROM' },
    {
      why: 'a greeting of 554 is about us',
      behaviour: { connect: () => ({ code: 554, text: 'blocked' }) },
      kind: 'temporary',
      detail: 'blocked',
    },
    { why: '421 ends the session only', behaviour: { recipient: () => ({ code: 421, text: 'busy' }) }, kind: 'temporary', detail: 'busy' },
    {
      why: 'a login that is needed is about SMTP_URL',
      behaviour: { login: { user: 'u', pass: 'p' } },
      kind: 'temporary',
      detail: 'SMTP_URL',
    },
  ])('$why', async ({ behaviour, kind, detail }) => {
    await using peer = await smtpPeer(behaviour);
    await using mailer = mailerTo(peer.url);
    expect(await mailer.send(mail())).toEqual({ kind, detail: expect.stringContaining(detail) });
    expect(peer.mails).toEqual([]);
  });

  test('greylisting of one recipient leaves the others and the connections alone', async () => {
    const later = greylist(2);
    await using peer = await smtpPeer({ recipient: (address) => (address.startsWith('grey') ? later(address) : null) });
    await using mailer = mailerTo(peer.url);
    const kinds: string[] = [];
    for (let n = 0; n < 12; n++) {
      const to = n % 2 === 0 ? 'grey@lab.example' : 'ada@lab.example';
      kinds.push((await mailer.send(mail({ to, messageId: `m${n}@lab.example` }))).kind);
    }
    expect(kinds.filter((kind) => kind === 'temporary')).toHaveLength(2);
    expect(peer.mails).toHaveLength(10);
    // A mail that follows at once may not wait for the reset after a refusal.
    expect(peer.connections.total).toBeLessThanOrEqual(3);
  });

  test('a refused login waits, and the password shows nowhere', async () => {
    const pass = 'p@ss:w/örd%';
    await using peer = await smtpPeer({ login: { user: 'ada', pass: 'another' } });
    await using mailer = mailerTo(`smtp://ada:${encodeURIComponent(pass)}@127.0.0.1:${peer.port}`);
    const result = await mailer.send(mail());
    expect(result).toEqual({ kind: 'temporary', detail: expect.stringContaining('refused the login') });
    expect(result).toEqual({ kind: 'temporary', detail: expect.stringContaining('password ***') });
    expect(JSON.stringify([result, mailer.destination])).not.toContain(pass);
    expect(mailer.destination).toBe(`smtp://127.0.0.1:${peer.port}`);
  });

  test('the right login is taken, with all the characters a URL escapes', async () => {
    const login = { user: 'ada@lab', pass: 'p@ss:w/örd%' };
    await using peer = await smtpPeer({ login });
    await using mailer = mailerTo(`smtp://${encodeURIComponent(login.user)}:${encodeURIComponent(login.pass)}@127.0.0.1:${peer.port}`);
    expect(await mailer.send(mail())).toEqual({ kind: 'accepted' });
  });

  test('a certificate that nobody vouches for keeps the mail waiting, unless verify=no', async () => {
    await using peer = await smtpPeer({ startTls: true });
    await using strict = mailerTo(peer.url);
    await using trusting = mailerTo(`${peer.url}?verify=no`);
    expect(await strict.send(mail())).toEqual({ kind: 'temporary', detail: expect.stringContaining('certificate') });
    expect(await trusting.send(mail())).toEqual({ kind: 'accepted' });
  });

  test('starttls=required never falls back to plain text', async () => {
    await using peer = await smtpPeer();
    await using mailer = mailerTo(`${peer.url}?starttls=required`);
    expect(await mailer.send(mail())).toMatchObject({ kind: 'temporary' });
    expect(peer.mails).toEqual([]);
  });
});

describe('a mail server that misbehaves', () => {
  test('nobody listens', async () => {
    await using mailer = mailerTo(`smtp://127.0.0.1:${await closedPort()}`);
    expect(await mailer.send(mail())).toEqual({ kind: 'temporary', detail: expect.stringContaining('ECONNREFUSED') });
  });

  test.each([
    { why: 'silence instead of a greeting', serve: silence },
    { why: 'a greeting of one byte now and then', serve: slowBanner(50) },
    { why: 'silence after the greeting', serve: scripted((line) => (line.startsWith('EHLO') ? null : undefined)) },
    { why: 'silence after the content', serve: scripted((line) => (line === '.' ? null : undefined)) },
    { why: 'an end of the connection before the greeting', serve: scripted((line) => (line === '' ? 'close' : undefined)) },
    { why: 'an end of the connection in the envelope', serve: scripted((line) => (line.startsWith('RCPT') ? 'close' : undefined)) },
    { why: 'a greeting that is not SMTP', serve: scripted((line) => (line === '' ? 'SSH-2.0-OpenSSH_9.9' : undefined)) },
    { why: 'a reply to RCPT that is not SMTP', serve: scripted((line) => (line.startsWith('RCPT') ? 'what?' : undefined)) },
    { why: 'an answer to EHLO that is odd', serve: scripted((line) => (line.startsWith('EHLO') ? '250-8BITMIME\r\n250 8BITMIME=?' : 'x')) },
  ])('$why ends in time, as temporary', async ({ serve }) => {
    await using peer = await rudePeer(serve);
    await using mailer = mailerTo(peer.url, SHORT);
    expect(await mailer.send(mail())).toMatchObject({ kind: 'temporary' });
  });

  test('a connection that ends after the content, before the reply, is not tried again by the mailer itself', async () => {
    await using peer = await rudePeer(scripted((line) => (line === '.' ? 'close' : undefined)));
    await using mailer = mailerTo(peer.url);
    expect(await mailer.send(mail())).toMatchObject({ kind: 'temporary' });
    expect(peer.contents).toHaveLength(1);
    expect(peer.contents[0]).toContain('Message-ID: <a1.success@lab.example>');
  });

  test('replies that trickle for ever end with the time for one mail', async () => {
    await using peer = await rudePeer(slowReplies);
    await using mailer = mailerTo(peer.url, { mailMs: 400 });
    expect(await mailer.send(mail())).toEqual({ kind: 'temporary', detail: expect.stringContaining('took too long') });
  });

  test('the pool works again after each of its connections broke', async () => {
    let broken = 10;
    await using peer = await rudePeer(scripted((line) => (line.startsWith('MAIL') && broken-- > 0 ? 'close' : undefined)));
    await using mailer = mailerTo(peer.url);
    const first = await Promise.all(Array.from({ length: 10 }, (_, n) => mailer.send(mail({ messageId: `a${n}@lab.example` }))));
    expect(first.every(({ kind }) => kind === 'temporary')).toBe(true);
    const second = await Promise.all(Array.from({ length: 10 }, (_, n) => mailer.send(mail({ messageId: `b${n}@lab.example` }))));
    expect(second.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(peer.connections.most).toBeLessThanOrEqual(mailer.concurrency);
  });

  test('closing the mailer ends what is under way as temporary', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    await using peer = await rudePeer(
      scripted((line) => {
        if (line !== '.') return undefined;
        resolve();
        return null;
      }),
    );
    const mailer = mailerTo(peer.url);
    const sending = mailer.send(mail());
    await arrived;
    await mailer[Symbol.asyncDispose]();
    expect(await sending).toMatchObject({ kind: 'temporary' });
  });
});

function slowReplies(socket: import('node:net').Socket): void {
  socket.write('220 trickling\r\n250');
  const timer = setInterval(() => socket.write('-x\r\n250'), 20);
  socket.once('close', () => clearInterval(timer));
  socket.resume();
}
