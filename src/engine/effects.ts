import { emittedId } from '../core/emitted-id.ts';
import { type EventDefaults, type EventLimits, type NormalisedEvent, normaliseEvent, type ValidationIssue } from '../core/event.ts';
import type { Effect, ExecutionError } from '../core/execution.ts';
import { hasScope, type Scope } from '../core/key.ts';
import { checkAddress } from '../core/mail-address.ts';
import { attachmentFault } from '../core/mail-attachment.ts';
import type { StateEffect } from '../ports/queue.ts';

/** What a handler may cause before a chain of events is cut off. */
export const MAX_DEPTH = 8;

export interface CheckedEffects {
  events: NormalisedEvent[];
  state: StateEffect[];
  mails: Extract<Effect, { op: 'mail' }>[];
}
export interface EffectContext {
  /** Scopes of the handler's key now; null when it is revoked or expired. */
  scopes: readonly Scope[] | null;
  depth: number;
  prefix: string;
  defaults: EventDefaults;
  limits: EventLimits;
}

/** Sorts what a run asked for and checks all of it; the first thing that cannot be done is the answer instead, with its place in the source. */
export function checkEffects(effects: readonly Effect[], context: EffectContext): CheckedEffects | ExecutionError {
  const checked: CheckedEffects = { events: [], state: [], mails: [] };
  if (effects.length === 0) return checked;
  if (context.scopes === null) return error('permission', 'The key that this handler acts with is revoked or expired.');
  for (const effect of effects) {
    const fault = take(effect, checked, context);
    if (fault !== null) return fault;
  }
  return checked;
}

function take(effect: Effect, checked: CheckedEffects, context: EffectContext): ExecutionError | null {
  if (effect.op === 'emit') return takeEvent(effect, checked, context);
  if (effect.op !== 'mail') {
    checked.state.push(effect);
    return null;
  }
  const address = checkAddress(effect.to);
  if (!address.ok) return error('rejected', `mail.send: ${address.detail}`);
  const fault = attachmentFault(effect.attachments ?? []);
  if (fault !== null) return error('rejected', `mail.send: ${fault}`);
  checked.mails.push(effect);
  return null;
}

function takeEvent(effect: Extract<Effect, { op: 'emit' }>, checked: CheckedEffects, context: EffectContext): ExecutionError | null {
  const at = { line: effect.line, column: effect.column };
  if (!hasScope(context.scopes ?? [], 'events:write'))
    return { ...error('permission', 'events.emit needs a key with the scope events:write.'), ...at };
  if (context.depth >= MAX_DEPTH)
    return {
      ...error('rejected', `events.emit: the chain of handlers that led here is ${MAX_DEPTH} long already; look for a loop.`),
      ...at,
    };
  const n = checked.events.length;
  const defaults: EventDefaults = { ...context.defaults, newId: () => emittedId(context.prefix, n) };
  const result = normaliseEvent(effect.event, defaults, context.limits);
  if (!result.ok) return { ...error('rejected', `events.emit: ${describe(result.issues)}`), ...at };
  checked.events.push(result.event);
  return null;
}

function describe(issues: readonly ValidationIssue[]): string {
  return issues
    .map(({ loc, msg }) => (loc.length === 0 ? msg : `${loc.join('.')}: ${msg}`))
    .join('; ')
    .slice(0, 2_000);
}

function error(reason: 'permission' | 'rejected', message: string): ExecutionError {
  return { reason, message, line: null, column: null };
}
