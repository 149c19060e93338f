import type { RaisedAlert } from '../core/alert.ts';
import { EngineError } from '../core/errors.ts';
import type { ExecutionError } from '../core/execution.ts';
import type { Clock } from '../ports/clock.ts';
import type { AppendResult, Submission } from '../ports/event-store.ts';
import type { Log } from '../ports/log.ts';
import type { EndedAttempt, Observer } from '../ports/observer.ts';
import type { FireResult, FiringPlan, Queue, Settlement, SettleResult } from '../ports/queue.ts';
import type { AttemptSpan } from '../ports/tracing.ts';
import type { AlertDesk } from './alerts.ts';
import type { Dispatcher } from './dispatch.ts';
import type { SettledExecution } from './dispatch-options.ts';
import type { PlannedEvent } from './plan-events.ts';
import type { Subject } from './ready.ts';

/** An outcome that is ready to be written, and what it causes. */
export interface Pending {
  settlement: Exclude<Settlement, { kind: 'released' }>;
  settled: SettledExecution;
  span: AttemptSpan | null;
  events: PlannedEvent[];
  firings: { plan: FiringPlan; subject: Subject }[];
  /** What is not decided yet; afterwards its mails are in the settlement. */
  raised: readonly RaisedAlert[];
  /** The same run as a failure for good, should the store never take what it is. */
  bury?(error: ExecutionError): Pending;
}
export interface CommitOptions {
  queue: Queue;
  alerts: AlertDesk;
  dispatcher(): Pick<Dispatcher, 'admit' | 'abandon'>;
  clock: Clock;
  log: Log;
  observer?: Pick<Observer, 'attemptEnded'> | undefined;
  /** Called after a commit that wrote deliveries. */
  onDeliveries(): void;
}

const STORE_RETRY_MS = [100, 200, 500, 1_000, 2_000, 5_000];
/** An outcome that was refused so often, 4 s and more, may be what the store will never take. */
const TRIES_BEFORE_BURIAL = 5;

/**
 * The store may be down or full for a while: outcomes wait in memory and are written as soon as it takes them. One that it refuses again and
 * again while it takes another in its place is buried: the execution is dead, with the reason.
 */
export async function commit(o: CommitOptions, pending: Pending[], done: (settled: SettledExecution[]) => void, before = 0): Promise<void> {
  for (let tries = before; ; tries++) {
    const { results, error } = await tryToSettle(o, pending, tries);
    if (results !== null) return done(settledOf(o, pending, results));
    const [first] = pending;
    if (pending.length === 1 && first !== undefined && isStuck(error, tries)) {
      const buried = await bury(o, first, error);
      if (buried !== null) return done(buried);
    }
    await new Promise<void>((resolve) => o.clock.after(STORE_RETRY_MS[Math.min(tries, STORE_RETRY_MS.length - 1)] as number, resolve));
    if (pending.length === 1 || isDown(o, error)) continue;
    // One that the store refuses for good must not hold the others back.
    for (const one of pending) void commit(o, [one], done, tries + 1);
    return;
  }
}

/** Before the commit, and once: a settlement that is tried again must be the same one. */
async function decideAlerts(o: CommitOptions, one: Pending): Promise<void> {
  const { lease, finishedAt, deliveries } = one.settlement;
  const mails = await o.alerts.mailsOf(one.raised, { executionId: lease.executionId, at: finishedAt });
  one.settlement = { ...one.settlement, deliveries: [...deliveries, ...mails] };
  one.raised = [];
}

async function tryToSettle(
  o: CommitOptions,
  pending: readonly Pending[],
  tries: number,
): Promise<{ results: readonly SettleResult[] | null; error: unknown }> {
  try {
    const raising = pending.filter(({ raised }) => raised.length > 0);
    if (raising.length > 0) await Promise.all(raising.map((one) => decideAlerts(o, one)));
    return { results: await o.queue.settle(pending.map(({ settlement }) => settlement)), error: null };
  } catch (error) {
    o.log(tries === 0 ? 'warn' : 'error', 'outcomes could not be written yet', { count: pending.length, tries, error });
    return { results: null, error };
  }
}

/** Then none of them was looked at. A store in this process is never down, it only refuses. */
function isDown(o: CommitOptions, error: unknown): boolean {
  return o.queue.shared && error instanceof EngineError && error.code === 'store_unavailable';
}

/** A full disk says nothing about the outcome, one that is too large says it at once. */
function isStuck(error: unknown, tries: number): boolean {
  const code = error instanceof EngineError ? error.code : null;
  if (code === 'store_full' || code === 'overloaded') return false;
  return code === 'body_too_large' || tries >= TRIES_BEFORE_BURIAL;
}

/** Null when the store takes that neither: then it is the store, and the outcome waits on. */
async function bury(o: CommitOptions, original: Pending, refusal: unknown): Promise<SettledExecution[] | null> {
  const isTooLarge = refusal instanceof EngineError && refusal.code === 'body_too_large';
  const message = `The store does not take what this run left behind: ${refusal instanceof EngineError ? refusal.message : 'it fails to write it.'}`;
  const error: ExecutionError = { reason: isTooLarge ? 'output_too_large' : 'rejected', message, line: null, column: null };
  const dead = original.bury?.(error);
  for (const one of dead === undefined ? [] : [dead, bare(dead)]) {
    const results = await o.queue.settle([one.settlement]).catch(() => null);
    if (results !== null) {
      o.log('error', 'an outcome was buried, because the store never takes it', {
        executionId: one.settlement.lease.executionId,
        error: refusal,
      });
      abandon(o, original);
      if (one !== dead && dead !== undefined) abandon(o, dead);
      return settledOf(o, [one], results);
    }
  }
  if (dead !== undefined) abandon(o, dead);
  return null;
}

/** Without anything that could be what is refused: the mail about it, the failure handlers, the logs. */
function bare({ settlement, ...rest }: Pending): Pending {
  if (settlement.kind !== 'dead') return { settlement, ...rest };
  return { ...rest, settlement: { ...settlement, logs: [], deliveries: [], firings: [] }, firings: [] };
}

function abandon(o: CommitOptions, { events, firings }: Pending): void {
  for (const { submission } of events) o.dispatcher().abandon(submission.executions);
  for (const { plan } of firings) o.dispatcher().abandon(plan.executions);
}

function settledOf(o: CommitOptions, pending: readonly Pending[], results: readonly SettleResult[]): SettledExecution[] {
  for (const [index, one] of pending.entries()) {
    const result = results[index] as SettleResult;
    written(o, one, result);
    if (o.observer === undefined && one.span === null) continue;
    const ended = endedOf(one, result);
    o.observer?.attemptEnded(ended);
    one.span?.end(ended, one.settlement.kind === 'succeeded' ? null : one.settlement.error);
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
function written(o: CommitOptions, { events, firings }: Pending, result: SettleResult): void {
  const admit = (subject: Subject, submission: Pick<Submission, 'executions'>, stored: AppendResult | FireResult | undefined): void => {
    if (stored?.kind === 'stored') o.dispatcher().admit(subject, submission.executions, stored.refs);
    else o.dispatcher().abandon(submission.executions);
  };
  const settled = result.kind === 'settled' ? result : null;
  for (const [index, { subject, submission }] of events.entries()) admit(subject, submission, settled?.events[index]);
  for (const [index, { subject, plan }] of firings.entries()) admit(subject, plan, settled?.firings[index]);
}
