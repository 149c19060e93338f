/** What went on in each bucket of a report of periods. */
import type { Bucket } from './buckets.ts';
import type { Experiments } from './experiments.ts';
import { SECOND_US } from './iso-time.ts';
import { mean, round } from './python-number.ts';
import { nodeTotals, sessionsOrAll } from './session-report.ts';
import { type SessionUse, sessionUses, sum } from './session-use.ts';
import type { Lifecycle, Session } from './sessions.ts';
import type { ActivitySource } from './source.ts';
import type { Span } from './windows.ts';

/** A session as far as it lies in a bucket. */
interface Part {
  session: Session;
  percent: number;
  runtimeHours: number;
  activeHours: number;
  experiments: readonly string[];
}
export interface NodePart {
  percent: number;
  busyHours: number;
}
export interface BucketUse {
  bucket: Bucket;
  percent: number;
  experiments: number;
  runtimeHours: number;
  activeHours: number;
  parts: readonly Part[];
  nodes: ReadonlyMap<string, NodePart>;
}

/** Hours, and what has no name, look at each bucket by itself: sessions are those that begin in it, or else all of it. */
export async function separateUses(buckets: readonly Bucket[], lifecycle: Lifecycle, source: ActivitySource): Promise<BucketUse[]> {
  const sessions = buckets.map((bucket) => sessionsOrAll(lifecycle, bucket));
  const uses = (await sessionUses(sessions.flat(), lifecycle, source)).values();
  return buckets.map((bucket, i) => separateUse(bucket, [...uses.take((sessions[i] as Session[]).length)])); // one list for each bucket
}

function separateUse(bucket: Bucket, uses: readonly SessionUse[]): BucketUse {
  const nodes = Array.from(nodeTotals(uses), ([id, { percents, busyHours }]): [string, NodePart] => [
    id,
    { percent: sum(percents) / percents.length, busyHours },
  ]);
  return {
    bucket,
    percent: sum(uses.map(({ percent }) => percent)) / uses.length,
    experiments: sum(uses.map(({ experiments }) => experiments.length)),
    runtimeHours: sum(uses.map(({ durationSeconds }) => durationSeconds / 3600)),
    activeHours: sum(uses.map(({ activeSeconds }) => activeSeconds / 3600)),
    parts: uses.map(({ session, percent, durationSeconds, activeSeconds, experiments }) => ({
      session,
      percent,
      runtimeHours: durationSeconds / 3600,
      activeHours: activeSeconds / 3600,
      experiments,
    })),
    nodes: new Map(nodes),
  };
}

interface Overlap extends Span {
  use: SessionUse;
  hours: number;
}

/**
 * Days, weeks and months share out the sessions of the whole time: a bucket gets of a session's use what its part of the session's time is.
 * Days and months count a node's hours in every bucket that the session touches, weeks share them out, as MADSci does.
 */
export function sharedUses(buckets: readonly Bucket[], uses: readonly SessionUse[], experiments: Experiments): BucketUse[] {
  return buckets.map((bucket) => sharedUse(bucket, overlaps(bucket, uses), experiments));
}

function overlaps(bucket: Bucket, uses: readonly SessionUse[]): Overlap[] {
  return uses.flatMap((use) => {
    const startUs = Math.max(bucket.startUs, use.session.startUs);
    const endUs = Math.min(bucket.endUs, use.session.endUs);
    return startUs < endUs ? [{ use, startUs, endUs, hours: (endUs - startUs) / SECOND_US / 3600 }] : [];
  });
}

function sharedUse(bucket: Bucket, within: readonly Overlap[], experiments: Experiments): BucketUse {
  const started = experiments.startedIn(bucket);
  const isWeek = bucket.kind === 'week';
  const parts = within.map(({ use, startUs, endUs, hours }) => ({
    session: use.session,
    percent: use.percent,
    runtimeHours: hours,
    activeHours: isWeek ? hours * (use.percent / 100) : (use.activeSeconds / 3600) * (hours / (use.durationSeconds / 3600)),
    experiments: started.filter(({ us }) => us >= startUs && us <= endUs).map(({ id }) => id),
  }));
  const runtimeHours = sum(within.map(({ hours }) => hours));
  const activeHours = sum(parts.map((part) => part.activeHours));
  const weighted = sum(within.map(({ use, hours }) => use.percent * hours));
  return {
    bucket,
    percent: runtimeHours > 0 ? (isWeek ? weighted / runtimeHours : (activeHours / runtimeHours) * 100) : 0,
    experiments: started.length,
    runtimeHours,
    activeHours,
    parts,
    nodes: sharedNodes(within, isWeek),
  };
}

function sharedNodes(within: readonly Overlap[], isWeek: boolean): Map<string, NodePart> {
  const totals = new Map<string, { percents: number[]; busyHours: number }>();
  for (const { use, hours } of within) {
    for (const [id, times] of use.nodes) {
      const total = totals.get(id) ?? { percents: [], busyHours: 0 };
      totals.set(id, total);
      total.percents.push(round(times.utilizationPercent, 1));
      total.busyHours += (times.busySeconds / 3600) * (isWeek ? hours / (use.durationSeconds / 3600) : 1);
    }
  }
  return new Map(
    Array.from(totals, ([id, { percents, busyHours }]) => [id, { percent: round(mean(percents), 1), busyHours: round(busyHours, 3) }]),
  );
}
