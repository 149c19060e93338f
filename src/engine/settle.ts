import type { NewDelivery } from '../core/delivery.ts';
import type { EventDefaults, EventLimits } from '../core/event.ts';
import type { Effect, ExecutionError, FailureReason, Outcome } from '../core/execution.ts';
import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { Scope } from '../core/key.ts';
import { retryDelay } from '../core/retry.ts';
import type { Submission } from '../ports/event-store.ts';
import type { AttemptSpan, AttemptTracing } from '../ports/tracing.ts';
import { type CommitOptions, commit, type Pending } from './commit-outcomes.ts';
import type { SettleOutcomes } from './dispatch-options.ts';
import { checkEffects } from './effects.ts';
import { failureFiring } from './on-failure.ts';
import type { Planner } from './plan.ts';
import type { EventPlanner } from './plan-events.ts';
import type { Ready } from './ready.ts';

/** Writes the mails of an execution. Pure; the settler only puts them into the commit. */
export interface OutcomeMails {
  finished(input: {
    item: Ready;
    handler: { id: number; name: string };
    version: HandlerVersion;
    outcome: Outcome;
    to: string;
  }): NewDelivery;
  sent(item: Ready, mails: readonly Extract<Effect, { op: 'mail' }>[], at: number): NewDelivery[];
}

export interface SettlerOptions extends CommitOptions {
  plan: Planner;
  planEvent: EventPlanner;
  nameOf(handlerId: number): Handler | null;
  scopesOf(keyId: string): readonly Scope[] | null;
  emitPrefix(item: Ready): string;
  mails: OutcomeMails;
  defaults: EventDefaults;
  limits: EventLimits;
  random(): number;
  tracing?: AttemptTracing | null | undefined;
}

/** Failures that a repetition cannot mend. */
const FINAL: ReadonlySet<FailureReason> = new Set<FailureReason>(['rejected', 'permission', 'load_failed', 'output_too_large', 'expired']);

/** Turns outcomes into commits: outcome, emitted events with their executions, state and mails together, or none of it. */
export function settler(o: SettlerOptions): SettleOutcomes {
  return (ended, done) => {
    void commit(
      o,
      ended.map(({ item, version, outcome }) => prepare(o, item, version, outcome)),
      done,
    );
  };
}

function prepare(o: SettlerOptions, item: Ready, version: HandlerVersion, outcome: Outcome): Pending {
  const span = o.tracing == null ? null : spanOf(o, o.tracing, item, outcome);
  const bury = (error: ExecutionError): Pending => failed(o, { item, version, span }, { ...outcome, kind: 'failed', error });
  return { ...attempted(o, { item, version, span }, outcome), bury };
}

function spanOf(o: SettlerOptions, tracing: AttemptTracing, item: Ready, { startedAt }: Outcome): AttemptSpan {
  return tracing.attempt({ item, handlerName: o.nameOf(item.handlerId)?.name ?? '', startedAt });
}

interface Attempted {
  item: Ready;
  version: HandlerVersion;
  span: AttemptSpan | null;
}

function attempted(o: SettlerOptions, run: Attempted, outcome: Outcome): Pending {
  if (outcome.kind === 'failed') return failed(o, run, outcome);
  const { item, version, span } = run;
  const base = { lease: item.lease, startedAt: outcome.startedAt, finishedAt: outcome.finishedAt, logs: outcome.logs };
  const checked = checkEffects(outcome.effects, {
    scopes: outcome.effects.length === 0 ? [] : o.scopesOf(version.keyId),
    depth: item.depth,
    prefix: outcome.effects.length === 0 ? '' : o.emitPrefix(item),
    defaults: span === null ? o.defaults : { ...o.defaults, trace: span },
    limits: o.limits,
    input: item.input,
    hasAlertAddresses: o.alerts.hasAddresses,
  });
  if ('reason' in checked) return failed(o, run, { ...outcome, kind: 'failed', error: checked });
  const cause = { executionId: item.lease.executionId, root: item.root, depth: item.depth + 1 };
  const events = checked.events.map((event) => o.planEvent(event, cause));
  const finished = finishedMail(o, item, version, outcome);
  const deliveries = [...o.mails.sent(item, checked.mails, outcome.finishedAt), ...(finished === null ? [] : [finished])];
  const submissions: Submission[] = events.map(({ submission }) => submission);
  return {
    settlement: { ...base, kind: 'succeeded', output: outcome.output, events: submissions, state: checked.state, deliveries },
    settled: { item, retryAt: null, leaseLost: false },
    span,
    events,
    firings: [],
    raised: checked.alerts,
  };
}

function failed(o: SettlerOptions, { item, version, span }: Attempted, outcome: Extract<Outcome, { kind: 'failed' }>): Pending {
  const now = o.clock.now();
  const { error } = outcome;
  const base = { lease: item.lease, startedAt: outcome.startedAt, finishedAt: outcome.finishedAt, logs: outcome.logs, error };
  const delay = FINAL.has(error.reason) ? null : retryDelay(version.retry, item.failures + 1, now - item.createdAt, o.random);
  if (delay !== null) {
    const runAt = Math.ceil(now + delay);
    return {
      settlement: { ...base, kind: 'retry', runAt, deliveries: [] },
      settled: { item, retryAt: runAt, leaseLost: false },
      span,
      events: [],
      firings: [],
      raised: [],
    };
  }
  const mail = finishedMail(o, item, version, outcome);
  const firing = failureFiring({ item, handler: o.nameOf(item.handlerId), version, error, at: now }, o.plan);
  const firings = firing === null ? [] : [firing];
  return {
    settlement: { ...base, kind: 'dead', firings: firings.map(({ plan }) => plan), deliveries: mail === null ? [] : [mail] },
    settled: { item, retryAt: null, leaseLost: false },
    span,
    events: [],
    firings,
    raised: [],
  };
}

function finishedMail(o: SettlerOptions, item: Ready, version: HandlerVersion, outcome: Outcome): NewDelivery | null {
  const address = outcome.kind === 'succeeded' ? version.notifyOnSuccess : version.notifyOnFailure;
  if (address === null) return null;
  const name = o.nameOf(item.handlerId)?.name ?? `handler ${item.handlerId}`;
  return o.mails.finished({ item, handler: { id: item.handlerId, name }, version, outcome, to: address });
}
