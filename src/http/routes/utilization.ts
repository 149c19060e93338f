import { z } from 'zod';
import { hasScope } from '../../core/key.ts';
import { DEFAULT_UTILIZATION, type UtilizationKind, type UtilizationRequest } from '../../core/utilization/request.ts';
import { forbidden } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { flag, text } from '../query-values.ts';
import { type Reply, type Route, type RouteInput, route } from '../route.ts';

export function utilizationRoutes(deps: HttpDeps): Route[] {
  return [
    report(deps, 'sessions', '/utilization/sessions', 'How labs and workcells were used, session by session'),
    periods(deps),
    report(deps, 'users', '/utilization/user', 'Whose workflows ran how long'),
    // What MADSci's own client asks for (M54).
    report(deps, 'users', '/utilization/users', 'Whose workflows ran how long'),
  ];
}

const TIMES = {
  start_time: text(null, 'From this time on, ISO 8601; without an offset it is UTC.'),
  end_time: text(null, 'Up to this time.'),
};
const OUTPUT = {
  csv_format: flag(false, 'CSV instead of JSON.'),
  save_to_file: flag(false, 'With csv_format: saves the CSV on the server instead of sending it. Needs events:write.'),
  output_path: text(null, 'The folder to save in, below EXPORT_DIR.'),
};
const ReportQuery = z.object({ ...TIMES, ...OUTPUT });
const PeriodsQuery = z.object({
  ...TIMES,
  analysis_type: text(DEFAULT_UTILIZATION.analysisType, 'hourly, daily, weekly or monthly.'),
  user_timezone: text(DEFAULT_UTILIZATION.timeZone, 'Time zone of the periods, as America/Chicago; an unknown one is UTC.'),
  include_users: flag(null, 'Whether users are listed; they are when it is given as true.', true),
  ...OUTPUT,
});
type Query = z.output<typeof ReportQuery>;

const Report = z
  .record(z.string(), z.unknown())
  .meta({ id: 'UtilizationReport', description: 'Or an object with `error`, also with status 200.' });
const REPLIES = { 200: { description: 'The report as JSON or CSV, or what is wrong with the request', schema: Report } };
const SHARED = { method: 'get', area: 'utilization', scope: 'events:read', madsci: true, replies: REPLIES } as const;
const ERRORS = ['invalid_request', 'overloaded', 'store_unavailable'] as const;

function report(deps: HttpDeps, kind: 'sessions' | 'users', path: string, summary: string): Route {
  return route({
    ...SHARED,
    path,
    summary,
    description: 'Without times: everything there is. With one of them: the day from it or up to it.',
    query: ReportQuery,
    errors: ERRORS,
    /** M18 to M21 */
    handle: (input) => answer(deps, { ...DEFAULT_UTILIZATION, kind, ...timesOf(input.query) }, input),
  });
}

function periods(deps: HttpDeps): Route {
  return route({
    ...SHARED,
    path: '/utilization/periods',
    summary: 'Use over time: by hours, days, weeks or months of a time zone',
    query: PeriodsQuery,
    errors: ERRORS,
    /** M18 to M21, M48 */
    handle(input) {
      const { analysis_type: analysisType, user_timezone: timeZone, include_users: includeUsers } = input.query;
      // MADSci computes the users and loses them (M49); its client asks for them by name, and gets them.
      const request = { kind: 'periods', ...timesOf(input.query), analysisType, timeZone, includeUsers: includeUsers === true } as const;
      return answer(deps, request, input);
    },
  });
}

const timesOf = ({ start_time: startTime, end_time: endTime }: Query): Pick<UtilizationRequest, 'startTime' | 'endTime'> => ({
  startTime,
  endTime,
});

const FILE_NAMES: Readonly<Record<UtilizationKind, string>> = {
  sessions: 'session_utilization_report.csv',
  users: 'user_utilization_report.csv',
  periods: 'utilization_periods_report.csv',
};

async function answer(
  { reports }: HttpDeps,
  request: UtilizationRequest,
  { query, caller }: RouteInput<unknown, Query, unknown>,
): Promise<Reply> {
  if (query.csv_format && query.save_to_file) {
    if (!hasScope(caller.scopes, 'events:write')) throw forbidden('events:write');
    return { status: 200, text: (await reports.save(request, query.output_path)).json };
  }
  const outcome = await reports.utilization(request, query.csv_format ? 'csv' : 'json');
  if (!outcome.ok) return { status: 200, text: outcome.json };
  if (!query.csv_format) return { status: 200, text: outcome.text };
  return {
    status: 200,
    text: outcome.text,
    contentType: 'text/csv; charset=utf-8',
    headers: { 'Content-Disposition': `attachment; filename=${FILE_NAMES[request.kind]}` },
  };
}
