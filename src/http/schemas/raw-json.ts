/** JSON put together from values and from texts that are JSON already and must not change by a digit. */
import { EngineError } from '../../core/errors.ts';
import { type ExactValue, isObject, JsonNumberError, JsonSyntaxError, memberOf, parseExact, stringifyExact } from '../../core/json.ts';
import { pointerTo } from '../../core/selector/selector-error.ts';

/** A JSON text that stands for its value. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Like JSON.stringify, for plain values that may hold RawJson anywhere. */
export function jsonText(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`)
    .join(',')}}`;
}

/** Members of a body that passed its schema, as JSON texts with every number as it was written. */
export function exactMembers(bodyText: string): (name: string) => string | undefined {
  const body = parseBody(bodyText);
  return (name) => {
    const value = isObject(body) ? memberOf(body, name) : undefined;
    return value === undefined ? undefined : stringifyExact(value);
  };
}

/** JSON.parse took the text, but it takes more than can be stored: any depth, and numbers that become infinite. */
function parseBody(text: string): ExactValue {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof JsonNumberError) throw refused(error.loc.reduce<string>(pointerTo, ''), 'Not a finite number', error);
    if (error instanceof JsonSyntaxError) throw refused('', error.message, error);
    throw error;
  }
}

function refused(pointer: string, detail: string, cause: unknown): EngineError {
  return new EngineError('invalid_request', detail, { faults: [{ pointer, detail }], cause });
}
