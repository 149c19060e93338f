import type { Submission } from '../../ports/event-store.ts';
import type { FiringPlan, NewExecution } from '../../ports/queue.ts';
import { STATE_NUMBER } from './schema.ts';

/** Rows cross the thread border as flat arrays: cloning an object costs several times as much. */
export type EventRow = [
  id: string,
  ts: string,
  tsUs: number,
  type: string,
  level: number,
  alert: number,
  archived: number,
  nodeId: string | null,
  cause: string | null,
  root: string | null,
  depth: number,
  doc: string,
];
export type ExecutionRow = [
  id: string,
  handlerId: number,
  version: number,
  hook: string,
  subject: string,
  fired: number,
  state: number,
  attempt: number,
  orderingKey: string | null,
  createdAt: number,
  runAt: number,
];
/** `defaulted` is a bit set: 1 timestamp, 2 source. `executions` is null for none, which is the common case. */
export type SubmissionRow = [event: EventRow, defaulted: number, executions: ExecutionRow[] | null];
export type FiringRow = [
  firing: [id: string, hook: string, payload: string, tags: string, createdAt: number, root: string | null, depth: number],
  executions: ExecutionRow[],
];

const DEFAULTED_TIMESTAMP = 1;
const DEFAULTED_SOURCE = 2;
export const isDefaulted = (bits: number): { timestamp: boolean; source: boolean } => ({
  timestamp: (bits & DEFAULTED_TIMESTAMP) !== 0,
  source: (bits & DEFAULTED_SOURCE) !== 0,
});

export function submissionRow({ event, executions }: Submission): SubmissionRow {
  const { cause, defaulted } = event;
  return [
    [
      event.id,
      event.timestamp,
      event.timestampUs,
      event.type,
      event.level,
      event.alert ? 1 : 0,
      event.archived ? 1 : 0,
      event.nodeId,
      cause?.executionId ?? null,
      cause?.root ?? null,
      cause?.depth ?? 0,
      event.json,
    ],
    (defaulted.timestamp ? DEFAULTED_TIMESTAMP : 0) | (defaulted.source ? DEFAULTED_SOURCE : 0),
    executions.length === 0 ? null : executions.map((execution) => executionRow(execution, event.id, false)),
  ];
}

export function firingRow({ firing, executions }: FiringPlan): FiringRow {
  const { id, hook, payload, tags, createdAt, cause } = firing;
  return [
    [id, hook, payload, JSON.stringify(tags), createdAt, cause?.root ?? null, cause?.depth ?? 0],
    executions.map((execution) => executionRow(execution, id, true)),
  ];
}

function executionRow(execution: NewExecution, subject: string, fired: boolean): ExecutionRow {
  const leased = execution.state === 'leased';
  return [
    execution.id,
    execution.handlerId,
    execution.handlerVersion,
    execution.hook,
    subject,
    fired ? 1 : 0,
    leased ? STATE_NUMBER.leased : STATE_NUMBER.pending,
    leased ? 1 : 0,
    execution.orderingKey,
    execution.createdAt,
    execution.runAt,
  ];
}
