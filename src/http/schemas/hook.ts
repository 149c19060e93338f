/** Hooks and triggers as they are sent and answered. */
import { z } from 'zod';
import { HANDLER_BOUNDS } from '../../core/handler.ts';
import type { Hook } from '../../core/hook.ts';
import { parseExact, stringifyExact } from '../../core/json.ts';
import { listOf } from './listing.ts';
import { RawJson } from './raw-json.ts';
import { strict } from './strict.ts';

export const HookView = z
  .object({
    name: z.string().meta({ example: 'ctingress.on_complete' }),
    fires: z.string().meta({ description: 'When it fires.' }),
    kind: z.enum(['event', 'engine', 'external']),
    triggerable: z.boolean().meta({ description: 'Whether POST /hooks/{name}/trigger fires it.' }),
    schema: z.looseObject({}).meta({ description: 'JSON Schema of the payload.' }),
    sample: z.unknown().meta({ description: 'A payload to try a handler with.' }),
    typings: z.string().meta({ description: 'TypeScript that declares the type Payload.' }),
  })
  .meta({ id: 'Hook' });

export const HookList = listOf(HookView).meta({ id: 'HookList' });

export const TriggerInput = strict({
  payload: z
    .unknown()
    .refine((payload) => payload !== undefined, 'A payload is needed')
    .meta({ description: 'What handlers get; checked against the schema of the hook, kept as it was written.' }),
  tags: z
    .array(z.string().min(1).max(HANDLER_BOUNDS.tagLength))
    .max(HANDLER_BOUNDS.tags)
    .default([])
    .meta({ description: 'Handlers with any of them run, and those without tags; no tags run all handlers of the hook.' }),
  id: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Chosen by the caller, so that a repeated trigger is harmless; made when absent.' }),
}).meta({ id: 'TriggerInput', example: { payload: { File: 'feeder_12.zip' }, tags: ['voltage-transform'] } });
export type TriggerInput = z.infer<typeof TriggerInput>;

export const TriggerResult = z
  .object({ id: z.string(), execution_ids: z.array(z.string()).meta({ description: 'One for each handler that runs.' }) })
  .meta({ id: 'TriggerResult' });

export function presentHook({ name, fires, kind, payload, sample, typings }: Hook): object {
  const schema = z.toJSONSchema(payload);
  return { name, fires, kind, triggerable: kind === 'external', schema, sample: new RawJson(stringifyExact(parseExact(sample))), typings };
}
