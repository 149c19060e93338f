/** Executions as they are answered. */
import { z } from 'zod';
import { EXECUTION_STATES, type ExecutionError, FAILURE_REASONS } from '../../core/execution.ts';
import type { Attempt, ExecutionFilter, ExecutionRecord } from '../../ports/queue.ts';
import { HandlerId, Instant, InstantText, instantOrNull, instantText, listOf, pageQuery } from './listing.ts';
import { RawJson } from './raw-json.ts';

const State = z.enum(EXECUTION_STATES);

export const ExecutionsQuery = z.object({
  handler_id: HandlerId.optional(),
  event_id: z.string().min(1).optional().meta({ description: 'Id of an event, or of a trigger.' }),
  state: State.optional(),
  hook: z.string().min(1).optional(),
  since: Instant.optional().meta({ description: 'Made at this time or later.' }),
  until: Instant.optional().meta({ description: 'Made before this time.' }),
  ...pageQuery,
});
export type ExecutionsQuery = z.infer<typeof ExecutionsQuery>;

const ErrorView = z
  .object({
    reason: z.enum(FAILURE_REASONS),
    message: z.string(),
    line: z.int().nullable().meta({ description: 'Place in the source of the handler, counted from 1.' }),
    column: z.int().nullable(),
  })
  .nullable()
  .meta({ id: 'ExecutionError' });

const DurationMs = z.number().nullable();

const ExecutionView = z
  .object({
    id: z.string(),
    handler_id: z.int(),
    handler_version: z.int(),
    hook: z.string(),
    event_id: z.string().meta({ description: 'Id of the event, or of the trigger.' }),
    state: State,
    attempt: z.int().meta({ description: 'The latest attempt, counted from 1; 0 before the first.' }),
    created_at: InstantText,
    started_at: InstantText.nullable(),
    finished_at: InstantText.nullable(),
    duration_ms: DurationMs,
    error: ErrorView,
  })
  .meta({ id: 'Execution' });

/** With what went in and came out, as GET /executions/{id} answers it. */
export const ExecutionDetail = ExecutionView.extend({
  input: z.unknown().meta({ description: 'The event or payload.' }),
  output: z.unknown().meta({ description: 'What the handler returned; null until it succeeded.' }),
  logs: z.array(z.object({ level: z.enum(['debug', 'info', 'warn', 'error']), message: z.string(), at: InstantText })),
  attempts: z.array(
    z.object({
      attempt: z.int(),
      outcome: z.enum(['succeeded', 'failed']),
      started_at: InstantText.nullable(),
      finished_at: InstantText,
      duration_ms: DurationMs,
      error: ErrorView,
    }),
  ),
}).meta({ id: 'ExecutionDetail' });

export const ExecutionList = listOf(ExecutionView).meta({ id: 'ExecutionList' });

export function executionFilter({ handler_id, event_id, state, hook, since, until }: ExecutionsQuery): ExecutionFilter {
  return {
    ...(handler_id !== undefined && { handlerId: handler_id }),
    ...(event_id !== undefined && { eventId: event_id }),
    ...(state !== undefined && { state }),
    ...(hook !== undefined && { hook }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

export function presentExecution(execution: ExecutionRecord): object {
  return {
    id: execution.id,
    handler_id: execution.handlerId,
    handler_version: execution.handlerVersion,
    hook: execution.hook,
    event_id: execution.eventId,
    state: execution.state,
    attempt: execution.attempt,
    created_at: instantText(execution.createdAt),
    ...presentSpan(execution),
    error: presentError(execution.error),
  };
}

export function presentExecutionDetail(execution: ExecutionRecord): object {
  return {
    ...presentExecution(execution),
    input: rawOrNull(execution.input),
    output: rawOrNull(execution.output),
    logs: execution.logs.map(({ level, message, at }) => ({ level, message, at: instantText(at) })),
    attempts: execution.attempts.map(presentAttempt),
  };
}

function presentAttempt(attempt: Attempt): object {
  const error = attempt.outcome === 'succeeded' ? null : attempt.outcome;
  return {
    attempt: attempt.attempt,
    outcome: error === null ? 'succeeded' : 'failed',
    ...presentSpan(attempt),
    error: presentError(error),
  };
}

function presentSpan({ startedAt, finishedAt }: { startedAt: number | null; finishedAt: number | null }): object {
  const lasted = startedAt === null || finishedAt === null ? null : finishedAt - startedAt;
  return {
    started_at: instantOrNull(startedAt),
    finished_at: instantOrNull(finishedAt),
    duration_ms: lasted === null ? null : Math.round(lasted * 1000) / 1000,
  };
}

/** Member by member: a store may keep more with an error than is answered. */
function presentError(error: ExecutionError | null): object | null {
  if (error === null) return null;
  const { reason, message, line, column } = error;
  return { reason, message, line, column };
}

function rawOrNull(text: string | null): RawJson | null {
  return text === null ? null : new RawJson(text);
}
