/** Query parameters of MADSci's routes, read as pydantic reads them (M10, M27): each is a zod schema of a text that may be absent. */
import { z } from 'zod';
import { levelOf, readBoolean, readTime } from '../core/event-fields.ts';
import type { ExactValue } from '../core/json.ts';
import { enumIssue, type ValidationIssue } from '../core/validation.ts';
import type { PydanticFault } from './check.ts';

/** Reads a text, or adds to `faults` and returns a stand-in. */
type Read<T> = (text: string, faults: PydanticFault[]) => T;
type Shown = { type: 'integer' | 'boolean' | 'string'; description: string; default?: string | number | boolean; format?: string };

function parameter<T>(fallback: T, read: Read<T>, shown: Shown): z.ZodType<T, string | undefined> {
  const { description, ...override } = shown;
  return z
    .string()
    .optional()
    .transform((text, { issues }) => {
      if (text === undefined) return fallback;
      const faults: PydanticFault[] = [];
      const value = read(text, faults);
      for (const pydantic of faults) issues.push({ code: 'custom', message: pydantic.msg, input: text, params: { pydantic } });
      return value;
    })
    .meta({ description, override });
}

const fault = (type: string, msg: string, input: string, ctx?: Record<string, ExactValue>): PydanticFault =>
  ctx === undefined ? { type, msg, input, below: [] } : { type, msg, input, ctx, below: [] };

/** MADSci finds no fault here, and answers 500 when nothing else is wrong (M11). */
const ours = (found: PydanticFault): PydanticFault => ({ ...found, isOurs: true });

/** Adds what a reader of the core said about a member, whose name is the parameter's. */
function adopt(issues: readonly ValidationIssue[], faults: PydanticFault[]): void {
  for (const { loc, ...rest } of issues) faults.push({ ...rest, below: loc.slice(1) });
}

// --- integers ---

/** Blanks around digits that may be grouped by single underscores, and zeros behind a point. */
const INTEGER = /^\p{White_Space}*([-+]?\d{1,4300}(?:_\d+)*)(?:\.0+)?\p{White_Space}*$/u;
const INT64_END = 2n ** 63n;
const NO_INTEGER = 'Input should be a valid integer, unable to parse string as an integer';
const TOO_LARGE = 'Unable to parse input string as an integer, exceeded maximum size';

function readInteger(text: string, faults: PydanticFault[]): number {
  const digits = INTEGER.exec(text)?.[1]?.replaceAll('_', '').replace('+', '');
  if (digits === undefined) {
    faults.push(fault('int_parsing', NO_INTEGER, text));
    return 0;
  }
  const size = BigInt(digits.replace('-', ''));
  if (size >= INT64_END) faults.push(ours(fault('int_parsing_size', TOO_LARGE, text)));
  const value = Math.min(Number(size), Number.MAX_SAFE_INTEGER);
  return digits.startsWith('-') ? -value : value;
}

export function integer(fallback: number, description: string): z.ZodType<number, string | undefined> {
  return parameter(fallback, readInteger, { type: 'integer', default: fallback, description });
}

/** How many to answer: 0 is all, and a negative number acts as its absolute value (M11). */
export function count(fallback: number, description: string): z.ZodType<number, string | undefined> {
  return parameter(fallback, (text, faults) => Math.abs(readInteger(text, faults)), { type: 'integer', default: fallback, description });
}

export function bounded<Fallback extends number | null>(
  fallback: Fallback,
  bounds: { min: number; max?: number },
  description: string,
): z.ZodType<number | Fallback, string | undefined> {
  const { min, max = Number.MAX_SAFE_INTEGER } = bounds;
  return parameter<number | Fallback>(
    fallback,
    (text, faults) => {
      const value = readInteger(text, faults);
      if (faults.length > 0) return value;
      if (value < min) faults.push(ours(fault('greater_than_equal', `Input should be greater than or equal to ${min}`, text, { ge: min })));
      if (value > max) faults.push(ours(fault('less_than_equal', `Input should be less than or equal to ${max}`, text, { le: max })));
      return value;
    },
    { type: 'integer', description, ...(fallback === null ? {} : { default: fallback }) },
  );
}

// --- other types ---

/** `shown`: the default that the documentation has, where being absent means something of its own. */
export function flag<Fallback extends boolean | null>(
  fallback: Fallback,
  description: string,
  shown: boolean | null = fallback,
): z.ZodType<boolean | Fallback, string | undefined> {
  const read: Read<boolean> = (text, faults) => {
    const issues: ValidationIssue[] = [];
    const value = readBoolean(text, '', issues);
    adopt(issues, faults);
    return value;
  };
  return parameter<boolean | Fallback>(fallback, read, {
    type: 'boolean',
    description,
    ...(shown === null ? {} : { default: shown }),
  });
}

/** Any text. */
export function text<Fallback extends string | null>(
  fallback: Fallback,
  description: string,
): z.ZodType<string | Fallback, string | undefined> {
  return parameter<string | Fallback>(fallback, (given) => given, {
    type: 'string',
    description,
    ...(fallback === null ? {} : { default: fallback }),
  });
}

/** A level as a number or a name; a union in MADSci's model, so a fault names both branches. */
export function level(description: string): z.ZodType<number, string | undefined> {
  const read: Read<number> = (text, faults) => {
    const value = levelOf(text);
    if (typeof value === 'number') return value;
    if (value === 'too_large') faults.push(ours(fault('int_parsing_size', TOO_LARGE, text)));
    else {
      faults.push({ ...fault('int_parsing', NO_INTEGER, text), below: ['int'] });
      const { loc, ...rest } = enumIssue(['int-enum[EventLogLevel]'], '0, 10, 20, 30, 40 or 50', text);
      faults.push({ ...rest, below: loc });
    }
    return 0;
  };
  return parameter(0, read, { type: 'string', default: 0, description });
}

/** A time as the text that stored times are compared with: Python spells UTC as +00:00, stored texts as Z (detail 4). */
export function time(description: string): z.ZodType<string | null, string | undefined> {
  const read: Read<string | null> = (text, faults) => {
    const issues: ValidationIssue[] = [];
    const read = readTime(text, '', issues);
    adopt(issues, faults);
    return read === null ? null : comparable(read.text);
  };
  return parameter<string | null>(null, read, { type: 'string', format: 'date-time', description });
}

export function comparable(timestampText: string): string {
  return timestampText.endsWith('Z') ? `${timestampText.slice(0, -1)}+00:00` : timestampText;
}
