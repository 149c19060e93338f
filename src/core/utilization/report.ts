import { type ExactObject, memberOf, stringifyExact } from '../json.ts';
import { reportCsv } from './csv.ts';
import { TimeFault } from './iso-time.ts';
import { periodReport } from './period-report.ts';
import type { ReportFormat, ReportOutcome, UtilizationKind, UtilizationRequest } from './request.ts';
import { sessionReport } from './session-report.ts';
import type { ActivitySource } from './source.ts';
import { userReport } from './user-report.ts';

type Report = (request: UtilizationRequest, source: ActivitySource, nowUs: number) => Promise<ExactObject>;
const REPORTS: Readonly<Record<UtilizationKind, Report>> = { sessions: sessionReport, users: userReport, periods: periodReport };

/** A report of utilization as text (M18 to M20). `now` is milliseconds since the epoch. */
export async function utilizationReport(
  request: UtilizationRequest,
  format: ReportFormat,
  source: ActivitySource,
  now: number,
): Promise<ReportOutcome> {
  try {
    const report = await REPORTS[request.kind](request, source, Math.floor(now) * 1000);
    if (memberOf(report, 'error') !== undefined) return { ok: false, json: stringifyExact(report) };
    return { ok: true, text: format === 'csv' ? reportCsv(request.kind, report) : stringifyExact(report) };
  } catch (error) {
    if (error instanceof TimeFault) return { ok: false, json: failure(request.kind, error.message) };
    throw error;
  }
}

/** What a client is told of a report that cannot be made, with status 200 (M19). */
export function failure(kind: UtilizationKind, reason: string): string {
  const what = kind === 'periods' ? 'utilization report' : 'report';
  return stringifyExact({ error: `Failed to generate ${what}: ${reason}` });
}
