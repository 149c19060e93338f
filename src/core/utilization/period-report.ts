/** The report of periods: use over time, by hours, days, weeks or months (M46, M48, M66). */
import { type ExactObject, type ExactValue, OrderedObject, stringifyExact } from '../json.ts';
import { type BucketUse, type NodePart, separateUses, sharedUses } from './bucket-use.ts';
import { type AnalysisType, analysisTypeOf, type Bucket, bucketsOf } from './buckets.ts';
import { Experiments } from './experiments.ts';
import { isoText } from './iso-time.ts';
import { nodeNames } from './names.ts';
import { grouped } from './ordered.ts';
import { requiredPeriod } from './period.ts';
import { float, floatOrZero, mean, round } from './python-number.ts';
import { tail } from './python-words.ts';
import type { UtilizationRequest } from './request.ts';
import { nodeDisplayName } from './session-report.ts';
import { sessionUses, sum } from './session-use.ts';
import { Lifecycle } from './sessions.ts';
import type { ActivitySource } from './source.ts';
import { trendsOf } from './trends.ts';
import { topUsers } from './user-report.ts';
import type { Span } from './windows.ts';

const METHOD = 'session_based_analysis_with_experiment_details_refactored';

export async function periodReport(request: UtilizationRequest, source: ActivitySource, nowUs: number): Promise<ExactObject> {
  const span = requiredPeriod(request);
  if ('error' in span) return { ...span };
  const type = analysisTypeOf(request.analysisType);
  const buckets = bucketsOf(span, type, request.timeZone);
  const lifecycle = await Lifecycle.read(source);
  const experiments = await Experiments.read(
    span,
    { ...span, startUs: Math.min(span.startUs, buckets[0]?.startUs ?? span.startUs) },
    source,
  );
  const uses = await usesOf(type, span, buckets, lifecycle, experiments, source);
  const nodes = grouped(uses.flatMap((use) => Array.from(use.nodes, ([id, part]) => [id, { ...part, bucket: use.bucket }] as const)));
  const names = await nodeNames(new Set(nodes.keys()), source);
  const workcells = grouped(uses.flatMap(workcellParts));
  const place = new Map(buckets.map((bucket, i) => [bucket, i + 1]));
  const users = request.includeUsers ? { user_utilization: await topUsers(span, source) } : {};
  return {
    summary_metadata: {
      analysis_type: request.analysisType,
      generated_at: `${isoText(nowUs)}+00:00`,
      period_start: isoText(span.startUs),
      period_end: isoText(span.endUs),
      user_timezone: request.timeZone,
      total_periods: buckets.length,
      method: METHOD,
    },
    key_metrics: keyMetrics(uses, type),
    ...users,
    node_summary: mapped(nodes, (id, parts) => nodeSummary(id, names.get(id), parts, type)),
    workcell_summary: mapped(workcells, (id, parts) => workcellSummary(id, lifecycle.workcellName(id), parts, type)),
    trends: trendsOf(uses),
    experiment_details: experiments.details(new Set(uses.flatMap(({ parts }) => parts.flatMap((part) => part.experiments)))),
    time_series: {
      system: uses.map((use) => systemPoint(use, place)),
      nodes: mapped(nodes, (_, parts) => parts.map((part) => nodePoint(part, place))),
      workcells: mapped(workcells, (_, parts) => parts.filter(hasRuntime).map((part) => workcellPoint(part, place)), isNotEmpty),
    },
  };
}

async function usesOf(
  type: AnalysisType,
  span: Span,
  buckets: readonly Bucket[],
  lifecycle: Lifecycle,
  experiments: Experiments,
  source: ActivitySource,
): Promise<BucketUse[]> {
  if (type === 'hourly' || type === 'other') return separateUses(buckets, lifecycle, source);
  return sharedUses(buckets, await sessionUses(lifecycle.sessions(span), lifecycle, source), experiments);
}

type Places = ReadonlyMap<Bucket, number>;
type BucketNode = NodePart & { bucket: Bucket };
type BucketPart = BucketUse['parts'][number] & { bucket: Bucket };

/** What is neither a lab nor a workcell is no session that was started. */
function workcellParts({ bucket, parts }: BucketUse): [string, BucketPart][] {
  return parts.filter(({ session }) => session.type !== 'default_analysis').map((part) => [part.session.id, { ...part, bucket }]);
}

const hasRuntime = ({ runtimeHours }: BucketPart): boolean => runtimeHours > 0;
const isNotEmpty = (value: ExactValue): boolean => !Array.isArray(value) || value.length > 0;

function mapped<T>(
  groups: ReadonlyMap<string, T>,
  make: (id: string, group: T) => ExactValue,
  isKept = (_: ExactValue) => true,
): ExactObject {
  const entries = Array.from(groups, ([id, group]): [string, ExactValue] => [id, make(id, group)]);
  return new OrderedObject(new Map(entries.filter(([, value]) => isKept(value))));
}

// --- figures ---

/** Zero is an integer in this report, and anything else a float, because MADSci says `or 0` of all it takes from its buckets. */
const rounded = (value: number): ExactValue => (value === 0 ? 0 : float(round(value, 2)));

