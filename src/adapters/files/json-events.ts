import { isUtf8 } from 'node:buffer';
import { EVENT_MEMBERS } from '../../core/same-event.ts';
import type { SourceEvent } from '../../ports/event-import.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const BRACE = 0x7b;
const BRACKET = 0x5b;
const MARK = [0xef, 0xbb, 0xbf];
const LARGEST_EVENT = 268_435_456;
/** A member of this name is an event's; in the map that GET /events answers, names are ids. */
const MEMBERS: ReadonlySet<string> = new Set(['event_id', ...EVENT_MEMBERS]);

/** The events of a JSON text: an array, the map of GET /events, or one event after the other (NDJSON). */
export async function* jsonEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SourceEvent> {
  let number = 0;
  for await (const text of valuesOf(chunks)) yield sourceEvent(`event ${++number}`, text);
}

/** The events of a file with one on each line; one that is broken does not hold up the others. */
export async function* lineEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SourceEvent> {
  let number = 0;
  for await (const line of linesOf(chunks)) {
    const place = `line ${++number}`;
    const text = textOf(line);
    if (text === null || text.trim() !== '') yield sourceEvent(place, text);
  }
}

function sourceEvent(place: string, text: string | null): SourceEvent {
  return { place, json: text, fault: text === null ? 'it is not UTF-8' : null, archivedAtMs: undefined, bson: null };
}

const NEWLINE = 0x0a;

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let [pieces, size]: [Buffer[], number] = [[], 0];
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...pieces, bytes.subarray(from, end)]);
      [pieces, size, from] = [[], 0, end + 1];
    }
    pieces.push(bytes.subarray(from));
    size += bytes.length - from;
    if (size > LARGEST_EVENT) throw new Error(`a line has more than ${LARGEST_EVENT} bytes`);
  }
  if (size > 0) yield Buffer.concat(pieces);
}

/** Null when the bytes are no text. */
function textOf(bytes: Buffer): string | null {
  if (!isUtf8(bytes)) return null;
  return bytes.toString('utf8', bytes[0] === MARK[0] && bytes[1] === MARK[1] && bytes[2] === MARK[2] ? MARK.length : 0);
}

/** The texts of the values that are events; null for one that is no text. Throws where the nesting does not come out even. */
async function* valuesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string | null> {
  const splitter = new Splitter();
  for await (const chunk of chunks) yield* splitter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  yield* splitter.end();
}

/**
 * Knows strings and nesting only. An event is an object that is directly in the array, or a value of the map, or stands at the top.
 * What the text is shows with its first bytes: `[` is an array; `{` with a first name that no event has as a member is a map.
 */
class Splitter {
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** The depth at which events begin; null before that is known. */
  #level: number | null = null;
  #pieces: Buffer[] = [];
  #size = 0;
  /** Of the first name of the first object, while it is not known what that is. */
  #head: Buffer | null = null;

  *push(chunk: Buffer): Generator<string | null> {
    const bytes = this.#head === null ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = null;
    if (this.#level === null) {
      this.#level = levelOf(bytes);
      if (this.#level === null) {
        this.#head = bytes;
        return;
      }
    }
    let from = this.#pieces.length > 0 ? 0 : -1;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isString = false;
        continue;
      }
      if (byte === QUOTE) this.#isString = true;
      else if (OPEN.has(byte)) {
        if (this.#depth === this.#level && from < 0) from = at;
        this.#depth++;
      } else if (CLOSE.has(byte)) {
        this.#depth--;
        if (this.#depth < 0) throw new Error('a bracket is closed that was not opened');
        if (this.#depth === this.#level && from >= 0) {
          this.#keep(bytes.subarray(from, at + 1));
          yield this.#taken();
          from = -1;
        }
      } else if (this.#depth === this.#level && !isBetween(byte)) throw new Error('there is something that is no event');
    }
    if (from >= 0) this.#keep(bytes.subarray(from));
  }

  *end(): Generator<string | null> {
    if (this.#head?.some((byte) => !isBetween(byte))) throw new Error('it is no JSON of events');
    if (this.#depth > 0 || this.#isString) throw new Error('the file is cut off');
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size > LARGEST_EVENT) throw new Error(`an event has more than ${LARGEST_EVENT} bytes`);
  }

  #taken(): string | null {
    const bytes = Buffer.concat(this.#pieces, this.#size);
    [this.#pieces, this.#size] = [[], 0];
    return textOf(bytes);
  }
}

/** What may stand between events: blanks, commas, and the colon before a value of the map. */
const isBetween = (byte: number): boolean => byte <= 0x20 || byte === COMMA || byte === COLON || MARK.includes(byte);

const LONGEST_NAME = 65_536;

/** Null while the bytes do not tell yet. */
function levelOf(bytes: Buffer): number | null {
  const first = bytes.findIndex((byte) => !isBetween(byte));
  if (first < 0) return null;
  if (bytes[first] === BRACKET) return 1;
  if (bytes[first] !== BRACE) throw new Error('it begins with neither [ nor {');
  const text = bytes.toString('utf8', first + 1, first + LONGEST_NAME);
  if (/^\s*\}/.test(text)) return 0;
  const [, name, value] = /^\s*("(?:[^"\\]|\\.)*")\s*:\s*(\S)/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    if (text.length >= LONGEST_NAME / 2) throw new Error('its first name has no end');
    return null;
  }
  return value === '{' && !MEMBERS.has(JSON.parse(name) as string) ? 1 : 0;
}
