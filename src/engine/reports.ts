import { EngineError } from '../core/errors.ts';
import { exportPlace } from '../core/export-place.ts';
import { failure } from '../core/utilization/report.ts';
import type { ReportFormat, ReportOutcome, UtilizationKind, UtilizationRequest } from '../core/utilization/request.ts';
import type { Clock } from '../ports/clock.ts';
import type { ExportFolder } from '../ports/export-folder.ts';
import type { ReportStore } from '../ports/report-store.ts';

/** Reports over stored events, for whoever asks: routes, handlers, mails. */
export interface Reports {
  /**
   * A report as JSON or CSV text, with numbers spelled as in Python. A request that cannot be answered, or that takes too long, is no
   * exception but an outcome (M19); the store throws store_unavailable and overloaded, after which the same request may succeed.
   */
  utilization(request: UtilizationRequest, format: ReportFormat): Promise<ReportOutcome>;
  /** Writes the CSV to a file below the export folder (M21). The outcome is what MADSci answers. */
  save(request: UtilizationRequest, outputPath: string | null): Promise<SaveOutcome>;
}
/** JSON text either way; of what went wrong it has a member `error`. */
export interface SaveOutcome {
  ok: boolean;
  json: string;
}

export interface ReportParts {
  store: ReportStore;
  exports: ExportFolder;
  clock: Clock;
  /** The server's day as YYYYMMDD. */
  localDay(ms: number): string;
}

export function createReports({ store, exports, clock, localDay }: ReportParts): Reports {
  const utilization: Reports['utilization'] = async (request, format) => {
    try {
      return await store.utilization(request, format, clock.now());
    } catch (error) {
      if (error instanceof EngineError && (error.code === 'query_deadline' || error.code === 'result_too_large'))
        return { ok: false, json: failure(request.kind, error.message) };
      throw error;
    }
  };
  return {
    utilization,
    async save(request, outputPath) {
      const report = await utilization(request, 'csv');
      if (!report.ok) return report;
      if (outputPath === null || outputPath === '') return notSaved('output_path is required when save_to_file=True');
      const where = exportPlace(outputPath, exports.path);
      if (!where.ok) return notSaved(`CSV generation failed: ${where.reason}`);
      const name = `madsci_${fileKind(request)}_${localDay(clock.now())}.csv`;
      const written = await exports.save(where.place, name, report.text);
      if (!written.ok) return notSaved(`CSV generation failed: the file could not be written (${written.reason})`);
      return { ok: true, json: saved(request.kind, [...where.place, name].join('/')) };
    },
  };
}

const notSaved = (error: string): SaveOutcome => ({ ok: false, json: JSON.stringify({ error }) });

const REPORT_TYPES: Readonly<Record<UtilizationKind, string>> = {
  sessions: 'session_utilization',
  users: 'user_utilization',
  periods: 'utilization_periods',
};

function saved(kind: UtilizationKind, path: string): string {
  return JSON.stringify({
    success: true,
    message: 'CSV file saved successfully',
    file_path: path,
    csv_format: true,
    saved_to_server: true,
    report_type: REPORT_TYPES[kind],
  });
}

/** What MADSci calls the file. The client chooses the analysis type, so only plain letters of it get into a name. */
function fileKind({ kind, analysisType }: UtilizationRequest): string {
  if (kind === 'sessions') return 'utilization_report_basic';
  if (kind === 'users') return 'user_utilization_detailed';
  return `utilization_periods_${analysisType.replaceAll(/[^A-Za-z0-9-]/g, '').slice(0, 40) || 'other'}`;
}
