import { describe, expect, test } from '@jest/globals';
import { checkAddress, checkSender, messageIdDomain } from '../../../src/core/mail-address.ts';

describe('checkAddress', () => {
  test.each([
    'ada@lab.example',
    'a@b',
    'root@localhost',
    'first.last+tag@sub.lab.example',
    "o'brien!#$%&*/=?^_`{|}~-@x-1.example",
    'ada@bücher.example',
    'ada@例え.テスト',
    `${'a'.repeat(64)}@${'b'.repeat(63)}.example`,
  ])('takes %s as it is', (text) => {
    expect(checkAddress(text)).toEqual({ ok: true, address: text });
  });

  test.each([
    { text: '', why: 'needed' },
    { text: 'ada', why: 'exactly one @' },
    { text: 'ada@b@c', why: 'exactly one @' },
    { text: 'ada@lab.example, bob@lab.example', why: 'one address per field' },
    { text: 'ada@lab.example;bob@lab.example', why: 'one address per field' },
    { text: 'Ada <ada@lab.example>', why: 'angle brackets' },
    { text: '"ada b"@lab.example', why: 'quotes' },
    { text: 'ada@lab.example (Ada)', why: 'quotes, comments' },
    { text: 'ada@[127.0.0.1]', why: 'literals' },
    { text: 'ada@lab.example ', why: 'spaces' },
    { text: 'ada@lab\u00a0example', why: 'spaces' },
    { text: 'ada@lab.example\r\nBcc: x', why: 'control' },
    { text: 'ada@lab.example\u2028', why: 'control' },
    { text: '\u202eada@lab.example', why: 'control' },
    { text: 'a\u200bda@lab.example', why: 'control' },
    { text: '.ada@lab.example', why: 'before the @' },
    { text: 'a..da@lab.example', why: 'before the @' },
    { text: '@lab.example', why: 'before the @' },
    { text: 'ädä@lab.example', why: 'before the @' },
    { text: `${'a'.repeat(65)}@lab.example`, why: 'before the @' },
    { text: 'ada@', why: 'domain' },
    { text: 'ada@lab..example', why: 'domain' },
    { text: 'ada@lab.example.', why: 'domain' },
    { text: 'ada@-lab.example', why: 'domain' },
    { text: 'ada@lab_x.example', why: 'domain' },
    { text: 'ada@lab／evil.example', why: 'domain' },
    { text: 'ada@lab。example', why: 'domain' },
    { text: 'ada@⒈example', why: 'domain' },
    { text: `ada@${'b'.repeat(64)}.example`, why: 'domain' },
    { text: `ada@${'b.'.repeat(127)}bb`, why: 'domain' },
    { text: `${'a'.repeat(10_000)}@lab.example`, why: '320' },
    { text: 7 as unknown as string, why: 'text' },
  ])('refuses $text: $why', ({ text, why }) => {
    expect(checkAddress(text)).toEqual({ ok: false, detail: expect.stringContaining(why) });
  });
});

describe('checkSender', () => {
  test.each([
    { text: 'hook@lab.example', name: '' },
    { text: 'Hookwright <hook@lab.example>', name: 'Hookwright' },
    { text: '"Hookwright, Lab 3" <hook@lab.example>', name: 'Hookwright, Lab 3' },
    { text: 'Lab\r\nBcc: x <hook@lab.example>', name: 'Lab Bcc: x' },
  ])('$text', ({ text, name }) => {
    expect(checkSender(text)).toEqual({ ok: true, name, address: 'hook@lab.example' });
  });

  test.each(['', 'Hookwright', 'a@b <c@d> <e@f>', 'Hookwright <a@b, c@d>'])('refuses %j', (text) => {
    expect(checkSender(text).ok).toBe(false);
  });
});

test('a Message-ID has an ASCII domain', () => {
  expect(messageIdDomain('hook@Lab.Example')).toBe('lab.example');
  expect(messageIdDomain('hook@bücher.example')).toBe('hookwright.invalid');
});
