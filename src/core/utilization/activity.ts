/** What utilization is counted from: a few members of a few types of events. */
import { type ExactObject, type ExactValue, parseExact } from '../json.ts';
import { pythonStr } from '../python-text.ts';
import { instantOf } from './iso-time.ts';
import { at, isTruthy, objectOf } from './python-words.ts';

export const SESSION_STARTS = ['lab_start', 'workcell_start'] as const;
export const SESSION_TYPES = [...SESSION_STARTS, 'lab_stop', 'workcell_stop'] as const;
export const EXPERIMENT_START = 'experiment_start';
const EXPERIMENT_ENDS: ReadonlySet<string> = new Set(['experiment_complete', 'experiment_failed', 'experiment_cancelled']);
export const EXPERIMENT_BOUNDS = [EXPERIMENT_START, 'experiment_complete'] as const;
export const WORKFLOW_TYPES = ['workflow_start', 'workflow_complete'] as const;
/** Logs, workflow steps and the like say nothing of use. */
export const ACTIVITY_TYPES = [
  ...SESSION_TYPES,
  EXPERIMENT_START,
  ...EXPERIMENT_ENDS,
  'node_start',
  'node_stop',
  'node_status_update',
  'action_status_change',
  ...WORKFLOW_TYPES,
] as const;

/** An event as the store gives it. */
export interface StoredEvent {
  type: string;
  /** event_timestamp as it is stored. */
  timestamp: string;
  /** JSON text with at least `source` and `event_data`. */
  json: string;
}

/** An event with its place in time. */
export interface TimedEvent {
  type: string;
  text: string;
  /** Microseconds since the epoch. */
  us: number;
  offsetSeconds: number;
  /** Counts the events of a scan. */
  order: number;
  source: ExactObject;
  data: ExactObject;
}

/** Null when its time cannot be read: such an event counts nowhere. Members that are no objects are read as empty (M49). */
export function timedEvent({ type, timestamp, json }: StoredEvent, order: number): TimedEvent | null {
  const instant = instantOf(timestamp);
  if (instant === null) return null;
  const { source, data } = membersOfUse(json);
  return { type, text: timestamp, us: instant.us, offsetSeconds: instant.offsetSeconds, order, source, data };
}

/** Members whose text or value a report may show. */
const SHOWN = 'node_id node_name node action_id action task_id _id id experiment_id workflow_id workcell_id status'.split(' ');

/** Most events are read by JSON.parse, at a third of the time. Where it would matter that 1.0 is not 1, they are read again, exactly. */
function membersOfUse(json: string): { source: ExactObject; data: ExactObject } {
  const quick = JSON.parse(json) as ExactObject; // JSON.parse makes no other values than exact ones, it only loses some
  const [source, data] = [objectOf(at(quick, 'source')), objectOf(at(quick, 'event_data'))];
  const experiment = at(data, 'experiment');
  const design = at(experiment, 'experiment_design');
  const isAsShown =
    SHOWN.every((name) => isText(at(data, name))) &&
    (experiment === undefined || (isText(at(experiment, '_id')) && isText(at(experiment, 'experiment_id')))) &&
    (design === undefined || isText(at(design, 'experiment_name')));
  if (isAsShown) return { source, data };
  const exact = parseExact(json);
  return { source: objectOf(at(exact, 'source')), data: objectOf(at(exact, 'event_data')) };
}

const isText = (value: ExactValue | undefined): boolean => value === undefined || value === null || typeof value === 'string';

/** What an event says of use, in few bytes: many of these wait in memory to be put in order. */
export interface Activity {
  text: string;
  us: number;
  offsetSeconds: number;
  order: number;
  node: string | null;
  change: Change | null;
}
export type Change =
  | { kind: 'experiment_began' | 'experiment_ended'; experiment: string }
  | { kind: 'node_started' | 'node_stopped' }
  | { kind: 'action_began' | 'action_ended'; action: string };

export function activityOf(event: TimedEvent): Activity {
  const { text, us, offsetSeconds, order } = event;
  return { text, us, offsetSeconds, order, node: nodeId(event), change: changeOf(event) };
}

function changeOf(event: TimedEvent): Change | null {
  const { type } = event;
  if (type === 'node_start') return { kind: 'node_started' };
  if (type === 'node_stop') return { kind: 'node_stopped' };
  if (type === 'action_status_change') return actionChange(event.data);
  const isEnd = EXPERIMENT_ENDS.has(type);
  if (type !== EXPERIMENT_START && !isEnd) return null;
  const experiment = experimentId(event);
  return experiment === null ? null : { kind: isEnd ? 'experiment_ended' : 'experiment_began', experiment };
}

const BEGINS: ReadonlySet<string> = new Set(['running', 'started', 'in_progress']);
const ENDS: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'finished', 'succeeded']);

function actionChange(data: ExactObject): Change | null {
  const action = firstId(data, 'action_id', 'action', 'task_id', '_id', 'id');
  const status = at(data, 'status');
  if (action === null || typeof status !== 'string') return null;
  if (BEGINS.has(status)) return { kind: 'action_began', action };
  return ENDS.has(status) ? { kind: 'action_ended', action } : null;
}

/** The experiment that an event is about (M45). */
export function experimentId({ source, data }: Pick<TimedEvent, 'source' | 'data'>): string | null {
  return firstId(source, 'experiment_id') ?? firstId(data, 'experiment_id') ?? firstId(at(data, 'experiment'), 'experiment_id', '_id');
}

function nodeId({ source, data }: TimedEvent): string | null {
  return firstId(source, 'node_id', 'workcell_id') ?? firstId(data, 'node_id', 'node_name', 'node');
}

/** The first of these members that says something, as text. */
export function firstId(object: ExactValue | undefined, ...names: string[]): string | null {
  for (const name of names) {
    const value = at(object, name);
    if (isTruthy(value)) return pythonStr(value);
  }
  return null;
}
