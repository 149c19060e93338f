import { describe, expect, test } from '@jest/globals';
import type { LogLine, Outcome } from '../../../src/core/execution.ts';
import { escapeHtml } from '../../../src/core/mail-html.ts';
import { prettyJson } from '../../../src/core/mail-json.ts';
import { markSource } from '../../../src/core/mail-source.ts';
import { cut, cutBytes, instant, oneLine, plainText } from '../../../src/core/mail-text.ts';
import { handlerMail, MAIL_BOUNDS, type OutcomeMailInput, outcomeMail } from '../../../src/core/outcome-mail.ts';

const SITE = { publicUrl: 'https://hooks.lab.example/', domain: 'lab.example', version: '0.1.0', digest: hexOf };
const AT = Date.UTC(2026, 2, 1, 12, 30, 15, 250);
const bytes = (text: string): number => Buffer.byteLength(text);

function hexOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('hex');
}

function input(over: Partial<OutcomeMailInput> = {}): OutcomeMailInput {
  return {
    site: SITE,
    executionId: 'e1.7',
    replay: null,
    to: 'ada@lab.example',
    handler: { id: 7, name: 'count errors', version: 3 },
    hook: 'event.on_ingest',
    eventId: 'e1',
    attempts: 1,
    maxAttempts: 3,
    outcome: succeeded('"checked e1"'),
    source: null,
    createdAt: AT,
    ...over,
  };
}

function succeeded(output: string): Outcome {
  return { kind: 'succeeded', output, effects: [], logs: [], startedAt: AT - 1_500.4, finishedAt: AT };
}

function failed(
  message: string,
  logs: LogLine[] = [],
  place: { line: number | null; column: number | null } = { line: 2, column: 9 },
): Outcome {
  return { kind: 'failed', error: { reason: 'thrown', message, ...place }, logs, startedAt: AT - 20, finishedAt: AT };
}

describe('the mail of a success', () => {
  test('is the returned text, then what ran', () => {
    const mail = outcomeMail(input());
    expect(mail).toMatchObject({
      kind: 'success',
      to: 'ada@lab.example',
      subject: '[hookwright] count errors succeeded',
      executionId: 'e1.7',
      createdAt: AT,
    });
    expect(mail.text).toBe(`checked e1

----

Handler    count errors (id 7, version 3)
Hook       event.on_ingest
Event      e1
Execution  e1.7
Attempts   1 of 3
Started    2026-03-01T12:30:13.749Z
Finished   2026-03-01T12:30:15.250Z (1500 ms)

https://hooks.lab.example/executions/e1.7

Sent by Hookwright 0.1.0
`);
  });

  test.each([
    { output: 'null', text: '(the handler returned nothing)' },
    { output: '""', text: '(the handler returned an empty text)' },
    { output: '"line 1\\r\\nline 2"', text: 'line 1\nline 2' },
    { output: '1591844539983333333', text: '1591844539983333333' },
    { output: '{"b":1.0,"a":[1e-07,{},[]]}', text: '{\n  "b": 1.0,\n  "a": [\n    1e-07,\n    {},\n    []\n  ]\n}' },
    { output: '"\\ud800"', text: '\ufffd' },
    { output: '"broken', text: '"broken' },
  ])('shows $output', ({ output, text }) => {
    expect(outcomeMail(input({ outcome: succeeded(output) })).text.split('\n\n----')[0]).toBe(text);
  });

  test('cuts what is too long and says so, within the bound', () => {
    const mail = outcomeMail(input({ outcome: succeeded(JSON.stringify('"✓'.repeat(200_000))) }));
    expect(mail.text).toContain('(Cut here; the execution has the whole result.)');
    expect(mail.html).toContain('Cut here; the plain text part of this mail has more.');
    expect(mail.text).toContain('/executions/e1.7');
    expect(bytes(mail.text)).toBeLessThanOrEqual(MAIL_BOUNDS.body);
    expect(bytes(mail.html ?? '')).toBeLessThanOrEqual(MAIL_BOUNDS.body);
  });
});

