import { hash } from 'node:crypto';
import { HOOKS } from '../hooks/index.ts';
import { cron } from './adapters/cron/cron.ts';
import { nodeCronTicker } from './adapters/cron/ticker.ts';
import { exportFolder } from './adapters/files/export-folder.ts';
import { systemClock } from './adapters/system/clock.ts';
import { ulidFactory } from './adapters/system/ids.ts';
import { localDay, localTime } from './adapters/system/local-time.ts';
import type { Config } from './config.ts';
import { DEFAULT_EVENT_LIMITS } from './core/event.ts';
import { messageIdDomain } from './core/mail-address.ts';
import { backupService } from './engine/backup-service.ts';
import { createEngine, type Engine } from './engine/engine.ts';
import { createReports } from './engine/reports.ts';
import { routes } from './http/routes.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import { listenFault, visitable } from './listening.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { Mailer } from './ports/mailer.ts';
import { RELEASE } from './release.ts';
import { alertDestination, alertMailer, alertMailSettings } from './wiring/alerting.ts';
import { backupMaker } from './wiring/backup-maker.ts';
import { backupScheduleOf, backupSettings } from './wiring/backups.ts';
import { openHandlers, openSandbox } from './wiring/handlers.ts';
import { httpDeps } from './wiring/http-deps.ts';
import { openKeyRing, turnsOn } from './wiring/key-ring.ts';
import { mailerOf, senderOf } from './wiring/mailers.ts';
import { metering } from './wiring/metering.ts';
import { retentionOf } from './wiring/retention.ts';
import { openStore } from './wiring/stores.ts';
import { openTracing } from './wiring/tracing.ts';

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
  const { clock: machineClock = systemClock, random = Math.random } = overrides;
  const newId = ulidFactory();
  const figures = metering({ version: RELEASE, store: config.EVENT_DB_URL === undefined ? 'sqlite' : 'mongodb' });
  const tracing = await openTracing(config, log);
  if (tracing !== null) stack.use(tracing);
  const opened = await openStore(config, { serverId: newId(), release: RELEASE, resultBytes: RESULT_BYTES, clock: machineClock, log });
  const store = figures.store(stack.use(opened));
  const { clock } = store;
  const managerId = config.MANAGER_ID ?? (await store.keys.keepSetting('manager_id', config.registeredId ?? newId()));

  const inTurn = turnsOn(store, clock);
  const keys = stack.use(await openKeyRing(store, { inTurn, clock, log }));
  const ensureAdminKey = (preset: string | null) => inTurn(() => keys.ensureAdminKey(preset));
  if (config.ADMIN_KEY !== undefined) await ensureAdminKey(config.ADMIN_KEY);
  const from = senderOf(config);
  const mailer = stack.use(overrides.mailer ?? mailerOf(config, from));
  const alerts = { ...alertMailSettings(config, from), mailer: overrides.mailer === undefined ? stack.use(alertMailer(config)) : null };
  const reports = createReports({ store: store.reports, exports: exportFolder(config.EXPORT_DIR), clock, localDay });
  const handlerParts = { store, keys, reports, inTurn, clock, log };
  const sandbox = stack.use(openSandbox(config, handlerParts));
  const handlers = await openHandlers(config, sandbox, handlerParts);

  let url = '';
  const engine = createEngine({
    store: store.guard === undefined ? store : { ...store, health: store.guard },
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
      digest: (text) => hash('sha256', text),
    },
    hooks: HOOKS,
    cron,
    ticker: nodeCronTicker,
    defaults: { newId, managerId, ...localTime(clock.now) },
    limits: { ...DEFAULT_EVENT_LIMITS, allowCustomTypes: config.ALLOW_CUSTOM_EVENT_TYPES, allowAnySourceIds: config.ALLOW_ANY_SOURCE_IDS },
    alertLevel: config.ALERT_LEVEL,
    clock,
    random,
    hash: (text) => hash('sha1', text),
    log,
    observer: figures.observer,
    tracing,
  });
  const retention = retentionOf(config, { store, clock, log });
  stack.defer(() => retention.stop());
  figures.watch({ store, sandbox, handlers, engine, retention });
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

  const served = { store, engine, sandbox, handlers, keys, backups, reports, retention, figures, tracing, managerId, clock, log };
  const deps = httpDeps(config, { ...served, resultBytes: RESULT_BYTES, url: () => url });
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
