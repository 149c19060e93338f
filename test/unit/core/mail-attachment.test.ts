import { describe, expect, test } from '@jest/globals';
import { type Attachment, attachmentBytes, attachmentFault } from '../../../src/core/mail-attachment.ts';

const file = (over: Partial<Record<keyof Attachment, unknown>> = {}): Attachment =>
  ({ filename: 'plot.svg', contentType: 'image/svg+xml', encoding: 'utf8', content: '<svg/>', ...over }) as Attachment;

describe('an attachment', () => {
  test.each([
    { over: {}, why: 'a text' },
    { over: { encoding: 'base64', content: 'AQI=' }, why: 'base64' },
    { over: { content: '' }, why: 'an empty file' },
    { over: { filename: 'Bericht März – Übersicht (2).csv', contentType: 'text/csv' }, why: 'a name of any script' },
    { over: { contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' }, why: 'a long type' },
  ])('can go: $why', ({ over }) => {
    expect(attachmentFault([file(over)])).toBeNull();
  });

  test.each([
    ...[
      '',
      '../x',
      'a/b',
      'a\\b',
      'C:x',
      '.profile',
      'x.',
      ' x',
      'x\r\nBcc: y',
      'x\0',
      'x\u202egpj.exe',
      'x\u2028',
      'a"b',
      'x'.repeat(101),
      7,
    ].map((filename) => ({ over: { filename }, detail: /"filename"/ })),
    ...['', 'text', 'text/', 'text/csv; charset=x', 'text/csv\r\nX: y', 'a b/c', `text/${'x'.repeat(100)}`, null].map((contentType) => ({
      over: { contentType },
      detail: /"content_type" is a type/,
    })),
    ...['multipart/mixed', 'message/rfc822', 'Message/RFC822'].map((contentType) => ({
      over: { contentType },
      detail: /no type of a file/,
    })),
    ...[{ path: '/etc/passwd' }, { href: 'http://127.0.0.1/' }, null, undefined, 7, ['x']].map((content) => ({
      over: { content },
      detail: /needs "content"/,
    })),
    { over: { encoding: 'hex' }, detail: /needs "content"/ },
    ...['A', 'AQI', 'AQ=I', '====', 'AQI=\n', 'A-_='].map((content) => ({ over: { encoding: 'base64', content }, detail: /base64/ })),
  ])('is refused: $over', ({ over, detail }) => {
    expect(attachmentFault([file(), file(over)])).toMatch(detail);
    expect(attachmentFault([file(), file(over)])).toMatch(/^attachment 2: /);
  });
});

test.each([
  { attachments: Array.from({ length: 11 }, () => file()), detail: /at most 10/ },
  { attachments: [file({ content: 'x'.repeat(600_000) }), file({ content: 'x'.repeat(600_000) })], detail: /1048576 characters together/ },
  { attachments: { length: 0 }, detail: /are a list/ },
])('together they are refused: $detail', ({ attachments, detail }) => {
  expect(attachmentFault(attachments as Attachment[])).toMatch(detail);
});

test.each([
  { encoding: 'utf8', content: 'Ü€', bytes: 5 },
  { encoding: 'base64', content: 'AQID', bytes: 3 },
  { encoding: 'base64', content: 'AQI=', bytes: 2 },
  { encoding: 'base64', content: 'AQ==', bytes: 1 },
  { encoding: 'base64', content: '', bytes: 0 },
])('$content in $encoding has $bytes bytes', ({ bytes, ...given }) => {
  expect(attachmentBytes(file(given))).toBe(bytes);
});
