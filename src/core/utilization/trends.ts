import type { ExactObject, ExactValue } from '../json.ts';
import { float, round } from './python-number.ts';

export interface TrendPoint {
  percent: number;
  experiments: number;
}
/** Percent of change within which something is called stable. */
const STABLE = 5;
const INSUFFICIENT = { direction: 'insufficient_data', change_percent: 0 };

/** From the first to the last period in which anything was used (M46). */
export function trendsOf(points: readonly TrendPoint[]): ExactObject {
  const active = points.filter(({ percent }) => percent > 0);
  const [first, last] = [active[0], active.at(-1)];
  if (active.length < 2 || first === undefined || last === undefined)
    return { utilization_trend: INSUFFICIENT, experiment_trend: INSUFFICIENT };
  const shown = (value: number): ExactValue => float(round(value, 2));
  return {
    utilization_trend: trend(first.percent, last.percent, active.length, shown),
    experiment_trend: trend(first.experiments, last.experiments, active.length, (count) => count),
  };
}

function trend(first: number, last: number, count: number, shown: (value: number) => ExactValue): ExactObject {
  const change = first === 0 ? 0 : ((last - first) / first) * 100;
  return {
    direction: change > STABLE ? 'increasing' : change < -STABLE ? 'decreasing' : 'stable',
    change_percent: first === 0 ? 0 : float(round(change, 2)),
    first_value: shown(first),
    last_value: shown(last),
    active_periods_analyzed: count,
  };
}
