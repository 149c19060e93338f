import type { AlertStore } from '../../ports/alert-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeliveryStore } from '../../ports/delivery-store.ts';
import type { EventStore } from '../../ports/event-store.ts';
import type { HandlerStore } from '../../ports/handler-store.ts';
import type { KeyStore } from '../../ports/key-store.ts';
import type { Leadership } from '../../ports/leadership.ts';
import type { Queue } from '../../ports/queue.ts';
import type { ReportStore } from '../../ports/report-store.ts';
import type { RetentionStore } from '../../ports/retention-store.ts';
import type { ScheduleStore } from '../../ports/schedule-store.ts';
import type { Signals } from '../../ports/signals.ts';

export interface MongoStoreOptions {
  url: string;
  /** MADSci's database and collection, used as they stand (M35). */
  database?: string;
  collection?: string;
  /** How long a query may take. */
  deadlineMs?: number;
  /** The most characters that one answer may have. */
  resultBytes?: number;
  /** Names this server in leases; made unique for each start. */
  serverId: string;
  /** Of this program: noted with the schema of a new database. */
  release: string;
  /** After how many seconds MongoDB itself deletes archived events (M30); null or absent: never. */
  deleteAfterSeconds?: number | null;
  /** A mongod without a replica set forgets acknowledged writes when it crashes at the wrong moment, and cannot signal. */
  standaloneAllowed?: boolean;
  /** Of this machine. */
  clock: Clock;
}

/** Every port on one MongoDB database, which several servers may share. */
export interface MongoStore extends AsyncDisposable {
  events: EventStore;
  queue: Queue;
  handlers: HandlerStore;
  keys: KeyStore;
  deliveries: DeliveryStore;
  retention: RetentionStore;
  schedules: ScheduleStore;
  reports: ReportStore;
  alerts: AlertStore;
  signals: Signals;
  leadership: Leadership;
  /** The database's. */
  clock: Clock;
}

/** Opens the store; throws an Error whose text says what to change, SchemaMismatch for a database of another release. The driver is loaded only here, so that other stores need not have it. */
export async function openMongoStore(options: MongoStoreOptions): Promise<MongoStore> {
  const { openStore } = await import('./open-store.ts');
  return openStore(options);
}
