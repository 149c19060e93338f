import { openSqliteStore } from '../adapters/sqlite/store.ts';
import type { Config } from '../config.ts';
import { MOVE_SETTING, markOf, startRefusal } from '../core/move.ts';
import { type StoreGuard, storeGuard } from '../engine/store-guard.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { HandlerStore } from '../ports/handler-store.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';
import type { Queue } from '../ports/queue.ts';
import type { ReportStore } from '../ports/report-store.ts';
import type { RetentionStore } from '../ports/retention-store.ts';
import type { ScheduleStore } from '../ports/schedule-store.ts';
import type { Signals } from '../ports/signals.ts';

/** Where everything is kept. The last three only where other servers may work on it too. */
export interface Store extends AsyncDisposable {
  events: EventStore;
  queue: Queue;
  handlers: HandlerStore;
  keys: KeyStore;
  deliveries: DeliveryStore;
  retention: RetentionStore;
  schedules: ScheduleStore;
  reports: ReportStore;
  alerts: AlertStore;
  /** By which all servers on it go. */
  clock: Clock;
  signals?: Signals;
  leadership?: Leadership;
  guard?: StoreGuard;
}
export interface StoreParts {
  /** Of this start of this server. */
  serverId: string;
  /** Of this program. */
  release: string;
  resultBytes: number;
  /** Of this machine. */
  clock: Clock;
  log: Log;
}

const DAY_S = 86_400;

/**
 * Opens the store that the settings name: MongoDB where there is a URL of one, else SQLite in the data folder. Refuses one that is moved
 * elsewhere, or only partly filled: it is open by then, so that a move that begins at the same moment sees this server.
 */
export async function openStore(config: Config, parts: StoreParts): Promise<Store> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openUnchecked(config, parts));
  const refusal = startRefusal(markOf(await store.keys.setting(MOVE_SETTING)));
  if (refusal !== null) throw new Error(refusal);
  stack.move();
  return store;
}

async function openUnchecked(config: Config, parts: StoreParts): Promise<Store> {
  const { DATA_DIR: folder, DURABILITY: durability, QUERY_DEADLINE_MS: deadlineMs, EVENT_DB_URL: url } = config;
  if (url !== undefined) return openMongo(config, url, parts);
  const { resultBytes, release, clock, log } = parts;
  const onBroken = (error: Error): never => giveUp(error, log);
  return { ...(await openSqliteStore({ folder, durability, deadlineMs, resultBytes, release, now: clock.now, onBroken })), clock };
}

/** Without its writer the server can promise nothing: whoever supervises it starts it anew, and what was acknowledged is there. */
function giveUp(error: Error, log: Log): never {
  log('error', 'the store cannot write any more; the server ends', { error });
  process.exit(1);
}

/** The driver is loaded only when it is needed. */
async function openMongo(config: Config, url: string, { serverId, release, resultBytes, clock, log }: StoreParts): Promise<Store> {
  const { openMongoStore } = await import('../adapters/mongo/store.ts');
  await using stack = new AsyncDisposableStack();
  const store = stack.use(
    await openMongoStore({
      url,
      database: config.EVENT_DATABASE_NAME,
      collection: config.EVENT_COLLECTION_NAME,
      deadlineMs: config.QUERY_DEADLINE_MS,
      resultBytes,
      serverId,
      release,
      standaloneAllowed: config.ALLOW_STANDALONE_MONGODB,
      deleteAfterSeconds: config.RETENTION_ENABLED ? config.HARD_DELETE_AFTER_DAYS * DAY_S : null,
      clock,
    }),
  );
  const guard = storeGuard({ probe: () => store.events.get(''), clock, log });
  stack.defer(() => guard.stop());
  const owned = stack.move();
  return {
    events: guard.wrap(store.events, {
      slow: ['list', 'query', 'page', 'count', 'total', 'listArchived'],
      whole: ['append', 'archive', 'purgeArchived'],
    }),
    queue: guard.wrap(store.queue, {
      always: ['renew', 'recover'],
      slow: ['list', 'counts'],
      whole: ['fire', 'claim', 'settle', 'bringForward', 'cancel', 'replay'],
    }),
    handlers: guard.wrap(store.handlers, { slow: ['all', 'versions'], whole: ['put', 'setEnabled', 'remove'] }),
    keys: guard.wrap(store.keys, { slow: ['all'], whole: ['create', 'revoke', 'keepSetting', 'exchangeSetting'] }),
    deliveries: guard.wrap(store.deliveries, { slow: ['list'], whole: ['due', 'record', 'resend'] }),
    schedules: guard.wrap(store.schedules, { whole: ['put'] }),
    reports: guard.wrap(store.reports, { slow: ['utilization'] }),
    alerts: guard.wrap(store.alerts, { whole: ['isTwin'] }),
    retention: guard.wrap(store.retention, {
      slow: ['countOld'],
      whole: ['archiveOld', 'purgeOld', 'sweep', 'sweepFirings'],
    }),
    signals: store.signals,
    leadership: guard.wrap(store.leadership),
    clock: store.clock,
    guard,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
