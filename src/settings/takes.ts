import { z } from 'zod';

/** What settings take. Values are texts where they come from the environment, and may be numbers, booleans and lists where from a file. */

const YES = new Set(['1', 'true', 'yes', 'on']);
const NO = new Set(['0', 'false', 'no', 'off', '']);

export const flag = z.union([z.boolean(), z.string(), z.literal([0, 1])], { error: 'takes true or false' }).transform((given, context) => {
  const text = String(given).toLowerCase();
  if (YES.has(text)) return true;
  if (NO.has(text)) return false;
  context.addIssue({ code: 'custom', message: 'takes true or false' });
  return z.NEVER;
});

/** A decimal point with nothing behind it is a whole number too: YAML and TOML files may have 90.0. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER) {
  const error = max === Number.MAX_SAFE_INTEGER ? `takes a whole number from ${min}` : `takes a whole number from ${min} to ${max}`;
  return z
    .union([z.number(), z.string().regex(/^\d+(\.0+)?$/, error)], { error })
    .transform(Number)
    .pipe(z.number({ error }).int(error).min(min, error).max(max, error));
}

export function seconds(min: number, max: number) {
  const error = `takes seconds, from ${min} to ${max}`;
  return z
    .union([z.number(), z.string().regex(/^\d+(\.\d+)?$/, error)], { error })
    .transform(Number)
    .pipe(z.number({ error }).min(min, error).max(max, error));
}

export const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: `takes ${names.join(' or ')}` });

export const text = z.string({ error: 'takes text; in a file, write it in quotes' });

export const httpUrl = z.url({ protocol: /^https?$/, error: 'takes a URL such as https://events.example.org' });

const LIST = 'takes a list: in a file as such, elsewhere separated by commas or in JSON';
export const list = z.union([z.array(text), z.string()], { error: LIST }).transform((given, context) => {
  if (typeof given !== 'string') return given;
  if (!given.trimStart().startsWith('[')) {
    const parts = given.split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }
  const parsed = z.array(z.string()).safeParse(jsonOf(given));
  if (parsed.success) return parsed.data;
  context.addIssue({ code: 'custom', message: LIST });
  return z.NEVER;
});

/** No value, or one that says "none", is undefined. */
export const optional = <Kind extends z.ZodType>(kind: Kind) => kind.nullish().transform((value) => value ?? undefined);

const LEVELS: Readonly<Record<string, number>> = { notset: 0, debug: 10, info: 20, warning: 30, error: 40, critical: 50 };
const LEVEL = `takes a whole number from 0 to 50, or ${Object.keys(LEVELS).join(', ')}`;
/** A level of Python's logging, by number or by name. */
export const logLevel = z
  .union([z.number(), z.string()], { error: LEVEL })
  .transform((given) => LEVELS[String(given).toLowerCase().replace('eventloglevel.', '')] ?? Number(given === '' ? Number.NaN : given))
  .pipe(z.number({ error: LEVEL }).int(LEVEL).min(0, LEVEL).max(50, LEVEL));

function jsonOf(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return null;
  }
}
