import type { ReportFormat, ReportOutcome, UtilizationRequest } from '../core/utilization/request.ts';

/** Reports over stored events. */
export interface ReportStore {
  /**
   * Reads and analyses away from the server's own thread, with a deadline: a million events never cross it.
   * `now` is milliseconds since the epoch. Throws query_deadline, result_too_large, overloaded or store_unavailable.
   */
  utilization(request: UtilizationRequest, format: ReportFormat, now: number): Promise<ReportOutcome>;
}
