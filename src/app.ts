import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { HOOKS } from '../hooks/index.ts';
import { cron } from './adapters/cron/cron.ts';
import { nodeCronTicker } from './adapters/cron/ticker.ts';
import { nodeCryptography } from './adapters/crypto.ts';
import { emlMailer } from './adapters/eml/mailer.ts';
import { exportFolder } from './adapters/files/export-folder.ts';
import { isolateSandbox } from './adapters/isolate/sandbox.ts';
import { smtpMailer } from './adapters/smtp/mailer.ts';
import { systemClock } from './adapters/system/clock.ts';
import { ulidFactory } from './adapters/system/ids.ts';
import { localDay, localTime } from './adapters/system/local-time.ts';
import { alertDestination, alertMailer, alertMailSettings } from './alerting.ts';
import { backupMaker } from './backup-maker.ts';
import { backupScheduleOf, backupSettings } from './backups.ts';
import { builtIns } from './built-ins.ts';
import type { Config } from './config.ts';
import { DEFAULT_EVENT_LIMITS } from './core/event.ts';
import { checkSender, messageIdDomain, type Sender } from './core/mail-address.ts';
import { backupService } from './engine/backup-service.ts';
import { installBuiltIns } from './engine/built-ins.ts';
import { createEngine, type Engine } from './engine/engine.ts';
import { handlerRegistry } from './engine/handlers.ts';
import { hostCalls } from './engine/host-calls.ts';
import { keyRing } from './engine/keys.ts';
import { createReports } from './engine/reports.ts';
import { inStartTurn } from './engine/start-turn.ts';
import { healthOf } from './health.ts';
import type { HttpDeps } from './http/deps.ts';
import { routes } from './http/routes.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import { allowedHosts, listenFault, rateLimitsOf, visitable } from './listening.ts';
import { metering } from './metering.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { Mailer } from './ports/mailer.ts';
import { RELEASE } from './release.ts';
import { retentionOf } from './retention.ts';
import { publicSettings } from './settings.ts';
import { openStore } from './stores.ts';
import { openTracing, tracingState } from './tracing.ts';

/** Parts that tests replace. */
export interface Overrides {
  clock?: Clock;
  mailer?: Mailer;
  random?: () => number;
}
export interface App extends AsyncDisposable {
  /** Where it listens. */
  url: string;
  /** Only after the first start: the admin key, shown this once. */
  adminKey: string | null;
  mailDestination: string;
  /** Where alerts go, and to how many addresses; null when nobody is to be told. */
  alertDestination: string | null;
  /** Attempts that a crash cut off; their executions run again. */
  lostAttempts: number;
  engine: Engine;
}

const RESULT_BYTES = 268_435_456;

