import { executionId } from '../core/execution-id.ts';
import type { Handler } from '../core/handler.ts';
import { type ExactValue, parseExact } from '../core/json.ts';
import { orderingText } from '../core/ordering.ts';
import type { NewExecution } from '../ports/queue.ts';

/** What fires: an event, a trigger, a failure. Tags and document are asked for only when some handler needs them. */
export interface Firing {
  subjectId: string;
  createdAt: number;
  tags(): readonly string[];
  document(): ExactValue;
  head?: (() => ExactValue) | undefined;
}
export interface Planner {
  /** One execution for each handler that the firing reaches; those with room in memory are leased at once. */
  plan(hook: string, firing: Firing): NewExecution[];
  /** The execution of one handler, whatever its tags and filter say. */
  planFor(handler: Handler, firing: Firing): NewExecution;
}
export interface PlannerOptions {
  match(hook: string, firing: Pick<Firing, 'tags' | 'document' | 'head'>): readonly Handler[];
  isEmpty(hook: string): boolean;
  reserve(handlerId: number): boolean;
  hash(text: string): string;
}

const NONE: NewExecution[] = [];

export function planner({ match, isEmpty, reserve, hash }: PlannerOptions): Planner {
  const planFor = ({ id, hook, current }: Handler, firing: Firing): NewExecution => ({
    id: executionId(firing.subjectId, id, hash),
    handlerId: id,
    handlerVersion: current.version,
    hook,
    state: reserve(id) ? 'leased' : 'pending',
    createdAt: firing.createdAt,
    runAt: firing.createdAt,
    orderingKey: current.orderingKey === null ? null : orderingText(firing.document(), current.orderingKey),
  });
  return {
    planFor,
    plan: (hook, firing) => (isEmpty(hook) ? NONE : match(hook, firing).map((handler) => planFor(handler, firing))),
  };
}

/** A firing over a JSON text that is parsed at most once, and only when asked for. */
export function firingOf(input: {
  subjectId: string;
  createdAt: number;
  json: string;
  tags: () => readonly string[];
  head?: () => ExactValue;
}): Firing {
  let document: ExactValue | undefined;
  let tags: readonly string[] | undefined;
  return {
    subjectId: input.subjectId,
    createdAt: input.createdAt,
    tags: () => (tags ??= input.tags()),
    document: () => (document ??= parseExact(input.json)),
    head: input.head,
  };
}
