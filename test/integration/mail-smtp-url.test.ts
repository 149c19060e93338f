import { describe, expect, test } from '@jest/globals';
import { describeTarget, parseSmtpUrl } from '../../src/adapters/smtp/url.ts';

const PLAIN = { secure: false, startTls: 'offered', auth: null, verifyCertificate: true, ehloName: null };

describe('SMTP_URL', () => {
  test.each([
    { url: 'smtp://mail.lab.example', target: { ...PLAIN, host: 'mail.lab.example', port: 587 } },
    { url: 'smtp://mail.lab.example:25/', target: { ...PLAIN, host: 'mail.lab.example', port: 25 } },
    { url: 'smtps://mail.lab.example', target: { ...PLAIN, host: 'mail.lab.example', port: 465, secure: true } },
    { url: 'smtp://[::1]:2525', target: { ...PLAIN, host: '::1', port: 2525 } },
    {
      url: 'smtp://ada%40lab:p%25ss@mail.lab.example',
      target: { ...PLAIN, host: 'mail.lab.example', port: 587, startTls: 'required', auth: { user: 'ada@lab', pass: 'p%ss' } },
    },
    {
      url: 'smtp://ada:x@127.0.0.1?name=hooks.lab.example&verify=no',
      target: {
        host: '127.0.0.1',
        port: 587,
        secure: false,
        startTls: 'offered',
        auth: { user: 'ada', pass: 'x' },
        verifyCertificate: false,
        ehloName: 'hooks.lab.example',
      },
    },
    {
      url: 'smtp://ada:x@relay.lab.example?starttls=never',
      target: { ...PLAIN, host: 'relay.lab.example', port: 587, startTls: 'never', auth: { user: 'ada', pass: 'x' } },
    },
  ])('$url', ({ url, target }) => {
    expect(parseSmtpUrl(url)).toEqual(target);
  });

  test.each([
    'mail.lab.example',
    'http://mail.lab.example',
    'smtp://',
    'smtp://mail.lab.example/path',
    'smtp://ada:sesame@mail.lab.example?debug=true',
    'smtp://ada:sesame@mail.lab.example?disableFileAccess=false',
    'smtp://ada:sesame@mail.lab.example?starttls=maybe',
    'smtp://ada:sesame@mail.lab.example?verify=false',
    'smtp://ada:sesame@mail.lab.example?name=a%0d%0ab',
    'smtp://ada:sesame%@mail.lab.example',
    'smtp://ada:sesame@mail.lab.example:99999',
  ])('%s is refused, without quoting it', (url) => {
    expect(() => parseSmtpUrl(url)).toThrow(/SMTP_URL/);
    expect(() => parseSmtpUrl(url)).not.toThrow(/sesame/);
  });

  test.each([
    { url: 'smtp://ada:sesame@mail.lab.example', shown: 'smtp://mail.lab.example:587' },
    { url: 'smtps://[::1]', shown: 'smtps://[::1]:465' },
  ])('is shown as $shown', ({ url, shown }) => {
    expect(describeTarget(parseSmtpUrl(url))).toBe(shown);
  });
});
