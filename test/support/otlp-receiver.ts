import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** A collector that keeps what it is sent, read from the bytes by the field numbers of opentelemetry/proto/trace/v1/trace.proto. */
export interface Receiver extends AsyncDisposable {
  url: string;
  spans: ReceivedSpan[];
}
export interface ReceivedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startMs: number;
  endMs: number;
  statusCode: number;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
}

/** OTLP over HTTP, as POST /v1/traces. */
export async function otlpHttpReceiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = [];
  const server = createHttpServer(async (request, response) => {
    const body = await buffer(request);
    const isOurs = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
    if (isOurs) spans.push(...readRequest(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
    response.writeHead(isOurs ? 200 : 404, { 'Content-Type': 'application/x-protobuf' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** OTLP over gRPC: unary calls over HTTP/2 without TLS. `status` is what it answers. */
export async function otlpGrpcReceiver(status = '0'): Promise<Receiver> {
  const spans: ReceivedSpan[] = [];
  const sessions = new Set<{ destroy(): void }>();
  const server = createHttp2Server();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    void buffer(stream).then((frame) => {
      const isOurs = headers[':path'] === '/opentelemetry.proto.collector.trace.v1.TraceService/Export' && frame[0] === 0;
      if (isOurs && frame.readUInt32BE(1) === frame.length - 5) spans.push(...readRequest(frame.subarray(5)));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isOurs ? status : '12', 'grpc-message': 'not%20now' }));
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

// --- ExportTraceServiceRequest ---

function readRequest(bytes: Buffer): ReceivedSpan[] {
  return submessages(bytes, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(submessages(resourceSpans, 1)[0] ?? Buffer.alloc(0), 1);
    return submessages(resourceSpans, 2).flatMap((scope) => submessages(scope, 2).map((span) => readSpan(span, resource)));
  });
}

function readSpan(span: Buffer, resource: Record<string, unknown>): ReceivedSpan {
  const fields = fieldsOf(span);
  const [status] = submessages(span, 15);
  const hex = (number: number): string => (bytesAt(fields, number) ?? Buffer.alloc(0)).toString('hex');
  const ms = (number: number): number => Number((fields.find((field) => field.number === number)?.value as bigint) / 1_000n) / 1_000;
  return {
    name: bytesAt(fields, 5)?.toString() ?? '',
    kind: Number(fields.find((field) => field.number === 6)?.value ?? 0),
    traceId: hex(1),
    spanId: hex(2),
    parentSpanId: hex(4),
    startMs: ms(7),
    endMs: ms(8),
    statusCode: status === undefined ? 0 : Number(fieldsOf(status).find((field) => field.number === 3)?.value ?? 0),
    attributes: attributesOf(span, 9),
    resource,
    links: submessages(span, 13).map((link) => {
      const own = fieldsOf(link);
      return { traceId: bytesAt(own, 1)?.toString('hex') ?? '', spanId: bytesAt(own, 2)?.toString('hex') ?? '' };
    }),
  };
}

function attributesOf(message: Buffer, number: number): Record<string, unknown> {
  return Object.fromEntries(
    submessages(message, number).map((pair) => [
      bytesAt(fieldsOf(pair), 1)?.toString() ?? '',
      anyValue(submessages(pair, 2)[0] ?? Buffer.alloc(0)),
    ]),
  );
}

function anyValue(value: Buffer): unknown {
  const [field] = fieldsOf(value);
  if (field === undefined) return null;
  if (field.number === 1) return (field.value as Buffer).toString();
  if (field.number === 2) return field.value === 1n;
  return field.number === 3 ? Number(field.value) : field.value;
}

// --- protobuf's wire format ---

interface Field {
  number: number;
  value: bigint | Buffer;
}

function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    const wire = key & 7;
    if (wire === 0) fields.push({ number, value: varint() });
    else if (wire === 1) fields.push({ number, value: take(8).readBigUInt64LE() });
    else if (wire === 5) fields.push({ number, value: BigInt(take(4).readUInt32LE()) });
    else if (wire === 2) fields.push({ number, value: take(Number(varint())) });
    else throw new Error(`there is no wire type ${wire}`);
  }
  return fields;
}

const bytesAt = (fields: Field[], number: number): Buffer | undefined =>
  fields.find((field) => field.number === number)?.value as Buffer | undefined;
const submessages = (bytes: Buffer, number: number): Buffer[] =>
  fieldsOf(bytes)
    .filter((field) => field.number === number)
    .map(({ value }) => value as Buffer);
