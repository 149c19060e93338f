import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { MOVE_SETTING } from '../../core/move.ts';
import { eventColumns } from '../../core/stored-event.ts';
import { PAIR_MOVES_MS, type RecordKind, type Records } from '../../ports/movable.ts';
import { STATE_NAME, STATE_NUMBER } from './schema.ts';

export type Row = Record<string, SQLOutputValue>;

/** How the records of a kind lie in their table. */
export interface TableOfKind<K extends RecordKind> {
  /** Without WHERE, ORDER BY and LIMIT. */
  select: string;
  /** What is to be moved of it. */
  where: string;
  /** The columns that its order goes by; their values name a place in it. */
  order: readonly string[];
  recordOf(row: Row): Records[K];
  /** Each with the values of one record. */
  inserts: readonly { sql: string; values(record: Records[K]): SQLInputValue[] }[];
}
type Tables = { [K in RecordKind]: TableOfKind<K> };

const insertInto = (table: string, columns: readonly string[], verb = 'INSERT'): string =>
  `${verb} INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;

/** A column of each member of a record, in order, where both are the same value. */
type Columns<R> = readonly (readonly [column: string, member: keyof R])[];
function plain<R extends object>(columns: Columns<R>) {
  return {
    names: columns.map(([column]) => column),
    of: (row: Row): R => Object.fromEntries(columns.map(([column, member]) => [member, row[column]])) as R,
    values: (record: R): SQLInputValue[] => columns.map(([, member]) => record[member] as SQLInputValue),
  };
}

const HANDLER: Columns<Omit<Records['handlers'], 'enabled' | 'body'>> = [
  ['id', 'id'],
  ['hook', 'hook'],
  ['name', 'name'],
  ['version', 'version'],
  ['created_at', 'createdAt'],
  ['created_by', 'createdBy'],
  ['updated_at', 'updatedAt'],
  ['updated_by', 'updatedBy'],
  ['removed_at', 'removedAt'],
];
const EXECUTION: Columns<Omit<Records['executions'], 'fired' | 'state' | 'attempts'>> = [
  ['seq', 'seq'],
  ['id', 'id'],
  ['handler_id', 'handlerId'],
  ['version', 'version'],
  ['hook', 'hook'],
  ['subject', 'subject'],
  ['attempt', 'attempt'],
  ['failures', 'failures'],
  ['replays', 'replays'],
  ['ordering_key', 'orderingKey'],
  ['created_at', 'createdAt'],
  ['run_at', 'runAt'],
  ['started_at', 'startedAt'],
  ['finished_at', 'finishedAt'],
  ['output', 'output'],
  ['logs', 'logs'],
  ['error', 'error'],
];
const DELIVERY: Columns<Records['deliveries']> = [
  ['seq', 'seq'],
  ['id', 'id'],
  ['execution_id', 'executionId'],
  ['kind', 'kind'],
  ['recipient', 'to'],
  ['subject', 'subject'],
  ['text', 'text'],
  ['html', 'html'],
  ['message_id', 'messageId'],
  ['created_at', 'createdAt'],
  ['attachments', 'attachments'],
  ['headers', 'headers'],
  ['state', 'state'],
  ['attempts', 'attempts'],
  ['next_at', 'nextAt'],
  ['last_error', 'lastError'],
  ['sent_at', 'sentAt'],
];
const EVENT_COLUMNS = [
  ...['seq', 'id', 'doc', 'archived_at_ms', 'cause', 'root', 'depth'],
  ...['ts', 'ts_us', 'type', 'level', 'alert', 'archived', 'node_id'],
];

export interface Surroundings {
  now: number;
  naiveOffsetMinutes(localUs: number): number;
}

export function tables({ now, naiveOffsetMinutes }: Surroundings): Tables {
  const alertPairs = pairsSince(Math.trunc(now) - PAIR_MOVES_MS);
  return {
    settings,
    keys,
    counters,
    handlers,
    versions,
    state,
    schedules,
    events: events(naiveOffsetMinutes),
    firings,
    executions,
    deliveries,
    alertPairs,
  };
}

const settings: TableOfKind<'settings'> = {
  select: 'SELECT name, value FROM settings',
  where: `name <> '${MOVE_SETTING}'`,
  order: ['name'],
  recordOf: ({ name, value }) => ({ name: name as string, value: value as string }),
  inserts: [{ sql: insertInto('settings', ['name', 'value']), values: ({ name, value }) => [name, value] }],
};

const keys: TableOfKind<'keys'> = {
  select: 'SELECT id, body FROM keys',
  where: 'TRUE',
  order: ['id'],
  recordOf({ id, body }) {
    const { revokedAt, lastUsedAt, ...rest } = JSON.parse(body as string) as { revokedAt: number | null; lastUsedAt: number | null };
    return { id: id as string, body: JSON.stringify(rest), revokedAt, lastUsedAt };
  },
  inserts: [
    {
      sql: insertInto('keys', ['id', 'body']),
      values: ({ id, body, revokedAt, lastUsedAt }) => [id, JSON.stringify({ ...JSON.parse(body), revokedAt, lastUsedAt })],
    },
  ],
};

const counters: TableOfKind<'counters'> = {
  select: 'SELECT name, seq FROM sqlite_sequence',
  where: `name = 'handlers' AND seq > 0`,
  order: ['name'],
  recordOf: ({ seq }) => ({ name: 'handlers', value: seq as number }),
  inserts: [{ sql: insertInto('sqlite_sequence', ['name', 'seq']), values: ({ name, value }) => [name, value] }],
};

const handler = plain(HANDLER);
const handlers: TableOfKind<'handlers'> = {
  select: `SELECT ${handler.names.join(', ')}, enabled,
    (SELECT body FROM handler_versions v WHERE v.handler_id = handlers.id AND v.version = handlers.version) AS body FROM handlers`,
  where: 'TRUE',
  order: ['id'],
  recordOf: (row) => ({ ...handler.of(row), enabled: row['enabled'] === 1, body: row['body'] as string }),
  inserts: [
    {
      sql: insertInto('handlers', [...handler.names, 'enabled']),
      values: (record) => [...handler.values(record), record.enabled ? 1 : 0],
    },
    {
      sql: insertInto('handler_versions', ['handler_id', 'version', 'body']),
      values: ({ id, version, body }) => [id, version, body],
    },
  ],
};

const versions: TableOfKind<'versions'> = {
  select: 'SELECT handler_id, version, body FROM handler_versions',
  where: 'version <> (SELECT version FROM handlers h WHERE h.id = handler_id)',
  order: ['handler_id', 'version'],
  recordOf: (row) => ({ handlerId: row['handler_id'] as number, version: row['version'] as number, body: row['body'] as string }),
  inserts: [
    {
      sql: insertInto('handler_versions', ['handler_id', 'version', 'body']),
      values: ({ handlerId, version, body }) => [handlerId, version, body],
    },
  ],
};

const state: TableOfKind<'state'> = {
  select: 'SELECT handler_id, key, value FROM handler_state',
  where: 'TRUE',
  order: ['handler_id', 'key'],
  recordOf: (row) => ({ handlerId: row['handler_id'] as number, key: row['key'] as string, value: row['value'] as string }),
  inserts: [
    {
      sql: insertInto('handler_state', ['handler_id', 'key', 'value']),
      values: ({ handlerId, key, value }) => [handlerId, key, value],
    },
  ],
};

const SCHEDULE: Columns<Records['schedules']> = [
  ['handler_id', 'handlerId'],
  ['stamp', 'stamp'],
  ['next_at', 'nextAt'],
  ['previous_at', 'previousAt'],
];
const schedule = plain(SCHEDULE);
const schedules: TableOfKind<'schedules'> = {
  select: `SELECT ${schedule.names.join(', ')} FROM schedules`,
  where: 'TRUE',
  order: ['handler_id'],
  recordOf: schedule.of,
  inserts: [{ sql: insertInto('schedules', schedule.names), values: schedule.values }],
};

const events = (naiveOffsetMinutes: (localUs: number) => number): TableOfKind<'events'> => ({
  select: 'SELECT seq, id, doc, archived_at_ms, cause, root, depth FROM events',
  where: 'TRUE',
  order: ['seq'],
  recordOf: (row) => ({
    seq: row['seq'] as number,
    id: row['id'] as string,
    json: row['doc'] as string,
    archivedAt: row['archived_at_ms'] as number | null,
    cause: row['cause'] as string | null,
    root: row['root'] as string | null,
    depth: row['depth'] as number,
  }),
  inserts: [
    {
      sql: insertInto('events', EVENT_COLUMNS),
      values({ seq, id, json, archivedAt, cause, root, depth }) {
        const { timestamp, timestampUs, type, level, alert, archived, nodeId } = eventColumns(json, naiveOffsetMinutes);
        const found = [timestamp, timestampUs, type, level, alert ? 1 : 0, archived ? 1 : 0, nodeId];
        return [seq, id, json, archivedAt, cause, root, depth, ...found];
      },
    },
  ],
});

const firings: TableOfKind<'firings'> = {
  select: 'SELECT id, hook, payload, tags, created_at, root, depth FROM firings',
  where: 'TRUE',
  order: ['id'],
  recordOf: (row) => ({
    id: row['id'] as string,
    hook: row['hook'] as string,
    payload: row['payload'] as string,
    tags: JSON.parse(row['tags'] as string) as string[],
    createdAt: row['created_at'] as number,
    root: row['root'] as string | null,
    depth: row['depth'] as number,
  }),
  inserts: [
    {
      sql: insertInto('firings', ['id', 'hook', 'payload', 'tags', 'created_at', 'root', 'depth']),
      values: ({ id, hook, payload, tags, createdAt, root, depth }) => [id, hook, payload, JSON.stringify(tags), createdAt, root, depth],
    },
  ],
};

const execution = plain(EXECUTION);
const executions: TableOfKind<'executions'> = {
  select: `SELECT ${execution.names.join(', ')}, fired, state, attempts FROM executions`,
  where: 'TRUE',
  order: ['seq'],
  recordOf: (row) => ({
    ...execution.of(row),
    fired: row['fired'] === 1,
    state: STATE_NAME[row['state'] as 0] ?? 'pending',
    attempts: (JSON.parse((row['attempts'] as string | null) ?? '[]') as unknown[]).map((one) => JSON.stringify(one)),
  }),
  inserts: [
    {
      sql: insertInto('executions', [...execution.names, 'fired', 'state', 'attempts']),
      values: (record) => [
        ...execution.values(record),
        record.fired ? 1 : 0,
        STATE_NUMBER[record.state],
        record.attempts.length === 0 ? null : `[${record.attempts.join(',')}]`,
      ],
    },
  ],
};

const delivery = plain(DELIVERY);
const deliveries: TableOfKind<'deliveries'> = {
  select: `SELECT ${delivery.names.join(', ')} FROM deliveries`,
  where: 'TRUE',
  order: ['seq'],
  recordOf: delivery.of,
  inserts: [{ sql: insertInto('deliveries', delivery.names), values: delivery.values }],
};

const pairsSince = (since: number): TableOfKind<'alertPairs'> => ({
  select: 'SELECT key, pairs, seen_at FROM alert_pairs',
  where: `seen_at >= ${since}`,
  order: ['key'],
  recordOf: (row) => ({ key: row['key'] as string, pairs: row['pairs'] as string, seenAt: row['seen_at'] as number }),
  inserts: [{ sql: insertInto('alert_pairs', ['key', 'pairs', 'seen_at']), values: ({ key, pairs, seenAt }) => [key, pairs, seenAt] }],
});
