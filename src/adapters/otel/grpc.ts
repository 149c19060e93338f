import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace';

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const PREFIX_BYTES = 5;
const OK = '0';
const SUCCESS = 0;
const FAILED = 1;

/**
 * OTLP over gRPC, which MADSci uses unless told otherwise: one unary call over HTTP/2, for which a gRPC library of several megabytes would be
 * a great deal.
 */
export function grpcExporter({ url, timeoutMs }: { url: string; timeoutMs: number }): SpanExporter {
  let session: ClientHttp2Session | null = null;

  function open(): ClientHttp2Session {
    if (session !== null && !session.closed && !session.destroyed) return session;
    const own = connect(url);
    own.on('error', () => {}); // the call hears of it
    own.once('close', () => {
      if (session === own) session = null;
    });
    own.unref();
    session = own;
    return own;
  }

  return {
    export(spans, done) {
      const message = ProtobufTraceSerializer.serializeRequest(spans);
      if (message === undefined) return done({ code: FAILED, error: new Error('the spans could not be written') });
      call(open(), message, timeoutMs).then(
        () => done({ code: SUCCESS }),
        (error: Error) => done({ code: FAILED, error }),
      );
    },
    async shutdown() {
      session?.close();
    },
  };
}

function call(session: ClientHttp2Session, message: Uint8Array, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: PATH,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'grpc-timeout': `${timeoutMs}m`,
  });
  const judge = (headers: IncomingHttpHeaders): void => {
    const status = headers['grpc-status'];
    if (status === undefined) return;
    if (status === OK) resolve();
    else
      reject(
        new Error(`the collector answered grpc-status ${String(status)}: ${decodeURIComponent(String(headers['grpc-message'] ?? ''))}`),
      );
  };
  stream.on('response', judge); // an error may come without a body, and its status with the headers
  stream.on('trailers', judge);
  stream.on('error', reject);
  stream.on('close', () => reject(new Error('the collector closed the call without a status')));
  stream.setTimeout(timeoutMs, () => {
    reject(new Error(`the collector did not answer within ${timeoutMs} ms`));
    stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.resume();
  stream.end(framed(message));
  return promise;
}

/** gRPC's frame: not compressed, and the length. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}
