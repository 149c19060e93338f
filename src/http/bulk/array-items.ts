/**
 * Cuts a JSON array into the texts of its items as it arrives, knowing only strings and nesting: what an item holds is checked
 * where it is ingested.
 *
 *   start ──[──▶ first ──item──▶ after ──,──▶ next ──item──▶ after
 *                  └──────]──────▶ done ◀──────]──────────────┘
 */
import { isUtf8 } from 'node:buffer';
import { ByteBuilder } from '../body/byte-builder.ts';
import { BrokenStream, type Item, NOT_UTF8, type Splitter, tooLong } from './splitter.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

type State = 'start' | 'first' | 'next' | 'item' | 'after' | 'done';

/** The bytes of a byte order mark. */
const MARK: ReadonlySet<number> = new Set([0xef, 0xbb, 0xbf]);

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

export function arraySplitter(maxBytes: number): Splitter {
  return new ArraySplitter(maxBytes);
}

class ArraySplitter implements Splitter {
  readonly #maxBytes: number;
  #state: State = 'start';
  /** Bytes of chunks before the current one. */
  #passed = 0;
  /** Of the item under way: brackets open, inside a string, behind a backslash. */
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  readonly #pending = new ByteBuilder();
  #isOverlong = false;
  #items: Item[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): Item[] {
    let at = 0;
    while (at < chunk.length) at = this.#state === 'item' ? this.#inItem(chunk, at) : this.#between(chunk, at);
    this.#passed += chunk.length;
    return this.#taken();
  }

  end(): Item[] {
    if (this.#state !== 'done') this.#fail(this.#state === 'start' ? 'Expecting an array' : 'The array does not end', 0);
    return this.#taken();
  }

  #taken(): Item[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  /** Steps over one byte that is no part of an item, or stays where an item begins. */
  #between(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    if (isBlank(byte)) return at + 1;
    switch (this.#state) {
      case 'start':
        if (MARK.has(byte)) return at + 1;
        if (byte !== OPEN_BRACKET) this.#fail('Expecting an array', at);
        this.#state = 'first';
        return at + 1;
      case 'after': // an item ends at nothing else than these two
        this.#state = byte === COMMA ? 'next' : 'done';
        return at + 1;
      case 'done':
        return this.#fail('Extra data', at);
      default:
        return this.#atItem(byte, at);
    }
  }

  #atItem(byte: number, at: number): number {
    if (byte === CLOSE_BRACKET && this.#state === 'first') {
      this.#state = 'done';
      return at + 1;
    }
    if (byte === COMMA || byte === CLOSE_BRACKET || byte === CLOSE_BRACE) this.#fail('Expecting value', at);
    this.#state = 'item';
    return at;
  }

  /** Takes as much of the item as this chunk has. */
  #inItem(chunk: Buffer, start: number): number {
    const end = this.#itemEnd(chunk, start);
    if (end < 0) {
      this.#hold(chunk.subarray(start));
      return chunk.length;
    }
    this.#finish(chunk.subarray(start, end));
    return end;
  }

  /** Where the item ends: behind its last byte, or -1 when that is not in this chunk. */
  #itemEnd(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      if (this.#isString) {
        at = this.#stringEnd(chunk, at);
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (byte === QUOTE) this.#isString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
      else if (this.#depth > 0) {
        if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth--;
      } else if (byte === COMMA || byte === CLOSE_BRACKET) return at;
    }
    return -1;
  }

  /** The index of the closing quote, or of the chunk's last byte. */
  #stringEnd(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#isString = false;
        return at;
      }
    }
    return chunk.length;
  }

  #hold(part: Buffer): void {
    this.#isOverlong ||= this.#pending.length + part.length > this.#maxBytes;
    if (this.#isOverlong) this.#pending.clear();
    else this.#pending.append(part);
  }

  #finish(part: Buffer): void {
    this.#hold(part);
    const bytes = this.#pending.take();
    if (this.#isOverlong) this.#items.push(tooLong(this.#maxBytes));
    else this.#items.push(isUtf8(bytes) ? bytes.toString('utf8') : NOT_UTF8);
    this.#isOverlong = false;
    this.#state = 'after';
  }

  #fail(reason: string, at: number): never {
    throw new BrokenStream(reason, this.#passed + at, this.#taken());
  }
}
