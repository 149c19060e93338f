import { z } from 'zod';
import { type ExecutionError, FAILURE_REASONS } from './execution.ts';

const Instant = z.iso.datetime();
const Place = z.number().int().positive().nullable();

/** The payload of `execution.on_failure`. */
export const FailureReport = z
  .looseObject({
    execution: z.looseObject({
      id: z.string(),
      hook: z.string(),
      event_id: z.string(),
      attempt: z.number().int().positive(),
      created_at: Instant,
      finished_at: Instant,
    }),
    error: z.looseObject({ reason: z.enum(FAILURE_REASONS), message: z.string(), line: Place, column: Place }),
    handler: z.looseObject({ id: z.number().int(), name: z.string(), version: z.number().int() }),
    event: z.unknown().meta({ description: 'The event or payload that the execution was for.' }),
  })
  .meta({ title: 'FailureReport', description: 'An execution that ended without success.' });

/** What a report is made of; times are milliseconds since the epoch. */
export interface FailedExecution {
  id: string;
  hook: string;
  eventId: string;
  attempt: number;
  createdAt: number;
  finishedAt: number;
  error: ExecutionError;
  handler: { id: number; name: string; version: number };
  /** JSON text. */
  input: string;
}

/** The report as JSON text; the event goes in as the text it is, so that none of its numbers changes. */
export function failureReport(failed: FailedExecution): string {
  const execution = {
    id: failed.id,
    hook: failed.hook,
    event_id: failed.eventId,
    attempt: failed.attempt,
    created_at: new Date(failed.createdAt).toISOString(),
    finished_at: new Date(failed.finishedAt).toISOString(),
  };
  const { reason, message, line, column } = failed.error;
  const { id, name, version } = failed.handler;
  const head = JSON.stringify({ execution, error: { reason, message, line, column }, handler: { id, name, version } });
  return `${head.slice(0, -1)},"event":${failed.input}}`;
}
