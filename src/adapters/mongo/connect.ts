import { type Collection, type Db, type Document, MongoClient, type MongoClientOptions } from 'mongodb';
import type {
  AlertPairsDocument,
  CounterDocument,
  DeliveryDocument,
  EventDocument,
  ExecutionDocument,
  FiringDocument,
  HandlerDocument,
  KeyDocument,
  LeaderDocument,
  MadsciVersionDocument,
  ScheduleDocument,
  SchemaDocument,
  ServerDocument,
  SettingDocument,
  SignalDocument,
  StateDocument,
  VersionDocument,
} from './documents.ts';

/** The collections. Only `events` and `schema_versions` are MADSci's; ours beside it have a prefix. */
export interface Collections {
  db: Db;
  events: Collection<EventDocument>;
  executions: Collection<ExecutionDocument>;
  firings: Collection<FiringDocument>;
  handlers: Collection<HandlerDocument>;
  versions: Collection<VersionDocument>;
  state: Collection<StateDocument>;
  schedules: Collection<ScheduleDocument>;
  deliveries: Collection<DeliveryDocument>;
  alertPairs: Collection<AlertPairsDocument>;
  keys: Collection<KeyDocument>;
  settings: Collection<SettingDocument>;
  counters: Collection<CounterDocument>;
  servers: Collection<ServerDocument>;
  leaders: Collection<LeaderDocument>;
  signals: Collection<SignalDocument>;
  schema: Collection<SchemaDocument>;
  madsciVersions: Collection<MadsciVersionDocument>;
}

const SELECTION_MS = 4_000;
/** How soon a new primary, or one that is back, is noticed. */
const HEARTBEAT_MS = 1_000;
/** A socket that says nothing for so long is given up; longer than any query may take. */
const SOCKET_SLACK_MS = 2_000;

/** Acknowledged means: on disk at most members, so that no fail-over loses it. */
export const DURABLE = { w: 'majority', journal: true, wtimeoutMS: SELECTION_MS } as const;
/** For what is written again by itself when a fail-over loses it. */
export const QUICK = { writeConcern: { w: 1 } } as const;

/** `deadlineMs` of the longest operation; null where some may take any time, such as the building of an index. */
export async function connect(url: string, deadlineMs: number | null): Promise<MongoClient> {
  const options: MongoClientOptions = {
    appName: 'hookwright',
    writeConcern: DURABLE,
    readPreference: 'primary',
    // Writes are tried again by ourselves: they bear names and numbers that make that harmless, while the driver's way of doing so makes
    // the database note every single update.
    retryWrites: false,
    retryReads: true,
    heartbeatFrequencyMS: HEARTBEAT_MS,
    serverSelectionTimeoutMS: SELECTION_MS,
    connectTimeoutMS: SELECTION_MS,
    waitQueueTimeoutMS: SELECTION_MS,
    socketTimeoutMS: deadlineMs === null ? 0 : deadlineMs + SOCKET_SLACK_MS,
    maxPoolSize: 32,
  };
  try {
    return await MongoClient.connect(url, options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`MongoDB cannot be reached: ${withoutPassword(reason)}. Check the URL of the database, and that it runs.`, { cause });
  }
}

function withoutPassword(text: string): string {
  return text.replaceAll(/\/\/[^@/\s]*@/g, '//');
}

/** Refuses a mongod that is no member of a replica set, unless that is wanted. Answers whether there is a replica set (or several). */
export async function checkTopology(db: Db, standaloneAllowed: boolean): Promise<boolean> {
  const hello: Document = await db.admin().command({ hello: 1 });
  const isReplicated = hello['setName'] !== undefined || hello['msg'] === 'isdbgrid';
  if (!isReplicated && !standaloneAllowed)
    throw new Error(
      'This mongod is no member of a replica set: a crash could lose events that were acknowledged, and servers could not signal each other. ' +
        'Make it a replica set of one: start mongod with --replSet rs0, then run rs.initiate() once in mongosh. Or allow a standalone mongod in the settings.',
    );
  return isReplicated;
}

export function collectionsOf(db: Db, events: string): Collections {
  return {
    db,
    events: db.collection(events),
    executions: db.collection('hookwright_executions'),
    firings: db.collection('hookwright_firings'),
    handlers: db.collection('hookwright_handlers'),
    versions: db.collection('hookwright_handler_versions'),
    state: db.collection('hookwright_handler_state'),
    schedules: db.collection('hookwright_schedules'),
    deliveries: db.collection('hookwright_deliveries'),
    alertPairs: db.collection('hookwright_alert_pairs'),
    keys: db.collection('hookwright_keys'),
    settings: db.collection('hookwright_settings'),
    counters: db.collection('hookwright_counters'),
    servers: db.collection('hookwright_servers'),
    leaders: db.collection('hookwright_leaders'),
    signals: db.collection('hookwright_signals'),
    schema: db.collection('hookwright_schema'),
    madsciVersions: db.collection('schema_versions'),
  };
}
