import type { Config } from '../config.ts';
import type { BackupService } from '../engine/backup-service.ts';
import type { Engine } from '../engine/engine.ts';
import type { LiveHandlers } from '../engine/handlers.ts';
import type { OwnedKeyRing } from '../engine/keys.ts';
import type { Reports } from '../engine/reports.ts';
import type { Retention } from '../engine/retain.ts';
import type { HttpDeps } from '../http/deps.ts';
import { allowedHosts, rateLimitsOf } from '../listening.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Sandbox } from '../ports/sandbox.ts';
import type { Tracing } from '../ports/tracing.ts';
import { RELEASE } from '../release.ts';
import { healthOf } from './health.ts';
import type { Metering } from './metering.ts';
import { publicSettings } from './public-settings.ts';
import type { Store } from './stores.ts';
import { tracingState } from './tracing.ts';

interface ServedParts {
  store: Store;
  engine: Engine;
  sandbox: Sandbox;
  handlers: LiveHandlers;
  keys: OwnedKeyRing;
  backups: BackupService;
  reports: Reports;
  retention: Retention;
  figures: Metering;
  tracing: Tracing | null;
  managerId: string;
  resultBytes: number;
  /** Where it listens, once it does. */
  url(): string;
  clock: Clock;
  log: Log;
}

/** What the routes work with. */
export function httpDeps(config: Config, parts: ServedParts): HttpDeps {
  const { store, engine, sandbox, figures, managerId, clock } = parts;
  const { guard } = store;
  const ingest = figures.ingest(engine.ingest);
  return {
    // While the store is silent, whoever asked is answered before what became of it is known; the engine waits for that.
    ingest: guard?.wrap(ingest) ?? ingest,
    triggers: guard?.wrap(engine.triggers, { always: ['hook', 'hooks'] }) ?? engine.triggers,
    executions: engine.executions,
    schedules: engine.schedules,
    events: store.events,
    handlers: parts.handlers,
    keys: parts.keys,
    deliveries: store.deliveries,
    backups: { ...parts.backups, isEnabled: config.BACKUP_ENABLED, folder: config.BACKUP_DIR },
    reports: parts.reports,
    async resend(id) {
      const result = await store.deliveries.resend(id, clock.now());
      engine.delivering.wake();
      return result;
    },
    retention: parts.retention,
    metrics: figures.text,
    answered: figures.answered,
    tracing: parts.tracing,
    otel: tracingState(config),
    health: () => healthOf({ store, sandbox, engine, managerId }),
    settings: publicSettings(config, { managerId, url: parts.url }),
    managerId,
    version: RELEASE,
    now: clock.now,
    log: parts.log,
    limits: { bodyBytes: config.MAX_BODY_BYTES, eventBytes: config.MAX_EVENT_BYTES, resultBytes: parts.resultBytes },
    rateLimits: rateLimitsOf(config),
    anonymousScopes: config.anonymousScopes,
    allowedHosts: allowedHosts(config),
    stopping: () => engine.stopping,
  };
}
