import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Log } from '../../ports/log.ts';
import { grpcExporter } from './grpc.ts';

/** Where spans go. */
export type Destination = { kind: 'none' } | { kind: 'log' } | { kind: 'otlp'; protocol: 'grpc' | 'http'; url: string };

const SUCCESS = 0;
const EXPORT_MS = 10_000;
/** What waits for a collector that is slow or down; beyond it spans are dropped. */
const QUEUED = 8_192;
const BATCH = 512;
const EVERY_MS = 1_000;

export function processorsTo(destination: Destination, log: Log): SpanProcessor[] {
  if (destination.kind === 'none') return [];
  const exporter = destination.kind === 'log' ? logExporter(log) : otlpExporter(destination);
  const pace = { maxQueueSize: QUEUED, maxExportBatchSize: BATCH, scheduledDelayMillis: EVERY_MS, exportTimeoutMillis: EXPORT_MS };
  return [new BatchSpanProcessor({ exporter: reported(exporter, log), ...pace })];
}

function otlpExporter({ protocol, url }: Extract<Destination, { kind: 'otlp' }>): SpanExporter {
  return protocol === 'grpc' ? grpcExporter({ url, timeoutMs: EXPORT_MS }) : new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS });
}

/** One line for each span among the other lines of the log. */
function logExporter(log: Log): SpanExporter {
  return {
    export(spans, done) {
      for (const span of spans) log('info', 'span', { span: shown(span) });
      done({ code: SUCCESS });
    },
    async shutdown() {},
  };
}

function shown(span: ReadableSpan): object {
  const { name, kind, startTime, endTime, attributes, status, parentSpanContext } = span;
  const { traceId, spanId } = span.spanContext();
  const ms = (time: [number, number]): number => time[0] * 1_000 + time[1] / 1e6;
  const times = { start: ms(startTime), ms: ms(endTime) - ms(startTime) };
  return { name, kind, trace_id: traceId, span_id: spanId, parent_id: parentSpanContext?.spanId ?? null, ...times, status, attributes };
}

/** Says once that spans do not arrive, and once that they do again. */
function reported(exporter: SpanExporter, log: Log): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const fails = result.code !== SUCCESS;
        if (fails && !isFailing) log('warn', 'spans do not reach the collector', { error: result.error });
        if (!fails && isFailing) log('info', 'spans reach the collector again');
        isFailing = fails;
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
