import { isUtf8 } from 'node:buffer';
import { ByteBuilder } from '../body/byte-builder.ts';
import { type Item, type ItemFault, NOT_UTF8, type Splitter, tooLong } from './splitter.ts';

const NEWLINE = 0x0a;
const NOT_BLANK = /\S/;
const MARK = '\ufeff';

/** NDJSON: an item a line; blank lines count for nothing. */
export function lineSplitter(maxBytes: number): Splitter {
  const overlong = tooLong(maxBytes);
  const pending = new ByteBuilder();
  /** The rest of a line of which too much has come already. */
  let isSkipping = false;

  function push(chunk: Buffer): Item[] {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      hold(chunk);
      return [];
    }
    const lines = endLine(chunk.subarray(0, end));
    hold(chunk.subarray(end + 1));
    return lines;
  }

  /** Everything up to a line break that has come by now. */
  function endLine(chunk: Buffer): Item[] {
    const items: Item[] = [];
    let rest = chunk;
    if (isSkipping) {
      items.push(overlong);
      const next = chunk.indexOf(NEWLINE);
      rest = next < 0 ? EMPTY : chunk.subarray(next + 1);
    }
    isSkipping = false;
    pending.append(rest);
    addLines(pending.take(), maxBytes, overlong, items);
    return items;
  }

  function hold(rest: Buffer): void {
    if (rest.length === 0 || isSkipping) return;
    if (pending.length + rest.length <= maxBytes) {
      pending.append(rest);
      return;
    }
    isSkipping = true;
    pending.clear();
  }

  return { push, end: () => endLine(EMPTY) };
}

const EMPTY = Buffer.alloc(0);

/** Texts of whole blocks are cut at once, which is several times as fast as line by line. */
function addLines(block: Buffer, maxBytes: number, overlong: ItemFault, items: Item[]): void {
  if (!isUtf8(block)) {
    addBytes(block, maxBytes, overlong, items);
    return;
  }
  for (const line of block.toString('utf8').split('\n')) {
    if (!NOT_BLANK.test(line)) continue;
    const isLong = line.length > maxBytes || (line.length * 3 > maxBytes && Buffer.byteLength(line) > maxBytes);
    items.push(isLong ? overlong : line.startsWith(MARK) ? line.slice(1) : line);
  }
}

function addBytes(block: Buffer, maxBytes: number, overlong: ItemFault, items: Item[]): void {
  for (let start = 0; start <= block.length; ) {
    const next = block.indexOf(NEWLINE, start);
    const line = block.subarray(start, next < 0 ? block.length : next);
    if (isUtf8(line)) addLines(line, maxBytes, overlong, items);
    else items.push(line.length > maxBytes ? overlong : NOT_UTF8);
    start += line.length + 1;
  }
}
