/** Numbers as Python counts them (detail 16): reports are compared to the last digit. */
import { Double, type ExactValue } from '../json.ts';

/** A float: 24 hours are 24.0, not 24. */
export function float(value: number): ExactValue {
  return Number.isInteger(value) ? new Double(value) : value;
}

/** What Python's `x or 0` leaves of a float: zero becomes an integer. */
export function floatOrZero(value: number): ExactValue {
  return value === 0 ? 0 : float(value);
}

/** Python's round(): half to even, on the exact binary value, so 2.675 is 2.67 and 0.125 is 0.12. */
export function round(value: number, digits: number): number {
  return Number.isInteger(value) || !Number.isFinite(value) ? value : Number(fixedText(value, digits));
}

/** The most digits toFixed gives: with them a double above 1e-4 is exact, and what is smaller is no tie of so few digits. */
const ALL_DIGITS = 100;

/** Python's f'{value:.1f}' and the like. toFixed() is exact too, but takes ties away from zero. */
export function fixedText(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const sign = Object.is(value, -0) || (value < 0 && !text.startsWith('-')) ? '-' : '';
  if (!isTie(value, digits)) return sign + text;
  const exact = value.toFixed(digits + 1);
  const cut = exact.slice(0, digits === 0 ? -2 : -1);
  return /[02468]$/.test(cut) ? cut : text;
}

function isTie(value: number, digits: number): boolean {
  if (Number.isInteger(value)) return false;
  // A tie is a whole number of halves of the last digit; most values fail this quick look.
  const halves = Math.abs(value) * 10 ** digits * 2;
  if (Math.abs(halves - Math.round(halves)) > 1e-6 * Math.max(1, halves)) return false;
  const tail = value.toFixed(ALL_DIGITS).split('.')[1] as string; // toFixed(100) always has a point
  return tail[digits] === '5' && /^0*$/.test(tail.slice(digits + 1));
}

/** Python's statistics.mean(): the exact sum, divided and rounded once. 0 when there are none. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  let sum = 0n;
  for (const value of values) sum += scaled(value);
  return ratio(sum, BigInt(values.length) * SCALE);
}

/** Every double is a whole number of 2^-1074. */
const SCALE = 1n << 1074n;
const bits = new DataView(new ArrayBuffer(8));

function scaled(value: number): bigint {
  bits.setFloat64(0, value);
  const all = bits.getBigUint64(0);
  const exponent = (all >> 52n) & 0x7ffn;
  const fraction = all & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n);
  return value < 0 ? -size : size;
}

/** The double nearest to numerator / denominator, ties to even. */
function ratio(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const size = numerator < 0n ? -numerator : numerator;
  // So many bits that the quotient has 55 or 56: two more than a double keeps, and a sticky one for the rest.
  const shift = 55 - (bitLength(size) - bitLength(denominator));
  const [top, bottom] = shift >= 0 ? [size << BigInt(shift), denominator] : [size, denominator << BigInt(-shift)];
  const quotient = top / bottom;
  const sticky = top % bottom === 0n ? quotient : quotient | 1n;
  // In two steps, since 2^1074 is no double.
  const value = Number(sticky) / 2 ** Math.min(shift, 1000) / 2 ** Math.max(0, shift - 1000);
  return numerator < 0n ? -value : value;
}

const bitLength = (value: bigint): number =>
  value.toString(16).length * 4 - Math.clz32(Number.parseInt(value.toString(16)[0] as string, 16)) + 28;
