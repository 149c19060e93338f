import type { BackupService } from '../engine/backup-service.ts';
import type { Executions } from '../engine/executions.ts';
import type { HandlerRegistry } from '../engine/handlers.ts';
import type { Ingest } from '../engine/ingest.ts';
import type { KeyRing } from '../engine/keys.ts';
import type { Reports } from '../engine/reports.ts';
import type { Retention } from '../engine/retain.ts';
import type { Schedules } from '../engine/schedules.ts';
import type { Triggers } from '../engine/triggers.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { RequestTracing } from '../ports/tracing.ts';
import type { RateLimits } from './rate-limit.ts';

export interface HealthReport {
  ready: boolean;
  /** Name of each check and whether it passed, with a reason when not. */
  checks: Record<string, { ok: boolean; detail?: string }>;
}

/** One answered request, for figures: its route as the table has it, `none` where there was none. */
export interface AnsweredRequest {
  method: string;
  route: string;
  status: number;
  ms: number;
}

/** For GET /settings, secrets already blanked. */
export interface PublicSettings {
  all(): Readonly<Record<string, unknown>>;
  /** What is left with include_defaults=false (M23). */
  changed(): Readonly<Record<string, unknown>>;
  /** The members of an answer that describe the settings. */
  schema(): { schema: unknown; schema_title: string };
}

/** Everything the HTTP layer may use. */
export interface HttpDeps {
  ingest: Ingest;
  events: EventStore;
  handlers: HandlerRegistry;
  keys: KeyRing;
  triggers: Triggers;
  executions: Executions;
  schedules: Pick<Schedules, 'nextRuns' | 'runNow'>;
  deliveries: DeliveryStore;
  /** `isEnabled`: whether they are made by a schedule; both as the settings say it. */
  backups: Pick<BackupService, 'create' | 'list'> & { isEnabled: boolean; folder: string };
  reports: Reports;
  /** Sets a delivery back to pending and wakes the outbox. */
  resend(deliveryId: string): Promise<'requeued' | 'pending' | 'absent'>;
  health(): Promise<HealthReport>;
  retention: Pick<Retention, 'status' | 'preview' | 'begin'>;
  /** The figures as Prometheus reads them. */
  metrics(): Promise<string>;
  /** Null where traces are off. */
  tracing: RequestTracing | null;
  /** What /health tells of traces; null where they are off (M22). */
  otel: { exporter: string; endpoint: string | null } | null;
  /** Told of each answer; never throws. */
  answered(request: AnsweredRequest): void;
  settings: PublicSettings;
  managerId: string;
  version: string;
  now(): number;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
  limits: { bodyBytes: number; eventBytes: number; resultBytes: number };
  /** Null: any number of requests is answered. */
  rateLimits: RateLimits | null;
  /** Scopes of callers without a key: what loopback offers, or what ALLOW_ANONYMOUS names. */
  anonymousScopes: readonly import('../core/key.ts').Scope[];
  /** Host names (and host:port) by which the server may be addressed; null when any may (a key is then always needed). */
  allowedHosts: readonly string[] | null;
  /** True once a stop has begun: new requests are answered 503. */
  stopping(): boolean;
}
