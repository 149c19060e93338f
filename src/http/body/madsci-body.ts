/** Bodies of MADSci's own routes, with FastAPI's answers to what is no JSON (M27). */
import type { IncomingMessage } from 'node:http';
import { type ExactValue, JsonNumberError, JsonSyntaxError, parseExact } from '../../core/json.ts';
import { missing, notObject, valueIssue } from '../../core/validation.ts';
import { inBody } from '../problem.ts';
import { bodyText } from './body-text.ts';
import { isJsonType } from './media-type.ts';
import { readBody } from './read-body.ts';

/** The JSON text of a body, '' when there is none. A text of another type is no object, so FastAPI says just that. */
export async function madsciText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const text = bodyText(await readBody(request, maxBytes));
  if (text !== '' && !isJsonType(request.headers['content-type'])) throw inBody([notObject([], text)]);
  return text;
}

/** The value of a JSON text, as `parse` reads it; null and an empty text are missing bodies. */
export function madsciValue(text: string, parse: (text: string) => ExactValue = parseExact): ExactValue {
  if (text === '') throw inBody([missing([])]);
  const value = parsed(text, parse);
  if (value === null) throw inBody([missing([])]);
  return value;
}

function parsed(text: string, parse: (text: string) => ExactValue): ExactValue {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof JsonNumberError) throw inBody([valueIssue(error.loc, 'numbers must be finite', null)]);
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { reason, position } = error;
    throw inBody([{ type: 'json_invalid', loc: [position], msg: 'JSON decode error', input: {}, ctx: { error: reason } }]);
  }
}