describe('the mail of a failure', () => {
  const source = 'export default () => {\n\tthrow new Error("no");\n};';
  const logs: LogLine[] = [{ level: 'warn', message: 'about\nto fail', at: AT }];

  test('has the exception, its place in the source and the logs', () => {
    const mail = outcomeMail(input({ outcome: failed('Error: no', logs), source, attempts: 3 }));
    expect(mail).toMatchObject({ kind: 'failure', subject: '[hookwright] count errors failed: thrown' });
    expect(mail.text).toContain(`count errors failed: thrown

Exception at line 2, column 9
Error: no

Source
  1 | export default () => {
> 2 | \tthrow new Error("no");
    | \t       ^
  3 | };

Last log lines
2026-03-01T12:30:15.250Z warn  about to fail

----
`);
    expect(mail.text).toContain('Attempts   3 of 3');
  });

  test('keeps the last log lines and counts the others', () => {
    const many = Array.from({ length: 1_234 }, (_, n) => ({ level: 'info' as const, message: `line ${n}`, at: AT }));
    const { text } = outcomeMail(input({ outcome: failed('no', many) }));
    expect(text).toContain('line 1233');
    expect(text).toContain('line 1184');
    expect(text).not.toContain('line 1183');
    expect(text).toContain('(1184 earlier lines left out; the execution has them.)');
  });

  test('stays within the bounds whatever its parts are', () => {
    const huge = '"\u{1f4a5}'.repeat(100_000);
    const many = Array.from({ length: 500 }, () => ({ level: 'error' as const, message: huge.slice(0, 9_000), at: Number.NaN }));
    const mail = outcomeMail(
      input({
        outcome: failed(huge, many),
        source: `${huge}\n${huge}\n${huge}`,
        handler: { id: 1, name: huge, version: 0 },
        hook: huge,
        eventId: huge,
        executionId: huge,
      }),
    );
    expect(bytes(mail.text)).toBeLessThan(60_000);
    expect(bytes(mail.html ?? '')).toBeLessThanOrEqual(MAIL_BOUNDS.body);
    expect(mail.subject.length).toBeLessThanOrEqual(MAIL_BOUNDS.subject);
    expect(mail.subject).toMatch(/failed: thrown$/);
    expect(mail.html).not.toContain('href');
  });

  test('says so when there is no message, no line and no event', () => {
    const { text } = outcomeMail(input({ outcome: failed('', [], { line: null, column: null }), source, eventId: null }));
    expect(text).toContain('Exception\n(no message)');
    expect(text).not.toContain('Source');
    expect(text).not.toContain('Event');
  });
});

test('a delivery has whole milliseconds', () => {
  expect(outcomeMail(input({ createdAt: AT + 0.7 })).createdAt).toBe(AT);
});

describe('ids', () => {
  test('are the same for the same outcome, and others for another outcome, a replay or another place', () => {
    const effect = { op: 'mail' as const, to: 'a@b', subject: 's', text: 't', html: null };
    const send = (n: number) => handlerMail({ site: SITE, executionId: 'e1.7', replay: null, effect, n, createdAt: AT });
    const ids = [
      input(),
      input({ replay: 1 }),
      input({ replay: 2 }),
      input({ outcome: failed('no') }),
      input({ executionId: 'e1.71' }),
    ].map((one) => outcomeMail(one).messageId);
    const all = [...ids, send(0).messageId, send(1).messageId];
    expect(new Set(all).size).toBe(all.length);
    expect(outcomeMail(input()).messageId).toBe(ids[0]);
    expect(ids[0]).toBe(`${hexOf('e1.7')}.success@lab.example`);
    expect(send(1)).toMatchObject({ kind: 'mail', id: `${hexOf('e1.7')}.mail.1`, messageId: `${hexOf('e1.7')}.mail.1@lab.example` });
  });
});

describe('the mail a handler sends', () => {
  const send = (over: object) =>
    handlerMail({
      site: SITE,
      executionId: 'x',
      replay: null,
      n: 0,
      createdAt: AT,
      effect: { op: 'mail', to: 'a@b', subject: 's', text: 't', html: null, ...over },
    });

  test('is as it was written', () => {
    expect(send({ text: ' a\n\tb ', html: '<b>x</b>' })).toMatchObject({ text: ' a\n\tb ', html: '<b>x</b>', subject: 's' });
  });
  test('is bounded: text is cut, HTML is left out', () => {
    const mail = send({ text: '✓'.repeat(200_000), html: 'x'.repeat(MAIL_BOUNDS.body + 1), subject: '' });
    expect(bytes(mail.text)).toBeLessThanOrEqual(MAIL_BOUNDS.body);
    expect(mail).toMatchObject({ html: null, subject: '(no subject)' });
  });
});

