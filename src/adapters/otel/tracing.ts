import { type Link, ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { readTraceparent, type TraceContext, traceContext } from '../../core/trace-context.ts';
import type { Tracing } from '../../ports/tracing.ts';
import { RecentEvents } from './recent-events.ts';

export interface OtelOptions {
  serviceName: string;
  version: string;
  processors: SpanProcessor[];
}

const SERVER_ERROR = 500;
/** A stop does not wait longer for a collector that is silent. */
const FLUSH_MS = 2_000;

/** Spans by OpenTelemetry's SDK. This file is loaded only where tracing is switched on. */
export function otelTracing({ serviceName, version, processors }: OtelOptions): Tracing {
  const resource = resourceFromAttributes({ 'service.name': serviceName, 'service.version': version });
  const provider = new TracerProvider({ resource, spanProcessors: processors });
  const tracer = provider.getTracer('hookwright', version);
  const recent = new RecentEvents();

  return {
    request(name, traceparent) {
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, below(readTraceparent(traceparent)));
      return {
        end(status, attributes) {
          span.setAttributes({ ...attributes, 'http.response.status_code': status });
          if (status >= SERVER_ERROR) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
          const eventId = attributes['event.id'];
          if (typeof eventId === 'string') recent.keep(eventId, contextOf(span.spanContext()));
        },
      };
    },

    attempt({ item, handlerName, startedAt }) {
      const own = tracesOf(item.input);
      const request = recent.find(item.subjectId);
      // The ids that a client gave say where the event belongs; the request that brought it is linked when it belongs elsewhere.
      const parent = own ?? request;
      const links: Link[] = request !== null && parent?.traceId !== request.traceId ? [{ context: spanContext(request) }] : [];
      const attributes = {
        'hookwright.execution.id': item.lease.executionId,
        'hookwright.execution.attempt': item.lease.attempt,
        'hookwright.event.id': item.subjectId,
        'hookwright.hook': item.hook,
        'hookwright.handler.id': item.handlerId,
        'hookwright.handler.name': handlerName,
        'hookwright.handler.version': item.handlerVersion,
      };
      const span = tracer.startSpan('handler.run', { kind: SpanKind.CONSUMER, startTime: startedAt, links, attributes }, below(parent));
      const { traceId, spanId } = span.spanContext();
      return {
        traceId,
        spanId,
        end({ result, emitted, finishedAt }, error) {
          if (error !== null) {
            span.setAttribute('error.type', error.reason);
            span.setStatus({ code: SpanStatusCode.ERROR, message: error.message.slice(0, MAX_MESSAGE) });
          }
          span.setAttributes({ 'hookwright.execution.result': result, 'hookwright.execution.emitted': emitted });
          span.end(Math.max(startedAt, finishedAt));
        },
      };
    },

    async [Symbol.asyncDispose]() {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, FLUSH_MS);
      await Promise.race([provider.shutdown().catch(() => {}), late.promise]);
      clearTimeout(timer);
    },
  };
}

const MAX_MESSAGE = 500;

const below = (parent: TraceContext | null) => (parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext(parent)));

function spanContext({ traceId, spanId, isSampled }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

function contextOf({ traceId, spanId, traceFlags }: SpanContext): TraceContext {
  return { traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
}

/** What an event says it belongs to; a payload of another hook has no such members, or its own. */
function tracesOf(input: string): TraceContext | null {
  try {
    const { trace_id, span_id } = JSON.parse(input) as { trace_id?: unknown; span_id?: unknown };
    return traceContext(trace_id, span_id);
  } catch {
    return null; // null is JSON too, and has no members
  }
}
