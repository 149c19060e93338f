import { isUtf8 } from 'node:buffer';
import { EngineError } from '../../core/errors.ts';

/** The text of a JSON body: UTF-8, or UTF-16 as Python's json module tells it (M27). A byte order mark is left out. */
export function bodyText(body: Buffer): string {
  const encoding = encodingOf(body);
  if (encoding === 'utf-8') return isUtf8(body) ? body.toString('utf8', hasMark(body) ? 3 : 0) : notText();
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch {
    return notText();
  }
}

function notText(): never {
  throw new EngineError('invalid_json', 'There was an error parsing the body');
}

function hasMark(body: Buffer): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

/** JSON begins with ASCII characters, so a zero byte among the first two tells UTF-16 and its order, as does a byte order mark. */
function encodingOf(body: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = body;
  if (second === undefined || first === undefined) return 'utf-8';
  if (second === 0 || (first === 0xff && second === 0xfe)) return 'utf-16le';
  if (first === 0 || (first === 0xfe && second === 0xff)) return 'utf-16be';
  return 'utf-8';
}
