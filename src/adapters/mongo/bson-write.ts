import { BSON, Double as BsonDouble, Long } from 'mongodb';
import { EngineError } from '../../core/errors.ts';
import { Double, type ExactValue, membersOf, OrderedObject, parseExact } from '../../core/json.ts';
import type { NewEvent } from '../../ports/event-store.ts';
import type { EventDocument } from './documents.ts';

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
/** MongoDB takes 180 levels; a few are for what lies around an event in a command. */
const MAX_DEPTH = 170;
const MAX_BYTES = 16_000_000;
/** A text of so many characters can never be a document of `MAX_BYTES`: no member takes more than eleven bytes for each of its own. */
const SURELY_FITS = MAX_BYTES / 12;

/** Makes BSON of values; afterwards `isExact` tells whether all of it could be said. */
class BsonWriter {
  isExact = true;

  /** The same integer type that MADSci's driver chooses: the smallest that holds the number. */
  value(value: ExactValue, depth: number): unknown {
    switch (typeof value) {
      case 'number':
        if (!Number.isInteger(value)) return value;
        return value > INT32_MAX || value < INT32_MIN ? Long.fromNumber(value) : value + 0;
      case 'bigint':
        return this.#long(value);
      case 'object':
        return value === null ? null : this.#compound(value, depth);
      default:
        return value;
    }
  }

  #long(value: bigint): unknown {
    if (BigInt.asIntN(64, value) === value) return Long.fromBigInt(value);
    this.isExact = false;
    return new BsonDouble(Number(value));
  }

  #compound(value: Exclude<ExactValue, null | boolean | string | number | bigint>, depth: number): unknown {
    if (value instanceof Double) return new BsonDouble(value.value);
    if (value instanceof Date) return value;
    if (depth >= MAX_DEPTH) {
      this.isExact = false;
      return null;
    }
    if (Array.isArray(value)) return value.map((item) => this.value(item, depth + 1));
    if (!(value instanceof OrderedObject) && !Object.hasOwn(value, '_bsontype')) return this.#inPlace(value, depth);
    // A map keeps the order of keys like "10"; and the driver takes a plain object with `_bsontype` for one of its own.
    const members = new Map<string, unknown>();
    for (const [key, member] of membersOf(value)) members.set(key, this.value(member, depth + 1));
    return members;
  }

  /** The value was parsed for this document alone, so that it need not be copied. */
  #inPlace(object: { [key: string]: ExactValue }, depth: number): unknown {
    for (const [key, member] of Object.entries(object)) {
      const written = this.value(member, depth + 1);
      if (written !== member) object[key] = written as ExactValue;
    }
    return object;
  }
}

/** A value as the database compares it. Changes `value`. */
export function bsonOf(value: ExactValue): unknown {
  return new BsonWriter().value(value, 0);
}

/** The event as MADSci stores it (M29), in the order of its text. Throws `body_too_large` for what no document holds. */
export function eventDocument({ id, json, cause }: Pick<NewEvent, 'id' | 'json' | 'cause'>): EventDocument {
  const writer = new BsonWriter();
  const document = writer.value(parseExact(json), 0) as EventDocument;
  document._hookwright = { seq: 0 };
  if (cause !== null) Object.assign(document._hookwright, { cause: cause.executionId, root: cause.root, depth: cause.depth });
  if (!writer.isExact) document._hookwright.json = json;
  if (json.length > SURELY_FITS && BSON.calculateObjectSize(document) > MAX_BYTES)
    throw new EngineError('body_too_large', `The event ${id.slice(0, 100)} is larger than a document of MongoDB can be.`);
  return document;
}
