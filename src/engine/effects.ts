import { IMPORTANCES, type RaisedAlert } from '../core/alert.ts';
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
  alerts: RaisedAlert[];
}
export interface EffectContext {
  /** Scopes of the handler's key now; null when it is revoked or expired. */
  scopes: readonly Scope[] | null;
  depth: number;
  prefix: string;
  defaults: EventDefaults;
  limits: EventLimits;
  /** JSON text of what fired. */
  input: string;
  /** Whether an alert that names nobody reaches anybody. */
  hasAlertAddresses: boolean;
}

/** Sorts what a run asked for and checks all of it; the first thing that cannot be done is the answer instead, with its place in the source. */
export function checkEffects(effects: readonly Effect[], context: EffectContext): CheckedEffects | ExecutionError {
  const checked: CheckedEffects = { events: [], state: [], mails: [], alerts: [] };
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
  if (effect.op === 'alert') return takeAlert(effect, checked, context);
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

/** Alerts without an id of their own are numbered from here, beyond all that a run may emit. */
const FIRST_ALERT = 1_000;
/** What was stored is an event whatever the settings say by now. */
const STORED = { allowCustomTypes: true, allowAnySourceIds: true };

function takeAlert(effect: Extract<Effect, { op: 'alert' }>, checked: CheckedEffects, context: EffectContext): ExecutionError | null {
  const at = { line: effect.line, column: effect.column };
  const fault = alertFault(effect, context);
  if (fault !== null) return { ...fault, ...at };
  const n = FIRST_ALERT + checked.alerts.length;
  const defaults: EventDefaults = { ...context.defaults, newId: () => emittedId(context.prefix, n) };
  const limits = effect.event === null ? { ...context.limits, ...STORED } : context.limits;
  const result = normaliseEvent(effect.event ?? context.input, defaults, limits);
  if (!result.ok) return { ...error('rejected', `alerts.raise: ${describe(result.issues)}`), ...at };
  checked.alerts.push({ event: result.event, to: effect.to, importance: effect.importance });
  return null;
}

function alertFault({ to, importance }: Extract<Effect, { op: 'alert' }>, context: EffectContext): ExecutionError | null {
  if (!hasScope(context.scopes ?? [], 'alerts:write')) return error('permission', 'alerts.raise needs a key with the scope alerts:write.');
  if (importance !== null && !IMPORTANCES.some((each) => each === importance))
    return error('rejected', `alerts.raise: importance is ${IMPORTANCES.join(', ')}`);
  if (to === null && !context.hasAlertAddresses)
    return error(
      'rejected',
      'alerts.raise: there is nobody to tell: set EVENT_EMAIL_ALERTS with email_addresses, or name addresses in "to"',
    );
  for (const address of to ?? []) {
    const checked = checkAddress(address);
    if (!checked.ok) return error('rejected', `alerts.raise: ${checked.detail}`);
  }
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
