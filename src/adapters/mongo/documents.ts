import type { Document } from 'mongodb';
import type { AlertPair } from '../../core/alert.ts';
import type { AlertHeaders, DeliveryKind, DeliveryState } from '../../core/delivery.ts';
import type { ExecutionState } from '../../core/execution.ts';
import type { Attachment } from '../../core/mail-attachment.ts';

/**
 * The documents as they are stored. Times are milliseconds since the epoch; only leases hold dates, which the database's clock sets.
 * `seq` numbers what arrives, over all collections and servers.
 */

/** What an event carries besides MADSci's members, in the one member `_hookwright`. MADSci's own documents have none. */
export interface Hidden {
  seq: number;
  cause?: string;
  root?: string;
  depth?: number;
  /** The event's text where BSON cannot say it: integers beyond 64 bits, or nesting that MongoDB does not take. */
  json?: string;
  /** Executions that may not exist yet, and the server that is about to write them. */
  planned?: ExecutionDocument[];
  owner?: string;
}
export interface EventDocument extends Document {
  _id: string;
  _hookwright?: Hidden;
}

export interface ExecutionDocument {
  _id: string;
  seq: number;
  handlerId: number;
  version: number;
  hook: string;
  subject: string;
  fired: boolean;
  state: ExecutionState;
  attempt: number;
  failures: number;
  replays: number;
  orderingKey: string | null;
  createdAt: number;
  runAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  output: string | null;
  /** JSON texts: they keep what BSON's strings would change. */
  logs: string | null;
  error: string | null;
  attempts: string[];
  /** Who holds the lease, and the claim that took it. */
  owner?: string | null;
  claim?: string;
  /** The settlement that wrote last. */
  settlement?: string;
  /** JSON text of what that settlement causes, until all of it is written, and the server that is about to. */
  effects?: string;
  effectsBy?: string;
}

export interface FiringDocument {
  _id: string;
  seq: number;
  hook: string;
  payload: string;
  tags: string[];
  createdAt: number;
  root: string | null;
  depth: number;
  planned?: ExecutionDocument[];
  owner?: string;
}

export interface HandlerDocument {
  _id: number;
  hook: string;
  name: string;
  /** Absent once the handler was removed. */
  live?: true;
  enabled: boolean;
  version: number;
  createdAt: number;
  createdBy: string;
  updatedAt: number;
  updatedBy: string;
  removedAt?: number;
  /** JSON text of the current version. */
  current: string;
}
/** An earlier version; the current one is with its handler. */
export interface VersionDocument {
  _id: string;
  handlerId: number;
  version: number;
  body: string;
}
export interface ScheduleDocument {
  _id: number;
  stamp: string;
  nextAt: number | null;
  previousAt: number | null;
}
export interface StateDocument {
  _id: string;
  handlerId: number;
  /** JSON text; null when it was deleted and settlements that did so are still listed. */
  value: string | null;
  rev: number;
  /** Settlements that have been applied and may be tried again. */
  by: string[];
}

export interface DeliveryDocument {
  _id: string;
  seq: number;
  executionId: string | null;
  kind: DeliveryKind;
  to: string;
  subject: string;
  text: string;
  html: string | null;
  attachments?: readonly Attachment[];
  headers?: AlertHeaders;
  messageId: string;
  createdAt: number;
  state: DeliveryState;
  attempts: number;
  nextAt: number | null;
  lastError: string | null;
  sentAt: number | null;
  lockedBy?: string;
  lockedUntil?: Date;
}

/** `rev` counts the changes, so that of two at the same time one is made again. */
export interface AlertPairsDocument {
  _id: string;
  rev: number;
  pairs: AlertPair[];
  seenAt: Date;
}

export interface KeyDocument {
  _id: string;
  /** JSON text of what never changes. */
  body: string;
  revokedAt: number | null;
  lastUsedAt: number | null;
}
export interface SettingDocument {
  _id: string;
  value: string;
}
export interface CounterDocument {
  _id: string;
  value: number;
}
export interface ServerDocument {
  _id: string;
  aliveUntil: Date;
}
export interface LeaderDocument {
  _id: string;
  owner: string;
  until: Date;
}
export interface SignalDocument {
  _id: string;
  count: number;
}
/** One step of the schema that was done; `building` while a new database is made, `migrating` while steps are done on one that is there. */
export interface SchemaDocument {
  _id: number | 'building' | 'migrating';
  title: string;
  release: string;
  appliedAt: Date;
  notes: string | null;
  /** Of `migrating`: the last step that is to be done. */
  to?: number;
}
/** MADSci's own record (M32), in its spelling. */
export interface MadsciVersionDocument extends Document {
  version: string;
  applied_at: Date;
  migration_notes: string;
}
