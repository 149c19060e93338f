import type { Schedule } from './schedule.ts';

/** The longest a handler may be allowed to run, and the other bounds of what a registrant may ask for. */
export const HANDLER_BOUNDS = {
  sourceCharacters: 262_144,
  configCharacters: 65_536,
  tags: 64,
  tagLength: 200,
  nameLength: 200,
  timeoutMs: { min: 10, max: 300_000, default: 10_000 },
  memoryMb: { min: 8, max: 512, default: 64 },
  maxAttempts: { min: 1, max: 100, default: 3 },
  concurrency: { min: 1, max: 100, default: 1 },
} as const;

/** Delay before the retry after failure n (1-based): random between 0 and min(maxMs, firstMs * factor^(n-1)), but at least a tenth of it. */
export interface Backoff {
  firstMs: number;
  factor: number;
  maxMs: number;
}
export interface RetryPolicy {
  maxAttempts: number;
  backoff: Backoff;
  /** An execution older than this is not retried (null: no bound), in milliseconds since it was made. */
  maxAgeMs: number | null;
}
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, backoff: { firstMs: 1_000, factor: 4, maxMs: 3_600_000 }, maxAgeMs: null };

/** Enabled runs; disabled was switched off by hand; suspended lost its key (revoked or expired). */
export type HandlerState = 'enabled' | 'disabled' | 'suspended';

/** What a registrant gives: everything of a handler that a new version may change. */
export interface HandlerVersion {
  version: number;
  code: string;
  language: 'typescript' | 'javascript';
  /** The code with its types stripped, as the sandbox compiled it. */
  javascript: string;
  tags: readonly string[];
  /** JSON text of a selector on the payload; "{}" matches all. */
  filter: string;
  notifyOnSuccess: string | null;
  notifyOnFailure: string | null;
  /** JSON text of an object. */
  config: string;
  timeoutMs: number;
  memoryMb: number;
  retry: RetryPolicy;
  concurrency: number;
  /** Dotted path in the payload; executions with the same value there run one after the other, in arrival order. */
  orderingKey: string | null;
  /** When it runs: of handlers on schedule.cron, and of no others. */
  schedule?: Schedule;
  /** Milliseconds since the epoch, and the name of the key that registered this version. */
  createdAt: number;
  createdBy: string;
  /** Id of the key whose rights the code has when it runs (B10). */
  keyId: string;
}

/** A handler with its current version. Ids are int32 and never used again; versions count from 0 (B5). */
export interface Handler {
  id: number;
  hook: string;
  name: string;
  enabled: boolean;
  createdAt: number;
  createdBy: string;
  updatedAt: number;
  updatedBy: string;
  current: HandlerVersion;
}
