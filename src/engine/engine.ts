import type { AlertMailSettings } from '../core/alert-mail.ts';
import { documentTags } from '../core/document-tags.ts';
import { emitPrefix } from '../core/emitted-id.ts';
import type { EventDefaults, EventLimits } from '../core/event.ts';
import type { Handler } from '../core/handler.ts';
import type { Hook } from '../core/hook.ts';
import type { MailSite } from '../core/mail-id.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cron } from '../ports/cron.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Log } from '../ports/log.ts';
import type { Mailer } from '../ports/mailer.ts';
import type { Observer } from '../ports/observer.ts';
import type { FireResult, FiringPlan, Queue } from '../ports/queue.ts';
import type { Sandbox } from '../ports/sandbox.ts';
import type { ScheduleStore } from '../ports/schedule-store.ts';
import type { Ticker } from '../ports/ticker.ts';
import type { AttemptTracing } from '../ports/tracing.ts';
import { alertDesk } from './alerts.ts';
import { watchClock } from './clock-watch.ts';
import { type Delivering, startDelivering, together } from './deliver.ts';
import { Dispatcher } from './dispatch.ts';
import { type Executions, executions } from './executions.ts';
import type { LiveHandlers } from './handlers.ts';
import { type Ingest, ingest } from './ingest.ts';
import type { OwnedKeyRing } from './keys.ts';
import { outcomeMails } from './outcome-mails.ts';
import { planner } from './plan.ts';
import { eventPlanner } from './plan-events.ts';
import type { Ready } from './ready.ts';
import { type Schedules, schedules } from './schedules.ts';
import { settler } from './settle.ts';
import { type SharedStore, type Sharing, sharing } from './sharing.ts';
import { type Triggers, triggers } from './triggers.ts';

export interface EngineOptions {
  /** The last three where other servers may work on the store too. */
  store: { events: EventStore; queue: Queue; deliveries: DeliveryStore; schedules: ScheduleStore; alerts: AlertStore } & Partial<
    Omit<SharedStore, 'queue'>
  >;
  handlers: LiveHandlers;
  keys: OwnedKeyRing;
  sandbox: Sandbox;
  mailer: Mailer;
  /** Of alerts: who gets them and how they look, and the way they go where it is another one. */
  alerts: Omit<AlertMailSettings, 'site'> & { mailer: Mailer | null; domain: string };
  site: MailSite;
  hooks: readonly Hook[];
  cron: Cron;
  ticker: Ticker;
  defaults: EventDefaults;
  limits: EventLimits;
  alertLevel: number;
  clock: Clock;
  random(): number;
  /** Hexadecimal, at least 40 characters, the same for ever. */
  hash(text: string): string;
  log: Log;
  observer?: Observer;
  tracing?: AttemptTracing | null;
}

export interface Engine {
  ingest: Ingest;
  triggers: Triggers;
  schedules: Schedules;
  executions: Executions;
  dispatcher: Dispatcher;
  delivering: Delivering;
  readonly stopping: boolean;
  /** Takes nothing more in and gives back what has not started; what is under way may still end until the sandbox is closed. */
  stop(): Promise<void>;
}

/** How long executions under way may go on after a stop was asked for. */
const STOP_GRACE_MS = 5_000;

