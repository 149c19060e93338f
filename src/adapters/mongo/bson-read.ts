import { BSON } from 'mongodb';
import { isObject, naiveDateText, parseExact, pythonFloat, setMember, stringifyExact } from '../../core/json.ts';
import type { ExactValue } from '../../core/json-value.ts';
import type { Hidden } from './documents.ts';

const TYPE = {
  double: 0x01,
  string: 0x02,
  object: 0x03,
  array: 0x04,
  binary: 0x05,
  objectId: 0x07,
  bool: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  code: 0x0d,
  symbol: 0x0e,
  int: 0x10,
  timestamp: 0x11,
  long: 0x12,
  decimal: 0x13,
} as const;

/** An event read from its BSON. */
export interface ReadEvent {
  id: string;
  json: string;
  hidden: Hidden | null;
  /** When a server archived it, in milliseconds; null also for what a client sent as archived, which is a text (M67). */
  archivedAt: number | null;
}

/**
 * The event's text as MADSci answers it, straight from the bytes: the driver's own reader would lose the difference of 1 and 1.0
 * and make objects of its own of members like `$ref`. `_hookwright` is left out.
 */
export function readEvent(bytes: Buffer): ReadEvent {
  const reader = new BsonReader(bytes);
  const json = reader.document(true);
  const hidden = reader.hiddenAt < 0 ? null : hiddenOf(bytes, reader.hiddenAt);
  const id = reader.id;
  return { id, json: hidden?.json === undefined ? json : withArchived(hidden.json, json), hidden, archivedAt: reader.archivedAt };
}

function hiddenOf(bytes: Buffer, at: number): Hidden {
  return BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at))) as Hidden;
}

/** The text that came in, with what archiving has changed since. */
function withArchived(kept: string, stored: string): string {
  const [event, now] = [parseExact(kept), parseExact(stored)] as { [key: string]: ExactValue }[];
  if (!isObject(event) || !isObject(now)) return kept;
  for (const name of ['archived', 'archived_at']) setMember(event, name, now[name] ?? null);
  return stringifyExact(event);
}

class BsonReader {
  id = '';
  hiddenAt = -1;
  archivedAt: number | null = null;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  document(isTop: boolean): string {
    this.#at += 4;
    let text = '';
    for (let type = this.#type(); type !== 0; type = this.#type()) {
      const name = this.#name();
      if (isTop && name === '_hookwright') {
        this.hiddenAt = this.#at;
        this.#at += this.#bytes.readInt32LE(this.#at);
        continue;
      }
      if (isTop && type === TYPE.date && name === 'archived_at') this.archivedAt = Number(this.#bytes.readBigInt64LE(this.#at));
      const value = this.#value(type);
      if (isTop && name === '_id') this.id = type === TYPE.string ? (JSON.parse(value) as string) : value;
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${value}`;
    }
    return `{${text}}`;
  }

  #array(): string {
    this.#at += 4;
    let text = '';
    for (let type = this.#type(); type !== 0; type = this.#type()) {
      this.#skipName();
      text += `${text === '' ? '' : ','}${this.#value(type)}`;
    }
    return `[${text}]`;
  }

  #value(type: number): string {
    switch (type) {
      case TYPE.string:
        return JSON.stringify(this.#string());
      case TYPE.int:
        return `${this.#bytes.readInt32LE(this.#skip(4))}`;
      case TYPE.long:
        return `${this.#bytes.readBigInt64LE(this.#skip(8))}`;
      case TYPE.double:
        return doubleText(this.#bytes.readDoubleLE(this.#skip(8)));
      case TYPE.bool:
        return this.#bytes[this.#skip(1)] === 0 ? 'false' : 'true';
      case TYPE.null:
        return 'null';
      case TYPE.object:
        return this.document(false);
      case TYPE.array:
        return this.#array();
      case TYPE.date:
        return dateText(Number(this.#bytes.readBigInt64LE(this.#skip(8))));
      default:
        return this.#foreign(type);
    }
  }

  /** What JSON has no value for; neither MADSci nor this server writes it, but a person with a shell may have. */
  #foreign(type: number): string {
    switch (type) {
      case TYPE.objectId: {
        const from = this.#skip(12);
        return JSON.stringify(this.#bytes.toString('hex', from, from + 12));
      }
      case TYPE.binary: {
        const length = this.#bytes.readInt32LE(this.#skip(5));
        const from = this.#skip(length);
        return JSON.stringify(this.#bytes.toString('base64', from, from + length));
      }
      case TYPE.code:
      case TYPE.symbol:
        return JSON.stringify(this.#string());
      case TYPE.regex:
        return JSON.stringify(`/${this.#name()}/${this.#name()}`);
      case TYPE.timestamp:
        return `${this.#bytes.readBigUInt64LE(this.#skip(8))}`;
      case TYPE.decimal:
        this.#skip(16);
        return 'null';
      default:
        throw new Error(`a stored event holds a value of the BSON type ${type}, which is not read`);
    }
  }

  #type(): number {
    return this.#bytes[this.#at++] as number;
  }

  #name(): string {
    const from = this.#at;
    this.#skipName();
    return this.#bytes.toString('utf8', from, this.#at - 1);
  }

  #skipName(): void {
    this.#at = this.#bytes.indexOf(0, this.#at) + 1;
  }

  #string(): string {
    const length = this.#bytes.readInt32LE(this.#skip(4));
    const from = this.#skip(length);
    return this.#bytes.toString('utf8', from, from + length - 1);
  }

  /** Steps over so many bytes and answers where they begin. */
  #skip(count: number): number {
    const from = this.#at;
    this.#at += count;
    return from;
  }
}

function doubleText(value: number): string {
  return Number.isFinite(value) ? pythonFloat(value) : 'null';
}

function dateText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'null' : `"${naiveDateText(date)}"`;
}
