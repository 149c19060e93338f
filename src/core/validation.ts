import type { ExactValue } from './json.ts';

/** One fault of a request, in the shape FastAPI answers (M27) without the leading "body", which the HTTP layer adds. */
export interface ValidationIssue {
  type: string;
  loc: (string | number)[];
  msg: string;
  /** What was given; undefined when there was nothing. */
  input: ExactValue | undefined;
  ctx?: Record<string, ExactValue>;
}

type Loc = ValidationIssue['loc'];

/** A value outside a closed set; `expected` lists the set as pydantic words it. */
export function enumIssue(loc: Loc, expected: string, input: ExactValue): ValidationIssue {
  return { type: 'enum', loc, msg: `Input should be ${expected}`, input, ctx: { expected } };
}

export function notText(loc: Loc, input: ExactValue): ValidationIssue {
  return { type: 'string_type', loc, msg: 'Input should be a valid string', input };
}

/** Text with half of a surrogate pair, which UTF-8 cannot carry. */
export function notUnicode(loc: Loc, input: ExactValue): ValidationIssue {
  return { type: 'string_unicode', loc, msg: 'Input should be a valid string, unable to parse raw data as a unicode string', input };
}

export function textTooLong(loc: Loc, maxLength: number, input: ExactValue): ValidationIssue {
  const msg = `String should have at most ${maxLength} characters`;
  return { type: 'string_too_long', loc, msg, input, ctx: { max_length: maxLength } };
}

/** Something else where an object belongs. */
export function notObject(loc: Loc, input: ExactValue): ValidationIssue {
  return { type: 'model_attributes_type', loc, msg: 'Input should be a valid dictionary or object to extract fields from', input };
}

export function missing(loc: Loc): ValidationIssue {
  return { type: 'missing', loc, msg: 'Field required', input: null };
}

/** A rule of ours or of MADSci's that pydantic has no name for; MADSci's encoder shows the exception as an empty object. */
export function valueIssue(loc: Loc, reason: string, input: ExactValue): ValidationIssue {
  return { type: 'value_error', loc, msg: `Value error, ${reason}`, input, ctx: { error: {} } };
}
