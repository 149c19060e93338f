/** Handlers as they are sent and answered. */
import { z } from 'zod';
import { HANDLER_BOUNDS as BOUNDS, DEFAULT_RETRY, type Handler, type HandlerState, type HandlerVersion } from '../../core/handler.ts';
import type { HandlerRegistration } from '../../engine/handlers.ts';
import { InstantText, instantText, listOf } from './listing.ts';
import { printable } from './printable.ts';
import { exactMembers, RawJson } from './raw-json.ts';
import { NextRunAt, NextRuns, presentRuns, presentSchedule, ScheduleInput, ScheduleView } from './schedule.ts';
import { strict } from './strict.ts';

const DAY_MS = 86_400_000;
const CODE_EXAMPLE = "export default async function (event, ctx) {\n  return 'checked ' + event._id;\n}\n";

const bounded = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);
const Name = printable(BOUNDS.nameLength).meta({ example: 'torque-check' });
const HookName = z.string().min(1).max(BOUNDS.nameLength).meta({ description: 'One of GET /hooks.', example: 'event.on_ingest' });
const Tags = z
  .array(printable(BOUNDS.tagLength))
  .max(BOUNDS.tags)
  .meta({ description: 'Runs for firings that have any of them; without tags for all.', example: ['level:error'] });
const Filter = z
  .looseObject({})
  .meta({ description: 'MongoDB selector on the payload; {} takes all.', example: { 'event_data.torque': { $gt: 4 } } });
const Config = z.looseObject({}).meta({ description: 'What the code reads as ctx.handler.config.', example: { alert_level: 40 } });
const Address = z.string().nullable().meta({ description: 'Mail address, or null for no mail.', example: 'lab@example.org' });
const Language = z.enum(['typescript', 'javascript']);
const OrderingKey = z
  .string()
  .min(1)
  .max(BOUNDS.nameLength)
  .regex(/^[^.]+(?:\.[^.]+)*$/, 'A path such as source.node_id')
  .nullable()
  .meta({ description: 'Path in the payload: executions with the same value there run one after the other.', example: 'source.node_id' });

const TimeoutMs = bounded(BOUNDS.timeoutMs);
const MemoryMb = bounded(BOUNDS.memoryMb);
const MaxAttempts = bounded(BOUNDS.maxAttempts);
const FirstMs = bounded({ min: 1, max: DAY_MS });
const Factor = z.number().min(1).max(100);
const MaxMs = bounded({ min: 1, max: 7 * DAY_MS });
const MaxAgeMs = bounded({ min: 1, max: 365 * DAY_MS })
  .nullable()
  .meta({ description: 'Not tried again when older than this; null for no bound.' });
const Concurrency = bounded(BOUNDS.concurrency).meta({ description: 'How many executions may run at once.' });

const { maxAttempts, backoff, maxAgeMs } = DEFAULT_RETRY;

const LimitsInput = strict({
  timeout_ms: TimeoutMs.default(BOUNDS.timeoutMs.default),
  memory_mb: MemoryMb.default(BOUNDS.memoryMb.default),
});
const BackoffInput = strict({
  first_ms: FirstMs.default(backoff.firstMs),
  factor: Factor.default(backoff.factor),
  max_ms: MaxMs.default(backoff.maxMs),
});
const RetryInput = strict({
  max_attempts: MaxAttempts.default(maxAttempts),
  backoff: BackoffInput.prefault({}),
  max_age_ms: MaxAgeMs.default(maxAgeMs),
});

/** The body of POST /handlers. */
export const HandlerInput = strict({
  hook: HookName,
  name: Name,
  code: z
    .string()
    .min(1)
    .max(BOUNDS.sourceCharacters)
    .refine((code) => code.isWellFormed(), 'Holds half a character')
    .meta({ description: 'A module whose default export is the function to run.', example: CODE_EXAMPLE }),
  language: Language.default('typescript'),
  tags: Tags.default([]),
  filter: Filter.default({}),
  notify_on_success: Address.default(null),
  notify_on_failure: Address.default(null),
  config: Config.default({}),
  limits: LimitsInput.prefault({}),
  retry: RetryInput.prefault({}),
  concurrency: Concurrency.default(BOUNDS.concurrency.default),
  ordering_key: OrderingKey.default(null),
  schedule: ScheduleInput.default(null),
  enabled: z.boolean().optional().meta({ description: 'As it was when absent; true for a new handler.' }),
}).meta({ id: 'HandlerInput', example: { hook: 'event.on_ingest', name: 'torque-check', code: CODE_EXAMPLE, tags: ['level:error'] } });
export type HandlerInput = z.infer<typeof HandlerInput>;

export const HandlerPatch = strict({ enabled: z.boolean() }).meta({ id: 'HandlerPatch', example: { enabled: false } });

