/** Where a span stands in its trace, by W3C Trace Context. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  isSampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const SAMPLED = 1;

/** What a `traceparent` header says; null where it is not one: then a trace begins here. */
export function readTraceparent(header: string | undefined): TraceContext | null {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(header ?? '') ?? [];
  // Version 00 has nothing behind the flags; later ones may, and ff is never used.
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  return traceContext(traceId, spanId, (Number.parseInt(flags ?? '', 16) & SAMPLED) !== 0);
}

/** The same of the ids that an event carries (M58), in either case of letters; null where they are none. */
export function traceContext(traceId: unknown, spanId: unknown, isSampled = true): TraceContext | null {
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return null;
  const [trace, span] = [traceId.toLowerCase(), spanId.toLowerCase()];
  if (!/^[0-9a-f]{32}$/.test(trace) || !/^[0-9a-f]{16}$/.test(span) || trace === NO_TRACE || span === NO_SPAN) return null;
  return { traceId: trace, spanId: span, isSampled };
}
