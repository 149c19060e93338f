import type { RaisedAlert } from '../core/alert.ts';
import type { NewDelivery } from '../core/delivery.ts';
import { EngineError } from '../core/errors.ts';
import type { EventDefaults, EventLimits } from '../core/event.ts';
import type { Effect, FailureReason, Outcome } from '../core/execution.ts';
import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { Scope } from '../core/key.ts';
import { retryDelay } from '../core/retry.ts';
import type { Clock } from '../ports/clock.ts';
import type { AppendResult, Submission } from '../ports/event-store.ts';
import type { Log } from '../ports/log.ts';
import type { EndedAttempt, Observer } from '../ports/observer.ts';
import type { FireResult, FiringPlan, Queue, Settlement, SettleResult } from '../ports/queue.ts';
import type { AlertDesk } from './alerts.ts';
import type { Dispatcher, SettledExecution, SettleOutcomes } from './dispatch.ts';
import { checkEffects } from './effects.ts';
import { failureFiring } from './on-failure.ts';
import type { Planner } from './plan.ts';
import type { EventPlanner, PlannedEvent } from './plan-events.ts';
import type { Ready, Subject } from './ready.ts';

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

export interface SettlerOptions {
  queue: Queue;
  plan: Planner;
  planEvent: EventPlanner;
  dispatcher(): Pick<Dispatcher, 'admit' | 'abandon'>;
  nameOf(handlerId: number): Handler | null;
  scopesOf(keyId: string): readonly Scope[] | null;
  emitPrefix(item: Ready): string;
  mails: OutcomeMails;
  alerts: AlertDesk;
  defaults: EventDefaults;
  limits: EventLimits;
  clock: Clock;
  random(): number;
  log: Log;
  observer?: Pick<Observer, 'attemptEnded'> | undefined;
  /** Called after a commit that wrote deliveries. */
  onDeliveries(): void;
}

/** Failures that a repetition cannot mend. */
const FINAL: ReadonlySet<FailureReason> = new Set<FailureReason>(['rejected', 'permission', 'load_failed', 'output_too_large', 'expired']);
const STORE_RETRY_MS = [100, 200, 500, 1_000, 2_000, 5_000];

interface Pending {
  settlement: Exclude<Settlement, { kind: 'released' }>;
  settled: SettledExecution;
  events: PlannedEvent[];
  firings: { plan: FiringPlan; subject: Subject }[];
  /** What is not decided yet; afterwards its mails are in the settlement. */
  raised: readonly RaisedAlert[];
}

/** Turns outcomes into commits: outcome, emitted events with their executions, state and mails together, or none of it. */
export function settler(o: SettlerOptions): SettleOutcomes {
  return (ended, done) => {
    const pending = ended.map(({ item, version, outcome }) => prepare(o, item, version, outcome));
    void commit(o, pending, done);
  };
}

function prepare(o: SettlerOptions, item: Ready, version: HandlerVersion, outcome: Outcome): Pending {
  const base = { lease: item.lease, startedAt: outcome.startedAt, finishedAt: outcome.finishedAt, logs: outcome.logs };
  if (outcome.kind === 'failed') return failed(o, item, version, outcome);
  const checked = checkEffects(outcome.effects, {
    scopes: outcome.effects.length === 0 ? [] : o.scopesOf(version.keyId),
    depth: item.depth,
    prefix: outcome.effects.length === 0 ? '' : o.emitPrefix(item),
    defaults: o.defaults,
    limits: o.limits,
    input: item.input,
    hasAlertAddresses: o.alerts.hasAddresses,
  });
  if ('reason' in checked) return failed(o, item, version, { ...outcome, kind: 'failed', error: checked });
  const cause = { executionId: item.lease.executionId, root: item.root, depth: item.depth + 1 };
  const events = checked.events.map((event) => o.planEvent(event, cause));
  const finished = finishedMail(o, item, version, outcome);
  const deliveries = [...o.mails.sent(item, checked.mails, outcome.finishedAt), ...(finished === null ? [] : [finished])];
  const submissions: Submission[] = events.map(({ submission }) => submission);
  return {
    settlement: { ...base, kind: 'succeeded', output: outcome.output, events: submissions, state: checked.state, deliveries },
    settled: { item, retryAt: null, leaseLost: false },
    events,
    firings: [],
    raised: checked.alerts,
  };
}

