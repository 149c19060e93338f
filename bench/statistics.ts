export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The median of the rounds' own ratios: what slows a whole round down (a noisy neighbour) does not count. */
export function medianRatio(subject: readonly number[], baseline: readonly number[]): number {
  return median(subject.map((value, round) => value / (baseline[round] ?? Number.NaN)));
}
