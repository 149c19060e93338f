import { isUtf8 } from 'node:buffer';
import { EngineError } from '../../core/errors.ts';

const LAST_CODE_POINT = 0x10ffff;
const BYTE_ORDER_MARK = 0xfeff;

/** The text of a JSON body: UTF-8, or UTF-16 or UTF-32 as Python's json module tells them apart (M27). A byte order mark is left out. */
export function bodyText(body: Buffer): string {
  const encoding = encodingOf(body);
  if (encoding === 'utf-8') return isUtf8(body) ? body.toString('utf8', hasMark(body) ? 3 : 0) : notText();
  if (encoding === 'utf-32le' || encoding === 'utf-32be') return utf32Text(body, encoding === 'utf-32le');
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

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

/** A byte order mark tells. Without one: JSON begins with ASCII characters, so the zeros among the first four bytes tell, or among the only two. */
function encodingOf(body: Buffer): Encoding {
  const [first, second, third, fourth] = body;
  const isWide = third === 0 && fourth === 0;
  if (first === 0xff && second === 0xfe) return isWide ? 'utf-32le' : 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (body.length !== 2 && body.length < 4) return 'utf-8';
  if (first === 0) return second === 0 && body.length > 2 ? 'utf-32be' : 'utf-16be';
  if (second === 0) return isWide ? 'utf-32le' : 'utf-16le';
  return 'utf-8';
}

function utf32Text(body: Buffer, isLittleEndian: boolean): string {
  if (body.length % 4 !== 0) return notText();
  let text = '';
  for (let at = 0; at < body.length; at += 4) {
    const code = isLittleEndian ? body.readUInt32LE(at) : body.readUInt32BE(at);
    if (code > LAST_CODE_POINT || (code >= 0xd800 && code < 0xe000)) return notText();
    if (at > 0 || code !== BYTE_ORDER_MARK) text += String.fromCodePoint(code);
  }
  return text;
}
