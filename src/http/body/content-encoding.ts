import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createUnzip, createZstdDecompress } from 'node:zlib';
import { EngineError } from '../../core/errors.ts';

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createUnzip],
  ['x-gzip', createUnzip],
  ['deflate', createUnzip],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
]);

/** What undoes the Content-Encoding of a request; null when there is nothing to undo. */
export function decoderFor({ headers }: IncomingMessage): Transform | null {
  const encoding = headers['content-encoding'];
  if (encoding === undefined) return null;
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return null;
  const create = DECODERS.get(name);
  if (create !== undefined) return create();
  throw new EngineError('unsupported_media_type', 'This Content-Encoding is not read: send gzip, deflate, br, zstd or none');
}

export function notDecodable(): EngineError {
  return new EngineError('invalid_json', 'The body does not fit its Content-Encoding');
}
