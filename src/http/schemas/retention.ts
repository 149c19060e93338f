/** Retention as it is asked for and answered. */
import { z } from 'zod';
import type { RetentionPreview, RetentionRun, RetentionStatus } from '../../engine/retain.ts';
import { InstantText, instantOrNull, instantText } from './listing.ts';
import { strict } from './strict.ts';

const DAY_MS = 86_400_000;

export const RetentionRequest = strict({
  clock_is_right: z
    .boolean()
    .default(false)
    .meta({ description: 'The clock is right although it is far ahead of what the store has seen: no server ran for so long.' }),
}).meta({ id: 'RetentionRequest' });

const Count = z.int().min(0);
const RunView = z
  .object({
    started_at: InstantText,
    ended_at: InstantText,
    archived: Count.meta({ description: 'Events.' }),
    deleted: Count.meta({ description: 'Archived events. With MongoDB most are deleted by its own index, and are not counted here.' }),
    executions: Count.meta({ description: 'Executions that were deleted.' }),
    mails: Count.meta({ description: 'Sent mails that were deleted.' }),
    complete: z.boolean().meta({ description: 'Whether all that was old enough is done; if not, the next run goes on.' }),
    error: z.string().nullable(),
  })
  .meta({ id: 'RetentionRun' });

export const RetentionView = z
  .object({
    enabled: z.boolean().meta({ description: 'Whether events are archived and deleted by age.' }),
    archive_after_days: z.int(),
    delete_after_days: z.int().meta({ description: 'From archiving.' }),
    keep_executions_days: z.int().meta({ description: '0 for ever.' }),
    keep_mails_days: z.int().meta({ description: '0 for ever.' }),
    state: z.enum(['idle', 'running', 'held', 'given_up']).meta({
      description:
        'held: the clock is far ahead of what the store has seen. given_up: a run failed, and there is none until the next start.',
    }),
    clock_ahead_days: z.number().nullable().meta({ description: 'Of the last look, when retention is held.' }),
    last_run: RunView.nullable().meta({ description: 'Of all servers on the store.' }),
  })
  .meta({ id: 'Retention' });

export const RetentionPreviewView = z
  .object({
    enabled: z.boolean(),
    archive: z.object({ count: Count, event_timestamp_before: z.string() }),
    delete: z.object({ count: Count, archived_before: InstantText }),
  })
  .meta({ id: 'RetentionPreview' });

export function presentRetention({ rules, isRunning, heldByMs, hasGivenUp, lastRun }: RetentionStatus): z.infer<typeof RetentionView> {
  return {
    enabled: rules.isEnabled,
    archive_after_days: rules.archiveAfterDays,
    delete_after_days: rules.deleteAfterDays,
    keep_executions_days: rules.executionDays,
    keep_mails_days: rules.mailDays,
    state: isRunning ? 'running' : hasGivenUp ? 'given_up' : heldByMs !== null ? 'held' : 'idle',
    clock_ahead_days: heldByMs === null ? null : Math.round(heldByMs / DAY_MS),
    last_run: lastRun === null ? null : presentRun(lastRun),
  };
}

function presentRun({
  startedAt,
  endedAt,
  archived,
  deleted,
  executions,
  mails,
  isComplete,
  error,
}: RetentionRun): z.infer<typeof RunView> {
  return {
    started_at: instantText(startedAt),
    ended_at: instantText(endedAt),
    archived,
    deleted,
    executions,
    mails,
    complete: isComplete,
    error,
  };
}

export function presentPreview({ cutoffs, ...counts }: RetentionPreview, isEnabled: boolean): z.infer<typeof RetentionPreviewView> {
  return {
    enabled: isEnabled,
    archive: { count: counts.archive, event_timestamp_before: cutoffs.archiveBefore ?? '' },
    delete: { count: counts.delete, archived_before: instantOrNull(cutoffs.deleteBefore) ?? '' },
  };
}
