/** BSON's types and its order of values, over losslessly parsed JSON. */
import { Double, type ExactObject, type ExactValue, membersOf } from '../json-value.ts';

/** Numbers of BSON's types, as `$type` takes them. */
export const BSON = { double: 1, string: 2, object: 3, array: 4, bool: 8, date: 9, null: 10, int: 16, long: 18 } as const;

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** The BSON type that the store of the original gives a value: the smallest integer type that holds it. */
export function bsonType(value: ExactValue): number {
  switch (typeof value) {
    case 'string':
      return BSON.string;
    case 'boolean':
      return BSON.bool;
    case 'bigint':
      return BSON.long;
    case 'number':
      if (!Number.isInteger(value)) return BSON.double;
      return value >= INT32_MIN && value <= INT32_MAX ? BSON.int : BSON.long;
    default:
      return compoundType(value);
  }
}

function compoundType(value: null | Double | Date | ExactValue[] | ExactObject): number {
  if (value === null) return BSON.null;
  if (Array.isArray(value)) return BSON.array;
  if (value instanceof Double) return BSON.double;
  return value instanceof Date ? BSON.date : BSON.object;
}

/** Where a value's type stands in BSON's order; types that compare with each other share a rank. */
export function rankOf(value: ExactValue): number {
  switch (typeof value) {
    case 'string':
      return RANK.string;
    case 'boolean':
      return RANK.bool;
    case 'bigint':
    case 'number':
      return RANK.number;
    default:
      return compoundRank(value);
  }
}

const RANK = { null: 5, number: 10, string: 15, object: 20, array: 25, bool: 40, date: 45 } as const;

function compoundRank(value: null | Double | Date | ExactValue[] | ExactObject): number {
  if (value === null) return RANK.null;
  if (Array.isArray(value)) return RANK.array;
  if (value instanceof Double) return RANK.number;
  return value instanceof Date ? RANK.date : RANK.object;
}

export function isNumeric(value: ExactValue | undefined): value is number | bigint | Double {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Double;
}

/** The plain number or bigint. JavaScript compares the two exactly with each other. */
export function numeric(value: number | bigint | Double): number | bigint {
  return value instanceof Double ? value.value : value;
}

/** BSON's total order: negative, zero or positive. Member order counts in objects, and 1 equals 1.0. */
export function compareValues(a: ExactValue, b: ExactValue): number {
  const rank = rankOf(a);
  const byType = rank - rankOf(b);
  return byType !== 0 ? byType : compareSameType(rank, a, b);
}

function compareSameType(rank: number, a: ExactValue, b: ExactValue): number {
  // The casts are safe: both values have the rank of their type.
  switch (rank) {
    case RANK.number:
      return compareNumbers(numeric(a as number), numeric(b as number));
    case RANK.string:
      return compareText(a as string, b as string);
    case RANK.object:
      return compareObjects(a as ExactObject, b as ExactObject);
    case RANK.array:
      return compareArrays(a as ExactValue[], b as ExactValue[]);
    case RANK.null:
      return 0;
    default:
      return Number(a) - Number(b);
  }
}

/** NaN equals itself and comes before every other number. */
export function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
}

/** By code point, which is the order of the UTF-8 bytes that MongoDB and SQLite compare; `<` would go by UTF-16 unit. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** Member by member: type, then name, then value, as MongoDB does. */
function compareObjects(a: ExactObject, b: ExactObject): number {
  const left = membersOf(a)[Symbol.iterator]();
  const right = membersOf(b)[Symbol.iterator]();
  for (;;) {
    const x = left.next();
    const y = right.next();
    if (x.done || y.done) return Number(y.done ?? false) - Number(x.done ?? false);
    const order = compareMembers(x.value, y.value);
    if (order !== 0) return order;
  }
}

function compareMembers([nameA, a]: [string, ExactValue], [nameB, b]: [string, ExactValue]): number {
  const rank = rankOf(a);
  const byType = rank - rankOf(b);
  if (byType !== 0) return byType;
  const byName = compareText(nameA, nameB);
  return byName !== 0 ? byName : compareSameType(rank, a, b);
}

function compareArrays(a: ExactValue[], b: ExactValue[]): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const order = compareValues(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export type ScalarKey = string | number | bigint | boolean;

/** One key for all values that are equal (1, 1.0), fit for a Map; null for what is no text, number or boolean. */
export function scalarKey(value: ExactValue | undefined): ScalarKey | null {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (!isNumeric(value)) return null;
  const number = numeric(value);
  if (typeof number === 'number') return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(number) : number;
  const near = Number(number);
  return Number.isSafeInteger(near) ? near : number;
}
