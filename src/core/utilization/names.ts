/** Names of nodes and experiments: from the first events that start them, wherever in time these lie. */
import type { ExactValue } from '../json.ts';
import { EXPERIMENT_START, type TimedEvent, timedEvent } from './activity.ts';
import { at, strip } from './python-words.ts';
import type { ActivitySource } from './source.ts';

type Names = ReadonlyMap<string, string>;
const STARTS_LOOKED_AT = 5;

/** A node's name may turn out to be blank. */
export function nodeNames(ids: ReadonlySet<string>, source: ActivitySource): Promise<Names> {
  return namesOf(ids, 'node_start', source, ({ data, source: owner }) => ({
    ids: [at(data, 'node_id'), at(owner, 'node_id'), at(owner, 'workcell_id')],
    candidates: [at(data, 'node_name')].filter((name) => name !== ''),
  }));
}

export function experimentNames(ids: ReadonlySet<string>, source: ActivitySource): Promise<Names> {
  return namesOf(ids, EXPERIMENT_START, source, ({ data, source: owner }) => {
    const experiment = at(data, 'experiment');
    return {
      ids: [at(owner, 'experiment_id'), at(data, 'experiment_id'), at(experiment, '_id'), at(experiment, 'experiment_id')],
      candidates: [
        at(data, 'experiment_name'),
        at(data, 'name'),
        at(experiment, 'name'),
        at(at(experiment, 'experiment_design'), 'experiment_name'),
        at(experiment, 'run_name'),
      ].filter((name) => typeof name === 'string' && strip(name) !== ''),
    };
  });
}

type Look = (event: TimedEvent) => { ids: (ExactValue | undefined)[]; candidates: (ExactValue | undefined)[] };

async function namesOf(wanted: ReadonlySet<string>, type: string, source: ActivitySource, look: Look): Promise<Names> {
  const names = new Map<string, string>();
  if (wanted.size === 0) return names;
  const seen = new Map<string, number>();
  await source.scan({ types: [type], order: 'arrival' }, (stored) => {
    const event = timedEvent(stored, 0);
    if (event === null) return;
    const { ids, candidates } = look(event);
    for (const id of new Set(ids)) {
      if (typeof id !== 'string' || !wanted.has(id) || names.has(id)) continue;
      const count = (seen.get(id) ?? 0) + 1;
      seen.set(id, count);
      const name = count <= STARTS_LOOKED_AT ? candidates.find((each) => typeof each === 'string') : undefined;
      if (name !== undefined) names.set(id, strip(name));
    }
  });
  return names;
}
