/** Workflows, put together from their start and their end (M47). */
import { Double, type ExactObject, type ExactValue, isObject } from '../json.ts';
import { pythonStr } from '../python-text.ts';
import { type TimedEvent, timedEvent, WORKFLOW_TYPES } from './activity.ts';
import { instantOf, SECOND_US } from './iso-time.ts';
import { at, isTruthy, strip } from './python-words.ts';
import type { ActivitySource } from './source.ts';
import { type Span, textRange, wideRange } from './windows.ts';

export interface Workflow {
  id: string;
  name: string;
  author: string | null;
  startUs: number | null;
  endUs: number | null;
  status: string;
  durationSeconds: number | null;
  /** What its first event says of an author, and its end of a duration and of success, without looking further. */
  statesAuthor: boolean;
  statedSeconds: number | null;
  isStatedCompleted: boolean;
}

/** Those with an event in the span, in the order of the texts of their first; by instants only when no text lies in it (M44). */
export async function readWorkflows(span: Span, source: ActivitySource): Promise<Workflow[]> {
  const range = textRange(span);
  const read = async (belongs: (event: TimedEvent) => boolean): Promise<{ taken: number; missed: number; found: Workflow[] }> => {
    const workflows = new Workflows();
    let [taken, missed, order] = [0, 0, 0];
    await source.scan({ types: WORKFLOW_TYPES, range: wideRange(span), order: 'time' }, (stored) => {
      const event = timedEvent(stored, order++);
      if (event === null) return;
      if (belongs(event)) {
        taken++;
        workflows.take(event);
      } else if (isInside(event, span)) missed++;
    });
    return { taken, missed, found: workflows.all };
  };
  const { taken, missed, found } = await read(({ text }) => text >= range.from && text <= range.to);
  return taken > 0 || missed === 0 ? found : (await read((event) => isInside(event, span))).found;
}

const isInside = ({ us }: TimedEvent, { startUs, endUs }: Span): boolean => us >= startUs && us <= endUs;

class Workflows {
  readonly #byKey = new Map<string, Workflow>();

  get all(): Workflow[] {
    return [...this.#byKey.values()];
  }

  take({ type, us, data }: TimedEvent): void {
    const id = at(data, 'workflow_id');
    const key = isTruthy(id) ? keyOf(id) : null;
    if (key === null) return;
    const workflow = this.#byKey.get(key) ?? newWorkflow(pythonStr(id as ExactValue), data); // a key is of a value
    this.#byKey.set(key, workflow);
    workflow.author ??= authorIn(data);
    if (type === 'workflow_start') {
      workflow.startUs = us;
      workflow.status = 'started';
    } else complete(workflow, us, data);
  }
}

/** As keys of a Python dict: 1, 1.0 and true are the same one; objects and lists are none. */
function keyOf(id: ExactValue): string | null {
  if (typeof id === 'string') return `"${id}`;
  if (id === true) return '1';
  if (id instanceof Double) return `${id.value}`;
  return typeof id === 'number' || typeof id === 'bigint' ? `${id}` : null;
}

function newWorkflow(id: string, data: ExactObject): Workflow {
  const author = at(data, 'author');
  const name = [at(data, 'name'), at(data, 'workflow_name')].find((each) => typeof each === 'string' && each !== '');
  return {
    id,
    name: (name as string | undefined) ?? 'Unknown', // only texts were looked for
    author: null,
    startUs: null,
    endUs: null,
    status: 'unknown',
    durationSeconds: null,
    statesAuthor: typeof author === 'string' && strip(author) !== '',
    statedSeconds: null,
    isStatedCompleted: false,
  };
}

function authorIn(data: ExactObject): string | null {
  for (const place of [data, at(data, 'definition_metadata'), at(data, 'workflow_definition_metadata')]) {
    const author = at(place, 'author');
    if (typeof author === 'string' && strip(author) !== '') return strip(author);
  }
  return null;
}

function complete(workflow: Workflow, us: number, data: ExactObject): void {
  const status = at(data, 'status');
  workflow.endUs = us;
  workflow.status = statusIn(status);
  workflow.statedSeconds = secondsIn(at(data, 'duration_seconds'));
  workflow.isStatedCompleted = status === undefined || status === 'completed';
  workflow.durationSeconds = workflow.statedSeconds ?? durationOf(workflow, us) ?? statedDuration(data);
}

const FLAGS = ['completed', 'failed', 'cancelled', 'running'] as const;

/** A word, or an object with a flag for each state and a description; completed when it says nothing. */
function statusIn(status: ExactValue | undefined): string {
  if (typeof status === 'string') return status;
  if (!isObject(status)) return 'completed';
  const description = at(status, 'description');
  const words = typeof description === 'string' ? description.toLowerCase() : '';
  return FLAGS.find((flag) => isTruthy(at(status, flag))) ?? FLAGS.find((flag) => words.includes(flag)) ?? 'completed';
}

/** A number of seconds; a text is none (M49). */
function secondsIn(value: ExactValue | undefined): number | null {
  if (value instanceof Double) return value.value;
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : null;
}

function durationOf({ startUs }: Workflow, endUs: number): number | null {
  return startUs === null ? null : (endUs - startUs) / SECOND_US;
}

/** From the times that the end itself states. */
function statedDuration(data: ExactObject): number | null {
  const [start, end] = [at(data, 'start_time'), at(data, 'end_time')].map((text) => (typeof text === 'string' ? instantOf(text) : null));
  return start == null || end == null ? null : (end.us - start.us) / SECOND_US;
}
