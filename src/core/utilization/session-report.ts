/** The report of sessions (M43 to M46). */
import { type ExactObject, type ExactValue, OrderedObject } from '../json.ts';
import { isoText, SECOND_US } from './iso-time.ts';
import { experimentNames, nodeNames } from './names.ts';
import type { NodeTimes } from './node-use.ts';
import { analysisPeriod } from './period.ts';
import { fixedText, float, round } from './python-number.ts';
import { tail } from './python-words.ts';
import type { UtilizationRequest } from './request.ts';
import { type SessionUse, sessionUses, sum } from './session-use.ts';
import { Lifecycle, type Session } from './sessions.ts';
import type { ActivitySource } from './source.ts';
import type { Span } from './windows.ts';

export async function sessionReport(request: UtilizationRequest, source: ActivitySource, nowUs: number): Promise<ExactObject> {
  const span = await analysisPeriod(request, source, nowUs);
  const lifecycle = await Lifecycle.read(source);
  const sessions = sessionsOrAll(lifecycle, span);
  const uses = await sessionUses(sessions, lifecycle, source);
  const names = {
    nodes: await nodeNames(new Set(uses.flatMap(({ nodes }) => [...nodes.keys()])), source),
    experiments: await experimentNames(new Set(uses.flatMap(({ experiments }) => experiments)), source),
  };
  return {
    report_metadata: {
      generated_at: `${isoText(nowUs)}+00:00`,
      analysis_start: isoText(span.startUs),
      analysis_end: isoText(span.endUs),
      total_sessions: sessions.length,
      analysis_duration_hours: hours(secondsOf(span)),
    },
    overall_summary: overallSummary(uses, span),
    session_details: uses.map((use) => sessionDetails(use, names)),
  };
}

/** The sessions that begin in the span; without any, the whole span is one (M43). */
export function sessionsOrAll(lifecycle: Lifecycle, span: Span): Session[] {
  const sessions = lifecycle.sessions(span);
  if (sessions.length > 0) return sessions;
  return [{ type: 'default_analysis', id: `analysis_${Math.trunc(span.startUs / SECOND_US)}`, ...span }];
}

const secondsOf = ({ startUs, endUs }: Span): number => (endUs - startUs) / SECOND_US;
const hours = (seconds: number): ExactValue => float(seconds / 3600);

/** Names that sessions go by: the one that was given is not looked at (M65). */
function sessionName({ type, id }: Session): string {
  if (type === 'default_analysis') return 'Complete Database Analysis';
  return `${type === 'lab' ? 'Lab' : 'Workcell'} ${tail(id)}`;
}

interface NodeTotals {
  percents: number[];
  busyHours: number;
}

/** Over sessions: how each node was used. */
export function nodeTotals(uses: readonly SessionUse[]): Map<string, NodeTotals> {
  const totals = new Map<string, NodeTotals>();
  for (const { nodes } of uses) {
    for (const [id, times] of nodes) {
      const total = totals.get(id) ?? { percents: [], busyHours: 0 };
      totals.set(id, total);
      total.percents.push(round(times.utilizationPercent, 1));
      total.busyHours += times.busySeconds / 3600;
    }
  }
  return totals;
}

function overallSummary(uses: readonly SessionUse[], span: Span): ExactObject {
  const nodes = nodeTotals(uses);
  const summary = Array.from(nodes, ([id, { percents, busyHours }]): [string, ExactValue] => [
    id,
    {
      average_utilization_percent: float(sum(percents) / percents.length),
      total_busy_time_hours: float(busyHours),
      sessions_active: percents.length,
    },
  ]);
  return {
    total_sessions: uses.length,
    total_system_runtime_hours: float(sum(uses.map(({ durationSeconds }) => durationSeconds / 3600))),
    total_active_time_hours: float(sum(uses.map(({ activeSeconds }) => activeSeconds / 3600))),
    average_system_utilization_percent: float(sum(uses.map(({ percent }) => percent)) / uses.length),
    total_experiments: sum(uses.map(({ experiments }) => experiments.length)),
    nodes_tracked: nodes.size,
    node_summary: new OrderedObject(new Map(summary)),
    analysis_period: { start_time: isoText(span.startUs), end_time: isoText(span.endUs), duration_hours: hours(secondsOf(span)) },
  };
}

interface Names {
  nodes: ReadonlyMap<string, string>;
  experiments: ReadonlyMap<string, string>;
}

function sessionDetails({ session, durationSeconds, activeSeconds, percent, experiments, nodes }: SessionUse, names: Names): ExactObject {
  const idleSeconds = durationSeconds - activeSeconds;
  const details = Array.from(nodes, ([id, times]): [string, ExactValue] => [id, nodeDetails(id, times, names.nodes.get(id))]);
  return {
    session_type: session.type,
    session_id: session.id,
    session_name: sessionName(session),
    start_time: isoText(session.startUs),
    end_time: isoText(session.endUs),
    timing: { duration: duration(durationSeconds), active_time: duration(activeSeconds), idle_time: duration(idleSeconds) },
    system_utilization_percent: float(percent),
    total_experiments: experiments.length,
    experiment_details: experiments.map((id) => experimentDetails(id, names.experiments.get(id))),
    nodes_active: nodes.size,
    node_utilizations: new OrderedObject(new Map(details)),
    raw_hours: { duration: hours(durationSeconds), active: hours(activeSeconds), idle: hours(idleSeconds) },
    duration_hours: hours(durationSeconds),
    active_time_hours: hours(activeSeconds),
  };
}

function experimentDetails(id: string, name: string | undefined): ExactObject {
  return { experiment_id: id, experiment_name: name ?? null, display_name: name ?? `Experiment ${tail(id)}` };
}

function nodeDetails(id: string, times: NodeTimes, name: string | undefined): ExactObject {
  const { busySeconds, idleSeconds, totalSeconds, utilizationPercent, state } = times;
  return {
    node_id: id,
    node_name: name ?? null,
    display_name: nodeDisplayName(id, name),
    utilization_percent: float(round(utilizationPercent, 1)),
    state,
    timing: { busy_time: duration(busySeconds), idle_time: duration(idleSeconds), total_time: duration(totalSeconds) },
    raw_hours: { busy: hours(busySeconds), idle: hours(idleSeconds), total: hours(totalSeconds) },
    busy_time_hours: hours(busySeconds),
    idle_time_hours: hours(idleSeconds),
  };
}

export function nodeDisplayName(id: string, name: string | undefined): string {
  return name === undefined || name === '' ? `Node ${tail(id)}` : `${name} (${tail(id)})`;
}

/** A duration in the unit that suits its size, and in each. */
function duration(seconds: number): ExactObject {
  const [unit, value] = seconds < 60 ? ['seconds', seconds] : seconds < 3600 ? ['minutes', seconds / 60] : ['hours', seconds / 3600];
  return {
    display: `${fixedText(value as number, 1)}${(unit as string)[0]}`,
    seconds: float(seconds),
    minutes: float(seconds / 60),
    hours: hours(seconds),
    primary_unit: unit as string,
    primary_value: float(value as number),
  };
}