function failed(o: SettlerOptions, item: Ready, version: HandlerVersion, outcome: Extract<Outcome, { kind: 'failed' }>): Pending {
  const now = o.clock.now();
  const { error } = outcome;
  const base = { lease: item.lease, startedAt: outcome.startedAt, finishedAt: outcome.finishedAt, logs: outcome.logs, error };
  const delay = FINAL.has(error.reason) ? null : retryDelay(version.retry, item.failures + 1, now - item.createdAt, o.random);
  if (delay !== null) {
    const runAt = Math.ceil(now + delay);
    return {
      settlement: { ...base, kind: 'retry', runAt, deliveries: [] },
      settled: { item, retryAt: runAt, leaseLost: false },
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

/** The store may be down or full for a while: outcomes wait in memory and are written as soon as it takes them. */
async function commit(o: SettlerOptions, pending: Pending[], done: (settled: SettledExecution[]) => void, before = 0): Promise<void> {
  for (let tries = before; ; tries++) {
    const { results, isDown } = await tryToSettle(o, pending, tries);
    if (results !== null) return done(settledOf(o, pending, results));
    await new Promise<void>((resolve) => o.clock.after(STORE_RETRY_MS[Math.min(tries, STORE_RETRY_MS.length - 1)] as number, resolve));
    if (pending.length === 1 || isDown) continue;
    // One that the store refuses for good must not hold the others back.
    for (const one of pending) void commit(o, [one], done, tries + 1);
    return;
  }
}

/** Before the commit, and once: a settlement that is tried again must be the same one. */
async function decideAlerts(o: SettlerOptions, one: Pending): Promise<void> {
  const { lease, finishedAt, deliveries } = one.settlement;
  const mails = await o.alerts.mailsOf(one.raised, { executionId: lease.executionId, at: finishedAt });
  one.settlement = { ...one.settlement, deliveries: [...deliveries, ...mails] };
  one.raised = [];
}

/** `isDown`: none of them was looked at. A store in this process is never down, it only refuses. */
async function tryToSettle(
  o: SettlerOptions,
  pending: readonly Pending[],
  tries: number,
): Promise<{ results: SettleResult[] | null; isDown: boolean }> {
  try {
    const raising = pending.filter(({ raised }) => raised.length > 0);
    if (raising.length > 0) await Promise.all(raising.map((one) => decideAlerts(o, one)));
    return { results: await o.queue.settle(pending.map(({ settlement }) => settlement)), isDown: false };
  } catch (error) {
    o.log(tries === 0 ? 'warn' : 'error', 'outcomes could not be written yet', { count: pending.length, tries, error });
    return { results: null, isDown: o.queue.shared && error instanceof EngineError && error.code === 'store_unavailable' };
  }
}

function settledOf(o: SettlerOptions, pending: readonly Pending[], results: readonly SettleResult[]): SettledExecution[] {
  for (const [index, one] of pending.entries()) {
    const result = results[index] as SettleResult;
    written(o, one, result);
    o.observer?.attemptEnded(endedOf(one, result));
  }
  if (pending.some(hasDeliveries)) o.onDeliveries();
  return pending.map(({ settled }, index) => ({
    ...settled,
    retryAt: lost(results[index]) ? null : settled.retryAt,
    leaseLost: lost(results[index]),
  }));
}

const lost = (result: SettleResult | undefined): boolean => result?.kind === 'lease_lost';
const hasDeliveries = ({ settlement }: Pending): boolean => settlement.deliveries.length > 0;

const NAME_OF = { succeeded: 'succeeded', retry: 'retried', dead: 'dead' } as const;

function endedOf({ settlement, settled: { item } }: Pending, result: SettleResult): EndedAttempt {
  const { kind, finishedAt, startedAt } = settlement;
  return {
    item,
    result: result.kind === 'lease_lost' ? 'lease_lost' : NAME_OF[kind],
    reason: kind === 'succeeded' ? null : settlement.error.reason,
    startedAt: startedAt ?? finishedAt,
    finishedAt,
    emitted: result.kind === 'lease_lost' ? 0 : result.events.reduce((count, event) => count + (event.kind === 'stored' ? 1 : 0), 0),
  };
}

/** What the outcome caused is stored: its executions run now; what was not stored gives its places back. */
function written(o: SettlerOptions, { events, firings }: Pending, result: SettleResult): void {
  const admit = (subject: Subject, submission: Pick<Submission, 'executions'>, stored: AppendResult | FireResult | undefined): void => {
    if (stored?.kind === 'stored') o.dispatcher().admit(subject, submission.executions, stored.refs);
    else o.dispatcher().abandon(submission.executions);
  };
  const settled = result.kind === 'settled' ? result : null;
  for (const [index, { subject, submission }] of events.entries()) admit(subject, submission, settled?.events[index]);
  for (const [index, { subject, plan }] of firings.entries()) admit(subject, plan, settled?.firings[index]);
}
