/** The report of users: whose workflows ran how long (M46, M47). */
import { type ExactObject, type ExactValue, OrderedObject } from '../json.ts';
import { isoText } from './iso-time.ts';
import { analysisPeriod } from './period.ts';
import { float, round } from './python-number.ts';
import type { UtilizationRequest } from './request.ts';
import { sum } from './session-use.ts';
import type { ActivitySource } from './source.ts';
import type { Span } from './windows.ts';
import { readWorkflows, type Workflow } from './workflows.ts';

export async function userReport(request: UtilizationRequest, source: ActivitySource, nowUs: number): Promise<ExactObject> {
  const span = await analysisPeriod(request, source, nowUs);
  const { system, users } = await userSummary(span, source);
  return {
    report_metadata: {
      generated_at: `${isoText(nowUs)}+00:00`,
      analysis_start: isoText(span.startUs),
      analysis_end: isoText(span.endUs),
      total_workflows: system.workflows,
      total_users: users.length,
      workflows_with_authors: system.withAuthor,
      workflows_without_authors: system.workflows - system.withAuthor,
    },
    system_summary: {
      total_workflows: system.workflows,
      total_runtime_hours: float(system.runtimeHours),
      average_workflow_duration_hours: system.averageHours,
      completion_rate_percent: system.completionPercent,
      workflows_with_known_authors: system.withAuthor,
      author_attribution_rate_percent: system.attributionPercent,
    },
    user_utilization: new OrderedObject(new Map(users.map(({ author, report }) => [author, report]))),
  };
}

interface User {
  author: string;
  runtimeHours: number;
  report: ExactObject;
}
interface SystemTotals {
  workflows: number;
  withAuthor: number;
  runtimeHours: number;
  averageHours: ExactValue;
  completionPercent: ExactValue;
  attributionPercent: ExactValue;
}

async function userSummary(span: Span, source: ActivitySource): Promise<{ system: SystemTotals; users: User[] }> {
  const workflows = await readWorkflows(span, source);
  const byAuthor = Map.groupBy(workflows, ({ author }) => author ?? 'Unknown Author');
  return { system: systemTotals(workflows), users: Array.from(byAuthor, ([author, own]) => userOf(author, own)) };
}

/** What a report of periods tells of users: the ten who ran longest. */
export async function topUsers(span: Span, source: ActivitySource): Promise<ExactObject> {
  const { system, users } = await userSummary(span, source);
  const top = users.toSorted((a, b) => b.runtimeHours - a.runtimeHours).slice(0, 10);
  return {
    total_users: users.length,
    author_attribution_rate_percent: system.attributionPercent,
    top_users: top.map(({ report }) => {
      const { author, total_workflows, total_runtime_hours, completion_rate_percent, average_workflow_duration_hours } = report as Record<
        string,
        ExactValue
      >;
      return { author, total_workflows, total_runtime_hours, completion_rate_percent, average_workflow_duration_hours } as ExactObject;
    }),
    system_totals: {
      total_workflows: system.workflows,
      total_runtime_hours: float(system.runtimeHours),
      completion_rate_percent: system.completionPercent,
    },
  };
}

const percent = (part: number, whole: number): ExactValue => float(round((part / whole) * 100, 2));

/** Unlike a user's, these count only the durations and the author that events state themselves. */
function systemTotals(workflows: readonly Workflow[]): SystemTotals {
  const stated = workflows.flatMap(({ statedSeconds }) => (statedSeconds === null ? [] : [statedSeconds]));
  const seconds = sum(stated);
  const withAuthor = workflows.filter(({ statesAuthor }) => statesAuthor).length;
  const none = workflows.length === 0;
  return {
    workflows: workflows.length,
    withAuthor,
    runtimeHours: round(seconds / 3600, 2),
    averageHours: stated.length === 0 ? 0 : float(round(seconds / stated.length / 3600, 3)),
    completionPercent: none ? 0 : percent(workflows.filter(({ isStatedCompleted }) => isStatedCompleted).length, workflows.length),
    attributionPercent: none ? 0 : percent(withAuthor, workflows.length),
  };
}

function userOf(author: string, workflows: readonly Workflow[]): User {
  const counted = (wanted: string): number => workflows.filter(({ status }) => status === wanted).length;
  const hours = workflows.flatMap(({ durationSeconds }) => (durationSeconds === null ? [] : [durationSeconds / 3600]));
  const none = hours.length === 0;
  const completed = counted('completed');
  const runtimeHours = round(sum(hours), 2);
  return {
    author,
    runtimeHours,
    report: {
      author,
      total_workflows: workflows.length,
      completed_workflows: completed,
      failed_workflows: counted('failed'),
      cancelled_workflows: counted('cancelled'),
      total_runtime_hours: none ? 0 : float(runtimeHours),
      average_workflow_duration_hours: none ? 0 : float(round(sum(hours) / hours.length, 3)),
      shortest_workflow_hours: none
        ? null
        : float(
            round(
              hours.reduce((a, b) => Math.min(a, b)),
              3,
            ),
          ),
      longest_workflow_hours: none
        ? null
        : float(
            round(
              hours.reduce((a, b) => Math.max(a, b)),
              3,
            ),
          ),
      completion_rate_percent: percent(completed, workflows.length),
      workflows: workflows.map(workflowSummary),
    },
  };
}

function workflowSummary({ id, name, startUs, endUs, durationSeconds, status }: Workflow): ExactObject {
  return {
    workflow_id: id,
    workflow_name: name,
    start_time: startUs === null ? null : isoText(startUs),
    end_time: endUs === null ? null : isoText(endUs),
    duration_hours: durationSeconds === null ? null : float(durationSeconds / 3600),
    status: status === '' ? 'unknown' : status,
  };
}
