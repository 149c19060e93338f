import type { ExecutionError } from '../core/execution.ts';
import type { EndedAttempt } from './observer.ts';
import type { Leased } from './queue.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** One request, from its checks to its answer. */
export interface RequestSpan {
  /** `event.id` among the attributes names the event that came in: what runs for it belongs to this span. */
  end(status: number, attributes: SpanAttributes): void;
}
/** Spans of requests; `traceparent` is the header as it came. */
export interface RequestTracing {
  request(name: string, traceparent: string | undefined): RequestSpan;
}

/** One run of a handler. Its ids go into the events that it emits. */
export interface AttemptSpan {
  readonly traceId: string;
  readonly spanId: string;
  end(ended: EndedAttempt, error: ExecutionError | null): void;
}
export interface TracedAttempt {
  item: Leased;
  handlerName: string;
  startedAt: number;
}
/** Spans of executions, in the trace of the event they run for. */
export interface AttemptTracing {
  attempt(attempt: TracedAttempt): AttemptSpan;
}

/** Hands spans over to whoever collects them. What cannot be handed over in time is dropped: nothing waits for it. */
export interface Tracing extends RequestTracing, AttemptTracing, AsyncDisposable {}
