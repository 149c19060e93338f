import type { ExecutionError } from '../core/execution.ts';
import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { FiringPlan } from '../ports/queue.ts';
import { MAX_DEPTH } from './effects.ts';
import { firingOf, type Planner } from './plan.ts';
import type { Ready, Subject } from './ready.ts';

export interface Failure {
  item: Ready;
  handler: Handler | null;
  version: HandlerVersion;
  error: ExecutionError;
  at: number;
}

/**
 * The firing of `execution.on_failure` for an execution that is dead, or null when nobody listens.
 * A failure of a failure handler fires nothing, and neither does one at the end of the longest chain: both would go on for ever.
 */
export function failureFiring(failure: Failure, plan: Planner): { plan: FiringPlan; subject: Subject } | null {
  const { item, handler, at } = failure;
  if (item.hook === 'execution.on_failure' || handler === null || item.depth >= MAX_DEPTH) return null;
  const id = `${item.lease.executionId}!${item.lease.attempt}`;
  const payload = failurePayload(failure, handler);
  const tags = failureTags(failure, handler);
  const executions = plan.plan('execution.on_failure', firingOf({ subjectId: id, createdAt: at, json: payload, tags: () => tags }));
  if (executions.length === 0) return null;
  const cause = { executionId: item.lease.executionId, root: item.root, depth: item.depth + 1 };
  return {
    plan: { firing: { id, hook: 'execution.on_failure', payload, tags, createdAt: at, cause }, executions },
    subject: { id, input: payload, tags, root: cause.root, depth: cause.depth },
  };
}

/** The failed handler's own tags, and what failed and why: never none, so tagged failure handlers are not reached by accident (B8). */
function failureTags({ item, version, error }: Failure, handler: Handler): string[] {
  return [...new Set([...version.tags, `handler:${handler.name}`, `hook:${item.hook}`, `reason:${error.reason}`])];
}

/** Written by hand around the event's own text, which is kept as it is. */
function failurePayload({ item, error, at }: Failure, handler: Handler): string {
  const { executionId: id, attempt } = item.lease;
  const execution = { id, hook: item.hook, event_id: item.subjectId, attempt, created_at: iso(item.createdAt), finished_at: iso(at) };
  const about = { id: handler.id, name: handler.name, version: item.handlerVersion };
  return `{"execution":${JSON.stringify(execution)},"handler":${JSON.stringify(about)},"error":${JSON.stringify(error)},"event":${item.input}}`;
}

const iso = (at: number): string => new Date(at).toISOString();
