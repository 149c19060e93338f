/** Bounds of the HTTP layer that are no settings. */
export const LIMITS = {
  /** From a connection's or request's first byte to the end of its headers. */
  headersMs: 10_000,
  /** For an ordinary request to arrive whole. */
  requestMs: 30_000,
  /** For the next bytes of a stream that may take any time as a whole. */
  stallMs: 30_000,
  /** For a client to take the next bytes of an answer; Node may wait twice as long. */
  takeMs: 20_000,
  /** For reading on after a refusal, so that a client that is still sending gets to see the answer. */
  lingerMs: 2_000,
  keepAliveMs: 30_000,
  headerBytes: 16_384,
  headers: 100,
  /** For requests under way when the server stops. */
  closeMs: 5_000,
  /** Answers that take longer are logged. */
  slowMs: 1_000,
} as const;
