import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arraySplitter } from '../../../src/http/bulk/array-items.ts';
import { lineSplitter } from '../../../src/http/bulk/lines.ts';
import { BrokenStream, type Item, ItemFault, type Splitter } from '../../../src/http/bulk/splitter.ts';

const LIMIT = 10_000;

/** Cuts bytes into chunks of the given sizes, over and over. */
function chunked(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function split(splitter: Splitter, input: string | Buffer, sizes: readonly number[] = [65_536]): Item[] {
  const items: Item[] = [];
  for (const chunk of chunked(Buffer.from(input), sizes)) items.push(...splitter.push(chunk));
  return [...items, ...splitter.end()];
}

/** The array's value when the splitter and JSON.parse of each item take it; else undefined. */
function viaSplitter(text: string, sizes: readonly number[]): unknown {
  try {
    return split(arraySplitter(LIMIT), text, sizes).map((item) => JSON.parse(String(item)));
  } catch {
    return undefined;
  }
}

function viaParse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
/** Arrays, and arrays with a few characters changed. */
const arrayText = fc
  .tuple(fc.array(fc.json({ maxDepth: 3 })), fc.constantFrom(',', ', ', '\n,\t'))
  .map(([items, comma]) => ` [${items.join(comma)}]\n`);
const damagedText = fc
  .tuple(arrayText, fc.array(fc.tuple(fc.nat(), fc.constantFrom('', '[', ']', '{', '}', '"', '\\', ',', ':', '1', ' '))))
  .map(([text, faults]) => {
    let damaged = text;
    for (const [place, char] of faults) {
      const at = place % damaged.length;
      damaged = damaged.slice(0, at) + char + damaged.slice(at + 1);
    }
    return damaged;
  });

describe('arraySplitter', () => {
  test('takes what JSON.parse takes, item by item, however the bytes arrive', () => {
    fc.assert(
      fc.property(arrayText, sizes, (text, cut) => expect(viaSplitter(text, cut)).toEqual(viaParse(text))),
      { numRuns: 2_000 },
    );
  });

  test('a damaged array is broken, or has an item that is no JSON, exactly when JSON.parse refuses it', () => {
    fc.assert(
      fc.property(damagedText, sizes, (text, cut) => expect(viaSplitter(text, cut)).toEqual(viaParse(text))),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['[]', []],
    [' [ ] ', []],
    ['[{"a":"],[\\"}"},[[1],2] ,"x"]', ['{"a":"],[\\"}"}', '[[1],2] ', '"x"']],
    ['\ufeff[1]', ['1']],
    ['["\\\\",2]', ['"\\\\"', '2']],
    ['[{"a":1} {"b":2}]', ['{"a":1} {"b":2}']],
  ])('%j', (text, items) => {
    expect(split(arraySplitter(LIMIT), text)).toEqual(items);
    expect(split(arraySplitter(LIMIT), text, [1])).toEqual(items);
  });

  test.each([
    ['', 'Expecting an array at byte 0', []],
    ['{"a":1}', 'Expecting an array at byte 0', []],
    ['[1,2', 'The array does not end at byte 4', []],
    ['[1,2,', 'The array does not end at byte 5', []],
    ['[1,]', 'Expecting value at byte 3', ['1']],
    ['[,1]', 'Expecting value at byte 1', []],
    ['[1,2}', 'The array does not end at byte 5', []],
    ['[1,2] x', 'Extra data at byte 6', ['1', '2']],
  ])('%j is broken, and the items before stay', (text, message, items) => {
    const splitter = arraySplitter(LIMIT);
    const seen: Item[] = [];
    let broken: unknown;
    try {
      seen.push(...splitter.push(Buffer.from(text)), ...splitter.end());
    } catch (error) {
      broken = error;
    }
    expect(broken).toBeInstanceOf(BrokenStream);
    expect((broken as BrokenStream).message).toBe(message);
    const before = [...seen, ...(broken as BrokenStream).items];
    expect(before.slice(0, items.length)).toEqual(items);
  });

  test('an item over the limit is a fault, held no longer than its limit, and the next ones are read', () => {
    const items = split(arraySplitter(100), `[1,"${'x'.repeat(1000)}",{"a":2}]`, [7]);
    expect(items).toEqual(['1', new ItemFault('The item has more than 100 bytes'), '{"a":2}']);
  });

  test('an item of exactly the limit passes', () => {
    expect(split(arraySplitter(12), `["${'x'.repeat(10)}","${'x'.repeat(11)}"]`)).toEqual([`"${'x'.repeat(10)}"`, expect.any(ItemFault)]);
  });

  test('an item that is not UTF-8 is a fault', () => {
    const bytes = Buffer.concat([Buffer.from('[1,"'), Buffer.from([0xff, 0xfe]), Buffer.from('",2]')]);
    expect(split(arraySplitter(LIMIT), bytes, [1])).toEqual(['1', new ItemFault('The item is not UTF-8'), '2']);
  });

  test('a million brackets are an item over the limit, not a stack overflow', () => {
    expect(split(arraySplitter(100), `[${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},1]`)).toEqual([expect.any(ItemFault), '1']);
  });
});

describe('lineSplitter', () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replace(/[\n\ufeff]/g, '').toWellFormed());

  test('cuts at line breaks however the bytes arrive, without blank lines', () => {
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), sizes, (lines, ends, cut) => {
        const text = lines.join('\n') + (ends ? '\n' : '');
        expect(split(lineSplitter(LIMIT), text, cut)).toEqual(lines.filter((one) => /\S/.test(one)));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['', []],
    ['\n\n \r\n', []],
    ['{"a":1}', ['{"a":1}']],
    ['{"a":1}\r\n{"b":2}\r\n', ['{"a":1}\r', '{"b":2}\r']],
    ['\ufeff{"a":1}\n{}', ['{"a":1}', '{}']],
  ])('%j', (text, items) => {
    expect(split(lineSplitter(LIMIT), text)).toEqual(items);
    expect(split(lineSplitter(LIMIT), text, [1])).toEqual(items);
  });

  test.each([[[3]], [[65_536]], [[99]], [[101]]])('a line over the limit is one fault, in chunks of %j', (cut) => {
    const long = 'x'.repeat(101);
    const fault = new ItemFault('The item has more than 100 bytes');
    expect(split(lineSplitter(100), `1\n${long}\n2\n${long}${long}\n${'y'.repeat(100)}\n${long}`, cut)).toEqual([
      '1',
      fault,
      '2',
      fault,
      'y'.repeat(100),
      fault,
    ]);
  });

  test('the limit counts bytes, not characters', () => {
    expect(split(lineSplitter(10), `${'é'.repeat(5)}\n${'é'.repeat(6)}\n`)).toEqual(['ééééé', expect.any(ItemFault)]);
  });

  test('a line that is not UTF-8 leaves its neighbours alone', () => {
    const bytes = Buffer.concat([Buffer.from('é\n'), Buffer.from([0xff]), Buffer.from('\n\n{}')]);
    expect(split(lineSplitter(LIMIT), bytes)).toEqual(['é', new ItemFault('The item is not UTF-8'), '{}']);
  });
});
