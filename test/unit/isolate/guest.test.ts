import { describe, expect, test } from '@jest/globals';
import { journalOf } from '../../../src/adapters/isolate/guest/journal.ts';
import { parseJson } from '../../../src/adapters/isolate/guest/json.ts';
import { show } from '../../../src/adapters/isolate/guest/show.ts';
import { clip, exceeds, utf8Length } from '../../../src/adapters/isolate/guest/text.ts';

const TEXTS = ['', 'abc', 'äöü', '€€', '😀a', '\ud800', 'a\udc00b'];

describe('bytes of a text', () => {
  test.each(TEXTS)('%j is counted as Buffer counts it', (text) => {
    expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    expect(exceeds(text, Buffer.byteLength(text))).toBe(false);
    expect(exceeds(text, Buffer.byteLength(text) - 1)).toBe(true);
  });

  test.each(['äöü€😀'.repeat(10), 'a'.repeat(100)])('%j is cut between characters, within the bound', (text) => {
    for (let max = 4; max < 40; max++) {
      const cut = clip(text, max);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
      expect(cut.endsWith('…')).toBe(true);
      expect(text.startsWith(cut.slice(0, -1))).toBe(true);
    }
    expect(clip(text, 1_000)).toBe(text);
  });
});

describe('show', () => {
  const cyclic: Record<string, unknown> = { a: 1 };
  cyclic['self'] = cyclic;
  test.each<{ value: unknown; text: string }>([
    { value: 'plain', text: 'plain' },
    { value: ['in', 'side'], text: '[ "in", "side" ]' },
    { value: -0, text: '-0' },
    { value: 5n, text: '5n' },
    { value: null, text: 'null' },
    { value: {}, text: '{}' },
    { value: [], text: '[]' },
    { value: { 'a-b': 1 }, text: '{ "a-b": 1 }' },
    { value: cyclic, text: '{ a: 1, self: [Circular] }' },
    { value: { a: { b: { c: { d: { e: 1 } } } } }, text: '{ a: { b: { c: { d: [Object] } } } }' },
    { value: new Map([['k', new Set([1])]]), text: 'Map { "k" => Set { 1 } }' },
    { value: new Date(0), text: '1970-01-01T00:00:00.000Z' },
    { value: new Date(Number.NaN), text: 'Invalid Date' },
    { value: /x/g, text: '/x/g' },
    { value: Symbol('s'), text: 'Symbol(s)' },
    { value: function named() {}, text: '[Function named]' },
  ])('prints $text', ({ value, text }) => {
    expect(show(value, 1_000)).toBe(text);
  });

  test('calls no getter and survives hostile objects', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    const guarded = {
      get a(): never {
        throw new Error('no');
      },
    };
    expect([show(hostile, 100), show(guarded, 100)]).toEqual(['[unreadable]', '{ a: [Getter] }']);
  });

  test('stays within its bound', () => {
    const wide = Array.from({ length: 1_000_000 }, () => 'x'.repeat(100));
    expect(show(wide, 500).length).toBeLessThanOrEqual(500);
    expect(show(wide, 1e6)).toContain('…');
  });
});

describe('parseJson', () => {
  test.each<{ text: string; value: unknown }>([
    { text: '{"a":1}', value: { a: 1 } },
    { text: '9007199254740991', value: 9007199254740991 },
    { text: '9007199254740993', value: 9007199254740993n },
    { text: '[-12345678901234567890]', value: [-12345678901234567890n] },
    { text: '{"a":"12345678901234567890"}', value: { a: '12345678901234567890' } },
    { text: '1e400', value: Number.POSITIVE_INFINITY },
    { text: '[12345678901234567890, 1.5e300]', value: [12345678901234567890n, 1.5e300] },
  ])('reads $text', ({ text, value }) => {
    expect(parseJson(text)).toEqual(value);
  });
});

describe('journal', () => {
  const line = { level: 'info', message: 'a', at: 1 } as const;
  test('keeps whole lines while there is room', () => {
    const units = new Uint16Array(100);
    const journal = journalOf(units);
    for (let i = 0; i < 10; i++) journal.add(line);
    const lines = String.fromCharCode(...units.subarray(1, 1 + (units[0] ?? 0)))
      .split('\n')
      .slice(0, -1);
    expect(lines.map((text) => JSON.parse(text))).toEqual(new Array(lines.length).fill(line));
    expect(lines.length).toBe(2);
    journal.clear();
    expect(units[0]).toBe(0);
  });

  test('lanes without one write nowhere', () => {
    expect(() => journalOf(null).add(line)).not.toThrow();
  });
});