function keyMetrics(uses: readonly BucketUse[], type: AnalysisType): ExactObject {
  const busy = uses.filter(({ experiments }) => experiments > 0);
  const [runtime, active] = [sum(uses.map(({ runtimeHours }) => runtimeHours)), sum(uses.map(({ activeHours }) => activeHours))];
  const ofAll = runtime > 0 ? (active / runtime) * 100 : 0;
  return {
    average_utilization: type === 'monthly' ? averageOfMonths(runtime, ofAll) : rounded(mean(busy.map(({ percent }) => percent))),
    ...systemPeak(uses, type),
    total_experiments: sum(uses.map(({ experiments }) => experiments)),
    total_runtime_hours: rounded(runtime),
    total_active_time_hours: rounded(active),
    active_periods: busy.length,
    total_periods: uses.length,
  };
}

const averageOfMonths = (runtime: number, percent: number): ExactValue => (runtime > 0 ? float(round(percent, 2)) : 0);

function systemPeak(uses: readonly BucketUse[], type: AnalysisType): ExactObject {
  const peak = uses.reduce<BucketUse | null>((most, use) => (use.percent > (most?.percent ?? 0) ? use : most), null);
  return peak === null ? NO_PEAK : peakAt(peak.percent, peak.bucket.display, type);
}

const NO_PEAK = { peak_utilization: 0, peak_period: null, peak_context: 'No peak data available' };
const PREPOSITION: Readonly<Record<AnalysisType, string>> = { daily: 'on', weekly: 'during', monthly: 'in', hourly: 'in', other: 'in' };

function peakAt(percent: number, display: string, type: AnalysisType): ExactObject {
  return { peak_utilization: rounded(percent), peak_period: display, peak_context: `Peak utilization ${PREPOSITION[type]} ${display}` };
}

/** The first of the greatest. Its period is looked up by its place among those that are shown, which leave out what has no runtime (as in MADSci). */
function peakOf(percents: readonly number[], shown: readonly { bucket: Bucket }[], type: AnalysisType): ExactObject {
  if (shown.length === 0) return NO_PEAK;
  const peak = percents.reduce((a, b) => Math.max(a, b));
  const at = shown[percents.indexOf(peak)];
  if (at !== undefined) return peakAt(peak, at.bucket.display, type);
  const percent = rounded(peak);
  return { peak_utilization: percent, peak_period: 'Unknown', peak_context: `Peak utilization: ${stringifyExact(percent)}%` };
}

function nodeSummary(id: string, name: string | undefined, parts: readonly BucketNode[], type: AnalysisType): ExactObject {
  const percents = parts.map(({ percent }) => percent);
  return {
    node_id: id,
    node_name: name ?? null,
    display_name: nodeDisplayName(id, name),
    average_utilization: rounded(mean(percents)),
    ...peakOf(percents, parts, type),
    total_busy_hours: rounded(sum(parts.map(({ busyHours }) => busyHours))),
  };
}

function workcellSummary(id: string, name: string, parts: readonly BucketPart[], type: AnalysisType): ExactObject {
  const percents = parts.map(({ percent }) => percent);
  return {
    workcell_id: id,
    workcell_name: name,
    display_name: name.startsWith('Workcell ') && name.includes(tail(id)) ? name : `${name} (${tail(id)})`,
    average_utilization: rounded(mean(percents)),
    ...peakOf(percents, parts.filter(hasRuntime), type),
    total_experiments: sum(parts.map(({ experiments }) => experiments.length)),
    total_runtime_hours: rounded(sum(parts.map(({ runtimeHours }) => runtimeHours))),
    total_active_time_hours: rounded(sum(parts.map(({ activeHours }) => activeHours))),
  };
}

// --- points in time ---

function pointOf({ kind, display, date }: Bucket, number: number): ExactObject & Record<string, ExactValue> {
  return { period_number: number, period_type: kind, period_display: display, date };
}

function systemPoint({ bucket, percent, experiments, runtimeHours, activeHours }: BucketUse, place: Places): ExactObject {
  return {
    ...pointOf(bucket, place.get(bucket) ?? 0),
    start_time: bucket.localStart,
    start_time_utc: isoText(bucket.startUs),
    utilization: floatOrZero(percent),
    experiments,
    runtime_hours: floatOrZero(runtimeHours),
    active_time_hours: floatOrZero(activeHours),
  };
}

function nodePoint({ bucket, percent, busyHours }: BucketNode, place: Places): ExactObject {
  return { ...pointOf(bucket, place.get(bucket) ?? 0), utilization: floatOrZero(percent), busy_hours: floatOrZero(busyHours) };
}

function workcellPoint({ bucket, percent, experiments, runtimeHours, activeHours }: BucketPart, place: Places): ExactObject {
  return {
    ...pointOf(bucket, place.get(bucket) ?? 0),
    utilization: floatOrZero(percent),
    experiments: experiments.length,
    runtime_hours: floatOrZero(runtimeHours),
    active_time_hours: floatOrZero(activeHours),
    attributed: false,
  };
}