describe('the HTML part', () => {
  const MATRIX = [
    '<script>alert(1)</script>',
    '</pre></td></table><img src=x onerror=alert(1)>',
    '"><a href="javascript:alert(1)">x</a>',
    "' onmouseover='alert(1)",
    '&lt;b&gt; &amp; &#60;',
    '<!-- --><style>@import "http://evil.example"</style>',
    '\u0000<\u0000b>',
    '{{7*7}}<%= 7 %>',
    '<svg/onload=alert(1)>',
    '\u202e<b>',
  ];
  /** All tags of the document with their attributes, but for where the link leads; text cannot add to them. */
  const tagsOf = (html: string | null): string[] =>
    [...(html ?? '').matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/href="[^"<>]*"/, 'href'));

  test.each(MATRIX)('shows %j as text wherever it stands', (text) => {
    const place = (value: string) => {
      const logs = [{ level: 'info' as const, message: value, at: AT }];
      const rest = {
        handler: { id: 1, name: value, version: 0 },
        hook: value,
        eventId: value,
        executionId: value,
        source: `1\n${value}\n3`,
      };
      return [
        outcomeMail(input({ outcome: failed(value, logs), ...rest })).html,
        outcomeMail(input({ outcome: succeeded(JSON.stringify(value)), ...rest })).html,
      ];
    };
    expect(place(text).map(tagsOf)).toEqual(place('plain').map(tagsOf));
  });

  test('loads nothing: no image, style sheet, font, frame or script, and one link', () => {
    const html = outcomeMail(input({ outcome: failed('no', [{ level: 'info', message: 'x', at: AT }]), source: 'a\nb\nc' })).html ?? '';
    expect(html).not.toMatch(
      /\b(?:src|srcset|background|action|poster|data)\s*=|url\(|@import|<(?:img|link|script|iframe|style|object|form|base)/i,
    );
    expect([...html.matchAll(/https?:[^"<\s]*/g)].map(([address]) => address)).toEqual(['https://hooks.lab.example/executions/e1.7']);
  });

  test('sets no colours of text or ground, so that dark readers show their own', () => {
    expect(outcomeMail(input()).html).not.toMatch(/[;"]color:|background/);
  });

  test.each([
    { publicUrl: 'javascript:alert(1)//', href: null },
    { publicUrl: 'http://[::1]:8001', href: 'http://[::1]:8001/executions/a%2Fb%3F%22%3E%26' },
    { publicUrl: 'https://x.example/"><b>', href: null },
  ])('links to $publicUrl only if it is a web address', ({ publicUrl, href }) => {
    const html = outcomeMail(input({ site: { ...SITE, publicUrl }, executionId: 'a/b?">&' })).html ?? '';
    expect(/href="([^"]*)"/.exec(html)?.[1] ?? null).toBe(href);
  });

  test('escapes the five characters', () => {
    expect(escapeHtml(`&<>"'`)).toBe('&amp;&lt;&gt;&quot;&#39;');
  });
});

describe('parts', () => {
  test.each([
    { text: 'a\r\nb\u2028c\u2029d\u0085e\u0000f', line: 'a b c d e f' },
    { text: '\u202eabc\u2066', line: 'abc' },
    { text: `${'x'.repeat(10)}\u{1f4a5}`, line: `${'x'.repeat(10)}…`, max: 11 },
    { text: '  a    b  ', line: 'a b' },
    { text: '\ud800', line: '\ufffd' },
  ])('oneLine of $text', ({ text, line, max = 100 }) => {
    expect(oneLine(text, max)).toBe(line);
  });

  test('cutting never leaves half a character', () => {
    for (let n = 1; n < 12; n++) {
      expect(cut('💥💥💥💥💥💥', n).isWellFormed()).toBe(true);
      expect(cut('💥💥💥💥💥💥', n).length).toBeLessThanOrEqual(n);
      expect(bytes(cutBytes('💥✓ä💥', n))).toBeLessThanOrEqual(n);
      expect(cutBytes('💥✓ä💥', n).isWellFormed()).toBe(true);
    }
  });

  test('plainText keeps tabs and lines, and no other control', () => {
    expect(plainText('a\tb\r\nc\rd\u001b[31m\u0000')).toBe('a\tb\nc\nd\ufffd[31m\ufffd');
  });

  test.each([
    { line: 0, column: null },
    { line: 4, column: null },
    { line: 1.5, column: null },
  ])('marks nothing at line $line of three', ({ line, column }) => {
    expect(markSource('a\nb\nc', line, column)).toBeNull();
  });

  test('marks a line without its column when that is beyond it', () => {
    expect(markSource('a\r\nb', 2, 99)).toBe('  1 | a\n> 2 | b');
  });

  test('deep and huge JSON costs no more than its length', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(prettyJson(deep, 50_000).length).toBeLessThan(51_000);
    expect(prettyJson('{"a":"x\\"{[,:]}"}', 1_000)).toBe('{\n  "a": "x\\"{[,:]}"\n}');
  });

  test('an instant that is none is unknown', () => {
    expect([instant(Number.NaN), instant(AT)]).toEqual(['unknown', '2026-03-01T12:30:15.250Z']);
  });
});
