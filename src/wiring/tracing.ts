import type { Destination } from '../adapters/otel/exporters.ts';
import type { Config } from '../config.ts';
import type { Log } from '../ports/log.ts';
import type { Tracing } from '../ports/tracing.ts';
import { RELEASE } from '../release.ts';

/** What /health tells of it (M22). */
export interface TracingState {
  exporter: Config['OTEL_EXPORTER'];
  endpoint: string | null;
}

/** Null where traces are off. */
export function tracingState(config: Config): TracingState | null {
  if (config.OTEL_ENABLED) {
    const endpoint = config.OTEL_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT ?? null;
    return { exporter: config.OTEL_EXPORTER, endpoint };
  }
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
  return endpoint === undefined ? null : { exporter: 'otlp', endpoint };
}

/** What is wrong with where spans should go, or null. */
export function collectorFault(config: Config): string | null {
  const state = tracingState(config);
  if (state?.exporter !== 'otlp' || /^https?:\/\/./.test(state.endpoint ?? '')) return null;
  return 'otlp needs EVENT_OTEL_ENDPOINT, a URL such as http://127.0.0.1:4318';
}

/** Null where traces are off: then nothing of OpenTelemetry is loaded. Throws an Error whose text says what to change. */
export async function openTracing(config: Config, log: Log): Promise<Tracing | null> {
  const state = tracingState(config);
  if (state === null) return null;
  const fault = collectorFault(config);
  if (fault !== null) throw new Error(`EVENT_OTEL_EXPORTER: ${fault}`);
  const destination = destinationOf(state, config);
  const [{ otelTracing }, { processorsTo }] = await Promise.all([
    import('../adapters/otel/tracing.ts'),
    import('../adapters/otel/exporters.ts'),
  ]);
  return otelTracing({
    serviceName: config.OTEL_SERVICE_NAME ?? config.MANAGER_NAME ?? 'hookwright',
    version: RELEASE,
    processors: processorsTo(destination, log),
  });
}

const TRACES = '/v1/traces';

function destinationOf({ exporter, endpoint }: TracingState, config: Config): Destination {
  if (exporter === 'none') return { kind: 'none' };
  if (exporter === 'console') return { kind: 'log' };
  const url = new URL(endpoint as string); // see collectorFault
  // The standard variable means HTTP unless the settings say otherwise, as in OpenTelemetry's own libraries.
  const protocol = config.OTEL_ENABLED ? config.OTEL_PROTOCOL : 'http';
  if (protocol === 'grpc') return { kind: 'otlp', protocol, url: url.origin };
  if (!url.pathname.endsWith(TRACES)) url.pathname = `${url.pathname.replace(/\/$/, '')}${TRACES}`;
  return { kind: 'otlp', protocol, url: url.href };
}
