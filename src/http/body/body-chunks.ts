import type { IncomingMessage } from 'node:http';
import { EngineError } from '../../core/errors.ts';
import { LIMITS } from '../limits.ts';
import { ClientGone } from '../problem.ts';
import { decoderFor, notDecodable } from './content-encoding.ts';
import { requestTimeout } from './read-body.ts';

/**
 * A body of any length, decoded, as it arrives: the next chunk is read when it is asked for, and only a pause in the flow is
 * bounded. The request survives an early return, so that it can still be answered.
 */
export async function* bodyChunks(request: IncomingMessage, stallMs: number = LIMITS.stallMs): AsyncGenerator<Buffer, void, void> {
  const decoder = decoderFor(request);
  const source = decoder === null ? request : request.pipe(decoder);
  if (decoder !== null)
    request.once('close', () => {
      if (!request.complete) decoder.destroy(new ClientGone());
    });
  const chunks: AsyncIterator<Buffer> = source.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const { done, value } = await inTime(chunks.next(), stallMs);
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw readError(error, request, decoder !== null);
  } finally {
    void chunks.return?.();
    if (decoder !== null) request.unpipe(decoder);
    decoder?.destroy();
  }
}

async function inTime<T>(next: Promise<T>, stallMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(requestTimeout()), stallMs);
  try {
    return await Promise.race([next, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function readError(error: unknown, request: IncomingMessage, isDecoded: boolean): unknown {
  if (error instanceof EngineError) return error;
  if (request.destroyed && !request.complete) return new ClientGone();
  return isDecoded ? notDecodable() : error;
}
