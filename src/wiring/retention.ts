import type { Config } from '../config.ts';
import { type Retention, retention } from '../engine/retain.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from './stores.ts';

/** Retention as the settings want it. */
export function retentionOf(config: Config, { store, clock, log }: { store: Store; clock: Clock; log: Log }): Retention {
  return retention({
    store: store.retention,
    settings: store.keys,
    leadership: store.leadership,
    rules: {
      isEnabled: config.RETENTION_ENABLED,
      archiveAfterDays: config.SOFT_DELETE_AFTER_DAYS,
      deleteAfterDays: config.HARD_DELETE_AFTER_DAYS,
      executionDays: config.KEEP_EXECUTIONS_DAYS,
      mailDays: config.KEEP_MAILS_DAYS,
    },
    intervalHours: config.RETENTION_CHECK_INTERVAL_HOURS,
    batchSize: config.ARCHIVE_BATCH_SIZE,
    maxBatches: config.MAX_BATCHES_PER_RUN,
    stopsOnError: config.FAIL_ON_RETENTION_ERROR,
    clock,
    log,
  });
}
