import type { DeliveryKind, DeliveryState } from '../core/delivery.ts';
import type { ExecutionState } from '../core/execution.ts';
import type { MoveMark } from '../core/move.ts';
import type { PlannedRun } from '../core/schedule.ts';

/**
 * Everything that a store keeps, in a form that belongs to none: what both adapters read and write, and what checksums are made of. Texts
 * that are JSON are the very texts that are stored.
 */
export interface Records {
  settings: { name: string; value: string };
  /** `body`: JSON of the members that never change. */
  keys: { id: string; body: string; revokedAt: number | null; lastUsedAt: number | null };
  /** Removed ones too. `body`: the current version. */
  handlers: {
    id: number;
    hook: string;
    name: string;
    enabled: boolean;
    version: number;
    createdAt: number;
    createdBy: string;
    updatedAt: number;
    updatedBy: string;
    removedAt: number | null;
    body: string;
  };
  /** Earlier versions. */
  versions: { handlerId: number; version: number; body: string };
  state: { handlerId: number; key: string; value: string };
  schedules: PlannedRun;
  /** `handlers`: the highest id that was given. */
  counters: { name: 'handlers'; value: number };
  events: {
    /** The number of arrival. Below zero: MADSci's own server wrote it; those come before all others, in the order of their ids. */
    seq: number;
    id: string;
    json: string;
    /** When the server archived it; null also for what a client sent as archived (M67). */
    archivedAt: number | null;
    cause: string | null;
    root: string | null;
    depth: number;
  };
  firings: { id: string; hook: string; payload: string; tags: string[]; createdAt: number; root: string | null; depth: number };
  executions: {
    seq: number;
    id: string;
    handlerId: number;
    version: number;
    hook: string;
    subject: string;
    fired: boolean;
    /** Never `leased`: a store that is opened has given back what dead servers held. */
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
    logs: string | null;
    error: string | null;
    /** JSON texts. */
    attempts: string[];
  };
  deliveries: {
    seq: number;
    id: string;
    executionId: string | null;
    kind: DeliveryKind;
    to: string;
    subject: string;
    text: string;
    html: string | null;
    messageId: string;
    createdAt: number;
    /** JSON text of a list. */
    attachments: string | null;
    /** JSON text. */
    headers: string | null;
    state: DeliveryState;
    attempts: number;
    nextAt: number | null;
    lastError: string | null;
    sentAt: number | null;
  };
  /** Only of the last days: what is older is about to be forgotten. `pairs`: JSON text. */
  alertPairs: { key: string; pairs: string; seenAt: number };
}
export type RecordKind = keyof Records;

/** In the order of a move: what is small first. */
export const RECORD_KINDS = [
  'settings',
  'keys',
  'counters',
  'handlers',
  'versions',
  'state',
  'schedules',
  'events',
  'firings',
  'executions',
  'deliveries',
  'alertPairs',
] as const satisfies readonly RecordKind[];

/** `after` is the place of the last of them, for `read` to go on from. */
export interface RecordBatch<K extends RecordKind> {
  records: Records[K][];
  after: string;
}

/** Alerts that were seen longer ago than this are not moved. A day less than they are remembered, so that none goes while it is moved. */
export const PAIR_MOVES_MS = 6 * 24 * 3_600_000;

/**
 * A whole store as records. While it is open no server runs on it: opening fails when one does, gives back and completes what dead ones left,
 * and a server that starts meanwhile is refused where there is a mark.
 */
export interface MovableStore extends AsyncDisposable {
  /** For people; without credentials. */
  readonly place: string;
  mark(): Promise<MoveMark | null>;
  setMark(mark: MoveMark | null): Promise<void>;
  /** Throws when a server has come in since it was opened. After a mark is set, none can. */
  checkAlone(): Promise<void>;
  count(kind: RecordKind): Promise<number>;
  /** All of a kind behind `after`, in an order that is the same in every store; in batches of at most `limit` that fit into memory. */
  read<K extends RecordKind>(kind: K, after: string | null, limit?: number): AsyncIterable<RecordBatch<K>>;
  /** Writes records together with `mark`; or first the records and then the mark, where writing the same records again changes nothing. */
  write<K extends RecordKind>(kind: K, records: readonly Records[K][], mark: MoveMark): Promise<void>;
  /** Everything has been written: makes indexes, sets what numbers go on from, brings all to the disk. */
  complete(): Promise<void>;
  /** Takes out everything but the mark. */
  clear(): Promise<void>;
}
