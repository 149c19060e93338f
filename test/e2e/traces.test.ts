import { describe, expect, test } from '@jest/globals';
import { otlpGrpcReceiver, otlpHttpReceiver, type ReceivedSpan, type Receiver } from '../support/otlp-receiver.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { ended, register } from './steps.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const CODE = `export default async (event, ctx) => {
  if (event.event_data.part === 'bolt') ctx.events.emit({ event_type: 'test', event_data: { part: 'dust' } });
  if (event.event_data.part === 'gear') throw new Error('worn');
};`;

async function post(server: ServerProcess, event: object, traceparent?: string) {
  const headers = { 'Content-Type': 'application/json', ...(traceparent === undefined ? {} : { traceparent }) };
  const response = await fetch(`${server.url}/event`, { method: 'POST', headers, body: JSON.stringify(event) });
  return (await response.json()) as { _id: string; trace_id: string | null; span_id: string | null };
}

/** The span of that name that has these attributes, as soon as it has come. */
function spanOf({ spans }: Receiver, name: string, attributes: Record<string, unknown>): Promise<ReceivedSpan> {
  return eventually(
    async () =>
      spans.find((span) => span.name === name && Object.entries(attributes).every(([key, value]) => span.attributes[key] === value)) ??
      null,
  );
}

