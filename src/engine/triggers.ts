import { EngineError, type Fault } from '../core/errors.ts';
import { HANDLER_BOUNDS } from '../core/handler.ts';
import type { Hook } from '../core/hook.ts';
import { JsonNumberError, JsonSyntaxError, parseExact } from '../core/json.ts';
import { pointerTo } from '../core/selector/selector-error.ts';
import type { FireResult, FiringPlan, Queue } from '../ports/queue.ts';
import { firingOf, type Planner } from './plan.ts';

/** What a trigger brings. `payload` is JSON text and is kept as it is. */
export interface TriggerFiring {
  /** Null: a new one is made. */
  id: string | null;
  payload: string;
  tags: readonly string[];
}

/** The hooks of this installation, and firing those that systems outside may fire. */
export interface Triggers {
  hooks(): readonly Hook[];
  /** Throws hook_not_found. */
  hook(name: string): Hook;
  /**
   * Fires an external hook: stores payload and executions in one commit and answers the executions' ids.
   * The same `id` again answers the executions of the first time and makes none. Tags choose handlers as B8 says: with tags those that
   * have any of them or none at all, without tags all handlers of the hook (detail 18).
   * Throws hook_not_found, hook_not_triggerable, or invalid_request for a payload that is not the hook's.
   */
  trigger(name: string, firing: TriggerFiring): Promise<{ id: string; executionIds: string[]; existing: boolean }>;
}

export interface TriggersOptions {
  hooks: readonly Hook[];
  planner: Planner;
  queue: Pick<Queue, 'fire' | 'executionsOf'>;
  now(): number;
  newId(): string;
  /** Told what became of each plan, so that its executions start, or give back the room they reserved; null: the store failed. */
  onFired(plan: FiringPlan, result: FireResult | null): void;
}

const MAX_ID_LENGTH = 200;
const CONTROL = /\p{Cc}/u;

export function triggers({ hooks, planner, queue, now, newId, onFired }: TriggersOptions): Triggers {
  function hook(name: string): Hook {
    const found = hooks.find((each) => each.name === name);
    if (found === undefined) throw new EngineError('hook_not_found', `No hook ${name}`);
    return found;
  }

  function plan(name: string, { id, payload, tags }: TriggerFiring): FiringPlan {
    const createdAt = now();
    const firing = { id: id ?? newId(), hook: name, payload, tags: [...new Set(tags)], createdAt, cause: null };
    const subject = firingOf({ subjectId: firing.id, createdAt, json: payload, tags: () => firing.tags });
    return { firing, executions: planner.plan(name, subject) };
  }

  async function fire(planned: FiringPlan): Promise<FireResult> {
    try {
      const result = await queue.fire(planned);
      onFired(planned, result);
      return result;
    } catch (error) {
      onFired(planned, null);
      throw error;
    }
  }

  return {
    hooks: () => hooks,
    hook,
    async trigger(name, firing) {
      const target = hook(name);
      if (target.kind !== 'external') throw new EngineError('hook_not_triggerable', `${name} fires ${target.fires}`);
      assertValid(target, firing);
      const planned = plan(name, firing);
      const { id } = planned.firing;
      const existing = (await fire(planned)).kind === 'existing';
      const executionIds = existing ? await queue.executionsOf(id) : planned.executions.map((execution) => execution.id);
      return { id, executionIds, existing };
    },
  };
}

function assertValid(hook: Hook, { id, payload, tags }: TriggerFiring): void {
  const faults = [...idFaults(id), ...tagFaults(tags), ...payloadFaults(hook, payload)];
  if (faults.length === 0) return;
  const detail = faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('; ');
  throw new EngineError('invalid_request', detail, { faults });
}

function idFaults(id: string | null): Fault[] {
  if (id === null || isName(id, MAX_ID_LENGTH)) return [];
  return [{ pointer: '/id', detail: `Takes 1 to ${MAX_ID_LENGTH} characters, none of them a control character` }];
}

function tagFaults(tags: readonly string[]): Fault[] {
  if (tags.length > HANDLER_BOUNDS.tags) return [{ pointer: '/tags', detail: `Takes at most ${HANDLER_BOUNDS.tags} tags` }];
  const detail = `Takes 1 to ${HANDLER_BOUNDS.tagLength} characters, none of them a control character`;
  return tags.flatMap((tag, index) => (isName(tag, HANDLER_BOUNDS.tagLength) ? [] : [{ pointer: `/tags/${index}`, detail }]));
}

function isName(text: string, maxLength: number): boolean {
  return text !== '' && text.length <= maxLength && text.isWellFormed() && !CONTROL.test(text);
}

/** The schema sees what JSON.parse makes of the text: it checks the shape, while handlers get the exact numbers. */
function payloadFaults(hook: Hook, payload: string): Fault[] {
  try {
    parseExact(payload);
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof JsonNumberError) return [{ pointer: '/payload', detail: error.message }];
    throw error;
  }
  const { error } = hook.payload.safeParse(JSON.parse(payload));
  return (error?.issues ?? []).map(({ path, message }) => ({
    pointer: path.reduce<string>((pointer, key) => pointerTo(pointer, String(key)), '/payload'),
    detail: message,
  }));
}