/** Wires the whole server and starts it. What is built is taken down in reverse order, also when a later part fails. */
export async function startApp(config: Config, log: Log, overrides: Overrides = {}): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const { clock = systemClock, random = Math.random } = overrides;
  const newId = ulidFactory();
  const figures = metering({ version: RELEASE, store: config.EVENT_DB_URL === undefined ? 'sqlite' : 'mongodb' });
  const tracing = await openTracing(config, log);
  if (tracing !== null) stack.use(tracing);
  const parts = { serverId: newId(), release: RELEASE, resultBytes: RESULT_BYTES, clock, log };
  const opened = stack.use(await openStore(config, parts));
  const store = figures.store(opened);
  const isShared = store.queue.shared;
  const managerId = config.MANAGER_ID ?? (await store.keys.keepSetting('manager_id', config.registeredId ?? newId()));

  const report = (what: string) => (error: unknown) => log('error', what, { error });
  // What looks at the store first and writes then: servers that start together must not each make an admin key, or revoke each other's.
  const inTurn = <T>(work: () => Promise<T>) => inStartTurn({ leadership: store.leadership, clock }, work);
  const keys = stack.use(
    await keyRing({
      store: store.keys,
      isShared,
      exclusively: (work) => inTurn(work),
      crypto: nodeCryptography,
      clock,
      report: report('the last uses of keys were not written'),
    }),
  );
  const ensureAdminKey = (preset: string | null) => inTurn(() => keys.ensureAdminKey(preset));
  if (config.ADMIN_KEY !== undefined) await ensureAdminKey(config.ADMIN_KEY);
  const from = senderOf(config.MAIL_FROM);
  const mailer = stack.use(overrides.mailer ?? mailerOf(config, from));
  const alerts = { ...alertMailSettings(config, from), mailer: overrides.mailer === undefined ? stack.use(alertMailer(config)) : null };
  const reports = createReports({ store: store.reports, exports: exportFolder(config.EXPORT_DIR), clock, localDay });
  const host = hostCalls({ events: store.events, queue: store.queue, reports, scopesOf: (keyId) => keys.liveScopes(keyId) });
  const sandbox = stack.use(await isolateSandbox({ runners: config.RUNNERS ?? Math.max(2, availableParallelism()), host, log }));
  const handlers = await handlerRegistry({
    store: store.handlers,
    isShared,
    sandbox,
    keys,
    hooks: HOOKS,
    cron,
    now: clock.now,
    report: report('a stored handler matches nothing'),
  });

  await inTurn(() => installBuiltIns({ store: store.keys, keys, handlers }, builtIns(config)));

  let url = '';
  const { guard } = store;
  const engine = createEngine({
    store: guard === undefined ? store : { ...store, health: guard },
    handlers,
    keys,
    sandbox,
    mailer,
    alerts,
    site: {
      get publicUrl() {
        return config.PUBLIC_URL ?? url;
      },
      domain: messageIdDomain(from.address),
      version: RELEASE,
      digest: sha256,
    },
    hooks: HOOKS,
    cron,
    ticker: nodeCronTicker,
    defaults: { newId, managerId, ...localTime() },
    limits: { ...DEFAULT_EVENT_LIMITS, allowCustomTypes: config.ALLOW_CUSTOM_EVENT_TYPES, allowAnySourceIds: config.ALLOW_ANY_SOURCE_IDS },
    alertLevel: config.ALERT_LEVEL,
    clock,
    random,
    hash: sha1,
    log,
    observer: figures.observer,
    tracing,
  });
  const retention = retentionOf(config, { store, clock, log });
  stack.defer(() => retention.stop());
  figures.watch({ store, sandbox, handlers, engine, retention });
  const ingest = figures.ingest(engine.ingest);
  const backups = backupService({
    maker: backupMaker(backupSettings(config)),
    ingest: engine.ingest,
    schedule: backupScheduleOf(config, clock.now()),
    settings: store.keys,
    leadership: store.leadership,
    clock,
    log,
  });
  let server: HttpServer | null = null;
  // Together, so that slow requests and slow handlers share the time that a stop may take.
  stack.defer(async () => void (await Promise.all([backups.stop(), engine.stop(), server?.close()])));
  const lostAttempts = await engine.dispatcher.recover();
  engine.schedules.start();

  const deps: HttpDeps = {
    // While the store is silent, whoever asked is answered before what became of it is known; the engine waits for that.
    ingest: guard?.wrap(ingest) ?? ingest,
    triggers: guard?.wrap(engine.triggers, { always: ['hook', 'hooks'] }) ?? engine.triggers,
    executions: engine.executions,
    schedules: engine.schedules,
    events: store.events,
    handlers,
    keys,
    deliveries: store.deliveries,
    backups: { ...backups, isEnabled: config.BACKUP_ENABLED, folder: config.BACKUP_DIR },
    reports,
    async resend(id) {
      const result = await store.deliveries.resend(id, clock.now());
      engine.delivering.wake();
      return result;
    },
    retention,
    metrics: figures.text,
    answered: figures.answered,
    tracing,
    otel: tracingState(config),
    health: () => healthOf({ store, sandbox, engine, managerId }),
    settings: publicSettings(config, { managerId, url: () => url }),
    managerId,
    version: RELEASE,
    now: clock.now,
    log,
    limits: { bodyBytes: config.MAX_BODY_BYTES, eventBytes: config.MAX_EVENT_BYTES, resultBytes: RESULT_BYTES },
    rateLimits: rateLimitsOf(config),
    anonymousScopes: config.anonymousScopes,
    allowedHosts: allowedHosts(config),
    stopping: () => engine.stopping,
  };
  server = createHttpServer(deps, routes(deps));
  const { port } = await server.listen(config.HOST, config.PORT).catch((error: unknown) => {
    throw listenFault(error, config);
  });
  url = `http://${visitable(config.HOST)}:${port}`;
  // A key that is made is shown once: only now is it sure that the start goes on to show it.
  const adminKey = config.ADMIN_KEY === undefined ? (await ensureAdminKey(null)).secret : null;

  backups.start();
  retention.start();

  const owned = stack.move();
  return {
    url,
    adminKey,
    mailDestination: mailer.destination,
    alertDestination: alerts.mailer && alertDestination(alerts.mailer, alerts.addresses),
    lostAttempts,
    engine,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const sha256 = (text: string): string => hash('sha256', text);
const sha1 = (text: string): string => hash('sha1', text);

function senderOf(text: string): Sender {
  const sender = checkSender(text);
  if (!sender.ok) throw new Error(`MAIL_FROM: ${sender.detail}`);
  return sender;
}

function mailerOf(config: Config, from: Sender): Mailer {
  return config.SMTP_URL === undefined
    ? emlMailer({ folder: resolve(config.DATA_DIR, 'mail'), from })
    : smtpMailer({ url: config.SMTP_URL, from });
}