/** Connects ingest, dispatch, settlement and delivery: the path of an event from its commit to its mails. */
export function createEngine(options: EngineOptions): Engine {
  const { store, handlers, keys, sandbox, random, hash, log, defaults, limits, observer } = options;
  let stopping = false;
  const watch = watchClock({
    clock: options.clock,
    log,
    async onPutBack(byMs) {
      await dispatcher.clockPutBack(byMs);
      delivering.wake();
    },
  });
  const { clock } = watch;
  const scopesOf = (keyId: string) => keys.liveScopes(keyId);
  const prefixOf = ({ lease, replays, createdAt }: Ready) => emitPrefix({ id: lease.executionId, replays, createdAt });

  const isShared = store.queue.shared;
  const outbox = { store: store.deliveries, clock, random, log, isShared, observer };
  const { mailer: alertMailer, domain, ...alertMails } = options.alerts;
  const delivering =
    alertMailer === null
      ? startDelivering({ ...outbox, mailer: options.mailer })
      : together([
          startDelivering({ ...outbox, mailer: options.mailer, lane: 'others' }),
          startDelivering({ ...outbox, mailer: alertMailer, lane: 'alerts' }),
        ]);
  const shared = sharedStore(store);
  const others: Sharing | null =
    shared && sharing({ store: shared, handlers, keys, dispatcher: () => dispatcher, delivering, clock, random, log });
  const plan = planner({
    match: (hook, firing) => handlers.match(hook, firing),
    isEmpty: (hook) => handlers.isEmpty(hook),
    reserve: (id) => dispatcher.reserve(id),
    hash,
  });
  const planEvent = eventPlanner({ plan, alertLevel: options.alertLevel, now: clock.now });
  const settle = settler({
    queue: store.queue,
    plan,
    planEvent,
    dispatcher: () => dispatcher,
    nameOf: (id) => handlers.find(id),
    scopesOf,
    emitPrefix: prefixOf,
    mails: outcomeMails(options.site),
    alerts: alertDesk({ store: store.alerts, mails: { ...alertMails, site: { domain, digest: options.site.digest } }, now: clock.now }),
    defaults,
    limits,
    clock,
    random,
    log,
    observer,
    tracing: options.tracing,
    onDeliveries: () => delivering.wake(),
  });
  const dispatcher: Dispatcher = new Dispatcher({
    queue: store.queue,
    sandbox,
    handlers: { runnable: (id) => runnable(handlers, id), versionOf: (id, version) => handlers.versionOf(id, version) },
    settle,
    share: others?.share,
    emitPrefix: prefixOf,
    tagsOf: documentTags,
    clock,
    log,
  });
  handlers.onChange((id, change) => {
    if (change === 'removed') void dispatcher.handlerRemoved(id);
    else dispatcher.handlerChanged(id);
  });
  const onFired = ({ firing, executions: planned }: FiringPlan, result: FireResult | null): void => {
    const subject = { id: firing.id, input: firing.payload, tags: firing.tags, root: firing.id, depth: 0 };
    if (result?.kind === 'stored') dispatcher.admit(subject, planned, result.refs);
    else dispatcher.abandon(planned);
  };
  const scheduled = schedules({
    store: store.schedules,
    leadership: store.leadership,
    queue: store.queue,
    handlers,
    planner: plan,
    cron: options.cron,
    ticker: options.ticker,
    clock,
    newId: defaults.newId,
    onFired,
    log,
  });
  others?.start();

  return {
    dispatcher,
    delivering,
    ingest: ingest({ events: store.events, planEvent, dispatcher, defaults, limits, stopping: () => stopping }),
    executions: executions({ queue: store.queue, dispatcher, handlers, now: clock.now }),
    triggers: triggers({
      hooks: options.hooks,
      planner: plan,
      queue: store.queue,
      now: clock.now,
      newId: defaults.newId,
      onFired,
    }),
    schedules: scheduled,
    get stopping() {
      return stopping;
    },
    async stop() {
      stopping = true;
      watch.stop();
      others?.pause();
      // Mails that do not leave now are in the outbox: there is no need to wait for the outcomes first.
      await Promise.all([scheduled.stop(), dispatcher.stop(STOP_GRACE_MS), delivering.stop()]);
      await others?.stop();
    },
  };
}

function runnable(handlers: LiveHandlers, id: number): Handler | null {
  const handler = handlers.find(id);
  return handler !== null && handlers.stateOf(handler) === 'enabled' ? handler : null;
}

function sharedStore({ queue, signals, leadership, health }: EngineOptions['store']): SharedStore | null {
  if (!queue.shared || signals === undefined || leadership === undefined) return null;
  return { queue, signals, leadership, ...(health && { health }) };
}