describe('M58 traces', () => {
  test('requests and runs are spans of the trace that the caller names, and what a run emits goes on with it', async () => {
    await using collector = await otlpHttpReceiver();
    await using server = await startServer({
      env: {
        EVENT_OTEL_ENABLED: 'true',
        EVENT_OTEL_EXPORTER: 'otlp',
        EVENT_OTEL_ENDPOINT: collector.url,
        EVENT_OTEL_PROTOCOL: 'http',
        EVENT_OTEL_SERVICE_NAME: 'lab events',
      },
    });
    const handler = await register(server, { name: 'parts', code: CODE, retry: { max_attempts: 1 } });
    const event = await post(server, { event_type: 'test', event_data: { part: 'bolt' } }, `00-${TRACE}-${SPAN}-01`);
    expect(event).toMatchObject({ trace_id: null, span_id: null });
    const execution = await ended(server, handler, event._id);

    const received = await spanOf(collector, 'event.receive', { 'event.id': event._id });
    expect(received).toMatchObject({
      traceId: TRACE,
      parentSpanId: SPAN,
      kind: 2,
      resource: { 'service.name': 'lab events' },
      attributes: { 'event.type': 'test', 'event.level': 'INFO', 'http.route': '/event', 'http.response.status_code': 200 },
    });
    const run = await spanOf(collector, 'handler.run', { 'hookwright.event.id': event._id });
    expect(run).toMatchObject({
      traceId: TRACE,
      parentSpanId: received.spanId,
      kind: 5,
      statusCode: 0,
      attributes: {
        'hookwright.handler.name': 'parts',
        'hookwright.execution.id': execution.id,
        'hookwright.execution.result': 'succeeded',
        'hookwright.execution.emitted': 1,
      },
    });
    expect(run.startMs).toBeCloseTo(Date.parse(execution.started_at as string), -1);

    const dust = await eventually(async () => {
      const { body } = await api(server, 'POST', '/events/query?limit=1', { 'event_data.part': 'dust' });
      return body.items[0] ?? null;
    });
    expect(dust).toMatchObject({ trace_id: TRACE, span_id: run.spanId });
    expect(await spanOf(collector, 'handler.run', { 'hookwright.event.id': dust._id })).toMatchObject({
      traceId: TRACE,
      parentSpanId: run.spanId,
    });
    expect(await spanOf(collector, 'event.query', { 'http.route': '/events/query' })).toMatchObject({ parentSpanId: '' });
  });

  test('an event that names its trace keeps it, and its runs belong there, with a link to the request', async () => {
    await using collector = await otlpHttpReceiver();
    await using server = await startServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    await register(server, { name: 'parts', code: CODE, retry: { max_attempts: 1 } });
    const event = await post(server, { trace_id: TRACE, span_id: SPAN, event_type: 'test', event_data: { part: 'gear' } });
    expect(event).toMatchObject({ trace_id: TRACE, span_id: SPAN });
    const received = await spanOf(collector, 'event.receive', { 'event.id': event._id });
    expect(received.traceId).not.toBe(TRACE);
    const run = await spanOf(collector, 'handler.run', { 'hookwright.event.id': event._id });
    expect(run).toMatchObject({
      traceId: TRACE,
      parentSpanId: SPAN,
      statusCode: 2,
      attributes: { 'error.type': 'thrown', 'hookwright.execution.result': 'dead' },
    });
    expect(run.links).toEqual([{ traceId: received.traceId, spanId: received.spanId }]);

    await api(server, 'POST', '/events/archive', { event_ids: [event._id] });
    await api(server, 'GET', '/events/archived?number=3&offset=1');
    expect(await spanOf(collector, 'event.archive', { 'archive.by_ids': true })).toMatchObject({ statusCode: 0 });
    await spanOf(collector, 'event.archived.list', { 'events.limit': 3, 'events.offset': 1 });
    expect((await post(server, { log_level: 'no' }))._id).toBeUndefined();
    expect(await spanOf(collector, 'event.receive', { 'http.response.status_code': 422 })).toMatchObject({
      attributes: { 'error.type': 'invalid_request' },
    });
    expect((await api(server, 'GET', '/health')).body).toMatchObject({
      otel_enabled: true,
      otel_exporter_type: 'otlp',
      otel_endpoint: collector.url,
    });
  });

  test('reach a collector that speaks gRPC, which is what MADSci does unless told otherwise', async () => {
    await using collector = await otlpGrpcReceiver();
    await using server = await startServer({
      env: { EVENT_OTEL_ENABLED: 'true', EVENT_OTEL_EXPORTER: 'otlp', EVENT_OTEL_ENDPOINT: collector.url },
    });
    const { _id } = await post(server, { event_type: 'test' });
    expect(await spanOf(collector, 'event.receive', { 'event.id': _id })).toMatchObject({ resource: { 'service.name': 'hookwright' } });
  });

  test('that are still held leave when the server stops', async () => {
    await using collector = await otlpHttpReceiver();
    const server = await startServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    const { _id } = await post(server, { event_type: 'test' });
    await server[Symbol.asyncDispose]();
    expect(collector.spans.map(({ attributes }) => attributes['event.id'])).toContain(_id);
  });

  test('a collector that refuses, or is not there, holds nothing up and is named in the log once', async () => {
    await using collector = await otlpGrpcReceiver('14');
    for (const url of [collector.url, 'http://127.0.0.1:9']) {
      await using server = await startServer({
        env: { EVENT_OTEL_ENABLED: 'true', EVENT_OTEL_EXPORTER: 'otlp', EVENT_OTEL_ENDPOINT: url },
      });
      await post(server, { event_type: 'test' });
      await eventually(async () => (server.output().includes('spans do not reach the collector') ? true : null));
      for (let n = 0; n < 50; n++) await post(server, { event_type: 'test' });
      expect((await api(server, 'GET', '/health')).body).toMatchObject({ healthy: true, total_events: 51, otel_enabled: true });
      expect(server.output().split('spans do not reach the collector')).toHaveLength(2);
    }
  });

  test('go into the log by default, as JSON lines', async () => {
    await using server = await startServer({ env: { EVENT_OTEL_ENABLED: 'true', LOG_LEVEL: 'info' } });
    const { _id } = await post(server, { event_type: 'test' }, `00-${TRACE}-${SPAN}-01`);
    const line = await eventually(
      async () =>
        server
          .output()
          .split('\n')
          .find((text) => text.includes('"event.receive"')) ?? null,
    );
    expect(JSON.parse(line)).toMatchObject({
      msg: 'span',
      span: { name: 'event.receive', trace_id: TRACE, parent_id: SPAN, attributes: { 'event.id': _id } },
    });
  });

  test('an exporter without its collector stops the start with what to do', async () => {
    await expect(startServer({ env: { EVENT_OTEL_ENABLED: 'true', EVENT_OTEL_EXPORTER: 'otlp' } })).rejects.toThrow(
      'EVENT_OTEL_EXPORTER: otlp needs EVENT_OTEL_ENDPOINT, a URL such as http://127.0.0.1:4318',
    );
  });
});