export const RollbackInput = strict({
  version: z.int().min(0).optional().meta({ description: 'The version to go back to; the one before the current when absent.' }),
})
  .optional()
  .meta({ id: 'RollbackInput', example: { version: 0 } });

/** What a version and a handler have in common when answered. */
const sharedView = {
  language: Language,
  tags: z.array(z.string()),
  filter: Filter,
  notify_on_success: Address,
  notify_on_failure: Address,
  config: Config,
  limits: z.object({ timeout_ms: TimeoutMs, memory_mb: MemoryMb }),
  retry: z.object({
    max_attempts: MaxAttempts,
    backoff: z.object({ first_ms: FirstMs, factor: Factor, max_ms: MaxMs }),
    max_age_ms: MaxAgeMs,
  }),
  concurrency: Concurrency,
  ordering_key: OrderingKey,
  schedule: ScheduleView,
  created_at: InstantText,
  created_by: z.string().meta({ description: 'Name of the key.' }),
};

export const HandlerView = z
  .object({
    id: z.int(),
    version: z.int().meta({ description: 'Counts from 0; each registration and rollback adds one.' }),
    hook: HookName,
    name: Name,
    state: z.enum(['enabled', 'disabled', 'suspended']).meta({ description: 'Suspended: its key was revoked or has expired.' }),
    enabled: z.boolean().meta({ description: 'Whether it is switched on.' }),
    next_run_at: NextRunAt,
    ...sharedView,
    updated_at: InstantText,
    updated_by: z.string(),
  })
  .meta({ id: 'Handler' });

/** One handler, as it is answered alone. */
export const HandlerDetail = HandlerView.extend({ next_runs: NextRuns }).meta({ id: 'HandlerDetail' });

/** With its code, as GET /handlers/{id} answers it. */
export const HandlerWithCode = HandlerDetail.extend({ code: z.string() }).meta({ id: 'HandlerWithCode' });
const HandlerVersionView = z.object({ version: z.int(), code: z.string(), ...sharedView }).meta({ id: 'HandlerVersion' });
export const HandlerList = listOf(HandlerView).meta({ id: 'HandlerList' });
export const HandlerVersionList = listOf(HandlerVersionView).meta({ id: 'HandlerVersionList' });

/** A checked body as the engine takes it; filter and config come from the text, where no number has lost a digit. */
export function registrationOf(input: HandlerInput, bodyText: string): HandlerRegistration {
  const exact = exactMembers(bodyText);
  const { max_attempts, backoff, max_age_ms } = input.retry;
  return {
    hook: input.hook,
    name: input.name,
    code: input.code,
    language: input.language,
    tags: [...new Set(input.tags)],
    filter: exact('filter') ?? '{}',
    notifyOnSuccess: input.notify_on_success,
    notifyOnFailure: input.notify_on_failure,
    config: exact('config') ?? '{}',
    timeoutMs: input.limits.timeout_ms,
    memoryMb: input.limits.memory_mb,
    retry: {
      maxAttempts: max_attempts,
      backoff: { firstMs: backoff.first_ms, factor: backoff.factor, maxMs: backoff.max_ms },
      maxAgeMs: max_age_ms,
    },
    concurrency: input.concurrency,
    orderingKey: input.ordering_key,
    ...(input.schedule !== null && { schedule: input.schedule }),
    enabled: input.enabled ?? null,
  };
}

/** With the instants of its schedule that come next. */
export function presentHandler(handler: Handler, state: HandlerState, nextRuns: readonly number[]): object {
  const { id, hook, name, enabled, current } = handler;
  return {
    id,
    version: current.version,
    hook,
    name,
    state,
    enabled,
    next_run_at: presentRuns(nextRuns)[0] ?? null,
    ...presentShared(current),
    created_at: instantText(handler.createdAt),
    created_by: handler.createdBy,
    updated_at: instantText(handler.updatedAt),
    updated_by: handler.updatedBy,
  };
}

export function presentVersion(version: HandlerVersion): object {
  return { version: version.version, ...presentShared(version), code: version.code };
}

function presentShared(version: HandlerVersion): object {
  const { maxAttempts, backoff, maxAgeMs } = version.retry;
  return {
    language: version.language,
    tags: version.tags,
    filter: new RawJson(version.filter),
    notify_on_success: version.notifyOnSuccess,
    notify_on_failure: version.notifyOnFailure,
    config: new RawJson(version.config),
    limits: { timeout_ms: version.timeoutMs, memory_mb: version.memoryMb },
    retry: {
      max_attempts: maxAttempts,
      backoff: { first_ms: backoff.firstMs, factor: backoff.factor, max_ms: backoff.maxMs },
      max_age_ms: maxAgeMs,
    },
    concurrency: version.concurrency,
    ordering_key: version.orderingKey,
    schedule: presentSchedule(version.schedule),
    created_at: instantText(version.createdAt),
    created_by: version.createdBy,
  };
}
