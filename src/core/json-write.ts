import { Double, type ExactObject, type ExactValue, membersOf } from './json-value.ts';

/** Python's repr of a float (M61): 1.0, 1e-07, 1e+16; both languages print the shortest digits that read back. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : `${value}`;
  const text = value.toExponential();
  const digit = text.length - 1;
  const isOneDigit = text[digit - 1] === '-' || text[digit - 1] === '+';
  return isOneDigit ? `${text.slice(0, digit)}0${text[digit]}` : text;
}

/** The text of an instant as MADSci answers a stored date: naive, of UTC, microseconds only when there are any. */
export function naiveDateText(date: Date): string {
  const text = date.toISOString();
  return text.endsWith('.000Z') ? text.slice(0, -5) : `${text.slice(0, -1)}000`;
}

/** Compact JSON with Python's spelling of floats; lone surrogates are escaped, so the text is always valid UTF-8. */
export function stringifyExact(value: ExactValue): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return numberText(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      return value === null ? 'null' : compoundText(value);
  }
}

function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return `${value}`;
  if (Number.isInteger(value)) return BigInt(value).toString();
  return Number.isFinite(value) ? pythonFloat(value) : 'null';
}

function compoundText(value: Double | Date | ExactValue[] | ExactObject): string {
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Double) return Number.isFinite(value.value) ? pythonFloat(value.value) : 'null';
  if (value instanceof Date) return `"${naiveDateText(value)}"`;
  return objectText(value);
}

function arrayText(items: ExactValue[]): string {
  let text = '';
  for (const item of items) text += text === '' ? stringifyExact(item) : `,${stringifyExact(item)}`;
  return `[${text}]`;
}

function objectText(object: ExactObject): string {
  let text = '';
  for (const [key, value] of membersOf(object)) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${stringifyExact(value)}`;
  return `{${text}}`;
}
