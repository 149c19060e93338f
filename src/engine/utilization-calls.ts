import { type ExactValue, isObject, memberOf, membersOf, parseExact } from '../core/json.ts';
import { DEFAULT_UTILIZATION, type UtilizationKind, type UtilizationRequest } from '../core/utilization/request.ts';
import { HostCallRefused } from '../ports/sandbox.ts';
import type { Reports } from './reports.ts';

const OPTIONS: Readonly<Record<UtilizationKind, readonly string[]>> = {
  sessions: ['start_time', 'end_time'],
  users: ['start_time', 'end_time'],
  periods: ['start_time', 'end_time', 'analysis_type', 'user_timezone', 'include_users'],
};
/** A time zone or a time is never longer. */
const MAX_TEXT = 200;

/** `ctx.utilization`: the reports that GET /utilization answers, by the same names. What the route answers with an `error` is refused here. */
export async function utilizationCall(reports: Pick<Reports, 'utilization'>, kind: UtilizationKind, args: ExactValue): Promise<string> {
  const outcome = await reports.utilization(requestOf(kind, args), 'json');
  if (outcome.ok) return outcome.text;
  throw new HostCallRefused('invalid', `utilization.${kind}: ${faultOf(outcome.json)}`);
}

function requestOf(kind: UtilizationKind, args: ExactValue): UtilizationRequest {
  const names = isObject(args) ? Array.from(membersOf(args), ([name]) => name) : [];
  const strange = names.find((name) => !OPTIONS[kind].includes(name));
  if (strange !== undefined) throw refused(kind, `has no option ${strange}; it has ${OPTIONS[kind].join(', ')}`);
  const option = (name: string): ExactValue => (isObject(args) ? (memberOf(args, name) ?? null) : null);
  const textOr = <Absent>(name: string, absent: Absent): string | Absent => {
    const value = option(name);
    if (value === null) return absent;
    if (typeof value === 'string' && value.length <= MAX_TEXT) return value;
    throw refused(kind, `takes a text as ${name}`);
  };
  const includeUsers = option('include_users') ?? DEFAULT_UTILIZATION.includeUsers;
  if (typeof includeUsers !== 'boolean') throw refused(kind, 'takes true or false as include_users');
  return {
    kind,
    startTime: textOr('start_time', null),
    endTime: textOr('end_time', null),
    analysisType: textOr('analysis_type', DEFAULT_UTILIZATION.analysisType),
    timeZone: textOr('user_timezone', DEFAULT_UTILIZATION.timeZone),
    includeUsers,
  };
}

/** The report's own words for what is wrong. */
function faultOf(json: string): string {
  const answer = parseExact(json);
  const member = (name: string): string | null => {
    const value = isObject(answer) ? memberOf(answer, name) : undefined;
    return typeof value === 'string' ? value : null;
  };
  return [member('error') ?? 'there is no report', member('details')].filter((part) => part !== null).join('. ');
}

function refused(kind: UtilizationKind, what: string): HostCallRefused {
  return new HostCallRefused('invalid', `utilization.${kind} ${what}`);
}
