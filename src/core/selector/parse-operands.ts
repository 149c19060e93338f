/** Operands that are numbers, or lists and names of them. */
import type { ExactValue } from '../json-value.ts';
import { invalid, type Place, within } from './parse-place.ts';
import type { FieldTest } from './selector.ts';
import { isNumeric, numeric } from './values.ts';

const NUMBER_TYPES = [1, 16, 18, 19];
const TYPE_NAMES: ReadonlyMap<string, readonly number[]> = new Map([
  ['double', [1]],
  ['string', [2]],
  ['object', [3]],
  ['array', [4]],
  ['binData', [5]],
  ['undefined', [6]],
  ['objectId', [7]],
  ['bool', [8]],
  ['date', [9]],
  ['null', [10]],
  ['regex', [11]],
  ['dbPointer', [12]],
  ['javascript', [13]],
  ['symbol', [14]],
  ['javascriptWithScope', [15]],
  ['int', [16]],
  ['timestamp', [17]],
  ['long', [18]],
  ['decimal', [19]],
  ['minKey', [-1]],
  ['maxKey', [127]],
  ['number', NUMBER_TYPES],
]);
const TYPE_NUMBERS = new Set([...TYPE_NAMES.values()].flat());

/** Types by name or number; MongoDB's own that JSON has no value for are allowed and match nothing. */
export function parseTypes(operand: ExactValue, place: Place): Set<number> {
  if (!Array.isArray(operand)) return new Set(parseType(operand, place));
  if (operand.length === 0) throw invalid(place, '$type takes at least one type');
  place.budget.checkList(operand.length, place.pointer);
  return new Set(operand.flatMap((type, index) => parseType(type, within(place, index))));
}

function parseType(type: ExactValue, place: Place): readonly number[] {
  const types = typeof type === 'string' ? TYPE_NAMES.get(type) : typeByNumber(type);
  if (types === undefined) throw invalid(place, '$type takes a name such as "string", "int", "double", "number", or its number');
  return types;
}

function typeByNumber(type: ExactValue): readonly number[] | undefined {
  const number = isNumeric(type) ? Number(numeric(type)) : Number.NaN;
  return TYPE_NUMBERS.has(number) ? [number] : undefined;
}

const MAX_SIZE = 2 ** 31 - 1;

export function parseSize(operand: ExactValue, place: Place): number {
  const size = isNumeric(operand) ? Number(numeric(operand)) : Number.NaN;
  if (!Number.isInteger(size) || size < 0 || size > MAX_SIZE) throw invalid(place, '$size takes a whole number from 0');
  return size;
}

export function parseMod(operand: ExactValue, place: Place): FieldTest {
  if (!Array.isArray(operand) || operand.length !== 2) throw invalid(place, '$mod takes a list of two numbers: divisor and remainder');
  const [divisor, remainder] = operand.map((number, index) => wholePart(number, within(place, index)));
  if (divisor === undefined || remainder === undefined || divisor === 0n) throw invalid(place, 'The divisor of $mod must not be 0');
  return { op: 'mod', divisor, remainder };
}

function wholePart(value: ExactValue, place: Place): bigint {
  const whole = isNumeric(value) ? truncate(numeric(value)) : null;
  if (whole === null) throw invalid(place, '$mod takes finite numbers of at most 64 bits');
  return whole;
}

/** The whole part of a number as a 64-bit integer; null for what is not finite or does not fit. */
export function truncate(value: number | bigint): bigint | null {
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  const whole = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
  return BigInt.asIntN(64, whole) === whole ? whole : null;
}

const MAX_POSITION = 2 ** 31 - 1;

/** The bit positions of a mask, or those listed. */
export function parseBits(name: string, operand: ExactValue, place: Place): number[] {
  if (Array.isArray(operand)) {
    place.budget.checkList(operand.length, place.pointer);
    return operand.map((position, index) => parsePosition(name, position, within(place, index)));
  }
  const mask = isNumeric(operand) ? numeric(operand) : -1;
  if (mask < 0 || !isWhole(mask)) throw invalid(place, `${name} takes a mask that is a whole number from 0, or a list of bit positions`);
  return positionsOf(BigInt(mask));
}

/** Whether a number is an integer that 64 bits hold. */
export function isWhole(value: number | bigint): boolean {
  return (typeof value === 'bigint' || Number.isInteger(value)) && truncate(value) !== null;
}

function parsePosition(name: string, value: ExactValue, place: Place): number {
  const position = isNumeric(value) ? Number(numeric(value)) : Number.NaN;
  if (!Number.isInteger(position) || position < 0 || position > MAX_POSITION) throw invalid(place, `${name} takes bit positions from 0`);
  return position;
}

function positionsOf(mask: bigint): number[] {
  const positions: number[] = [];
  for (let rest = mask, position = 0; rest > 0n; rest >>= 1n, position++) if (rest & 1n) positions.push(position);
  return positions;
}
