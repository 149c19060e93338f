/** `sessions`, `users` and `periods` are MADSci's three reports (M18, M54). */
export const UTILIZATION_KINDS = ['sessions', 'users', 'periods'] as const;
export type UtilizationKind = (typeof UTILIZATION_KINDS)[number];

export interface UtilizationRequest {
  kind: UtilizationKind;
  /** ISO 8601 in Python's reading, naive means UTC. Null and '' are not given: see analysisPeriod in period.ts (M44). */
  startTime: string | null;
  endTime: string | null;
  /** Of periods: hourly, daily, weekly or monthly; anything else acts as days analysed like hours (M66). */
  analysisType: string;
  /** Of periods: a name of the IANA time zone database; an unknown one is UTC (M48). */
  timeZone: string;
  /** Of periods: whether the users of the whole time are added. */
  includeUsers: boolean;
}
export type ReportFormat = 'json' | 'csv';

/** A report as text, or what is wrong with the request: JSON text with a member `error` (M19). */
export type ReportOutcome = { ok: true; text: string } | { ok: false; json: string };

/** What MADSci asks when nothing is said. */
export const DEFAULT_UTILIZATION: Readonly<Omit<UtilizationRequest, 'kind'>> = {
  startTime: null,
  endTime: null,
  analysisType: 'daily',
  timeZone: 'America/Chicago',
  includeUsers: false,
};

/** A report may take so many times as long as a query. */
export const REPORT_PATIENCE = 6;

/** Of the thread that makes a report. Whatever is asked for, the server itself does not run out of memory. */
export const REPORT_MEMORY = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 48 } as const;
export const REPORT_TOO_LARGE = 'The report needs more memory than there is for one: ask for a shorter time, or for longer periods.';
