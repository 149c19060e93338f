/** What went on in a session, counted once for all reports. */
import type { NodeTimes } from './node-use.ts';
import { round } from './python-number.ts';
import type { Lifecycle, Session } from './sessions.ts';
import type { ActivitySource } from './source.ts';
import { usesOf, type WindowUse } from './windows.ts';

export interface SessionUse {
  session: Session;
  durationSeconds: number;
  activeSeconds: number;
  /** Of the session's time, to one decimal. */
  percent: number;
  experiments: readonly string[];
  /** By node, in the order of their first events. */
  nodes: ReadonlyMap<string, NodeTimes>;
}

export async function sessionUses(sessions: readonly Session[], lifecycle: Lifecycle, source: ActivitySource): Promise<SessionUse[]> {
  const uses = await usesOf(sessions, source);
  const owners = uses.some(({ nodes }) => nodes.size > 0) ? await source.owners() : new Set<string>();
  // What any event names as its workcell or manager is no node.
  const isNode = (id: string): boolean => !owners.has(id) && !lifecycle.ids.has(id);
  return uses.map((use, i) => sessionUse(sessions[i] as Session, use, isNode)); // a use for each session
}

function sessionUse(session: Session, use: WindowUse, isNode: (id: string) => boolean): SessionUse {
  const { totalSeconds, activeSeconds, experiments, nodes } = use;
  return {
    session,
    durationSeconds: totalSeconds,
    activeSeconds,
    percent: round(totalSeconds > 0 ? (activeSeconds / totalSeconds) * 100 : 0, 1),
    experiments,
    nodes: new Map([...nodes].filter(([id]) => isNode(id))),
  };
}

/** The sum of numbers from the first to the last, as Python adds them up. */
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
