import type { Config } from '../config.ts';
import { REPORT_PATIENCE } from '../core/utilization/request.ts';
import type { ReportStore } from '../ports/report-store.ts';

/** Reports on the store that the settings name, beside a server that may be at work on it. Throws a text for people when there is no store. */
export async function openReports(config: Config): Promise<ReportStore & AsyncDisposable> {
  const { DATA_DIR: folder, QUERY_DEADLINE_MS: deadlineMs, EVENT_DB_URL: url } = config;
  if (url === undefined) {
    const { openReports: open } = await import('../adapters/sqlite/reports.ts');
    return open(folder, deadlineMs);
  }
  const { ReportPool } = await import('../adapters/mongo/reports.ts');
  return new ReportPool({
    url,
    database: config.EVENT_DATABASE_NAME,
    collection: config.EVENT_COLLECTION_NAME,
    deadlineMs: REPORT_PATIENCE * deadlineMs,
  });
}
