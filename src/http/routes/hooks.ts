import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { type Route, route } from '../route.ts';
import { HookList, HookView, presentHook, TriggerInput, TriggerResult } from '../schemas/hook.ts';
import { listText, pageOf, pageQuery, pageRequest } from '../schemas/listing.ts';
import { exactMembers, jsonText } from '../schemas/raw-json.ts';

const Params = z.object({ name: z.string().meta({ description: 'Name of the hook.' }) });

/** The hooks, and firing those that systems outside may fire. */
export function hooksRoutes({ triggers }: Pick<HttpDeps, 'triggers'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/hooks',
      summary: 'List the hooks',
      description: 'Each with the JSON Schema of its payload, a sample, and typings for handler authors.',
      area: 'hooks',
      scope: 'handlers:read',
      query: z.object(pageQuery),
      replies: { 200: { description: 'The hooks.', schema: HookList } },
      errors: ['cursor_invalid'],
      async handle({ query }) {
        return {
          status: 200,
          text: listText(
            pageOf(triggers.hooks(), pageRequest(query), ({ name }) => name),
            presentHook,
          ),
        };
      },
    }),
    route({
      method: 'get',
      path: '/hooks/:name',
      summary: 'Read a hook',
      area: 'hooks',
      scope: 'handlers:read',
      params: Params,
      replies: { 200: { description: 'The hook.', schema: HookView } },
      errors: ['hook_not_found'],
      async handle({ params }) {
        return { status: 200, text: jsonText(presentHook(triggers.hook(params.name))) };
      },
    }),
    route({
      method: 'post',
      path: '/hooks/:name/trigger',
      summary: 'Fire an external hook',
      description:
        'Payload and executions are stored before the answer. The payload is kept as it was written: 64-bit integers lose nothing. ' +
        'The same id again makes no further executions and answers those of the first time.',
      area: 'hooks',
      scope: 'events:write',
      params: Params,
      reads: 'json',
      body: TriggerInput,
      replies: { 202: { description: 'Stored; the executions run on their own.', schema: TriggerResult } },
      errors: ['hook_not_found', 'hook_not_triggerable'],
      async handle({ params, body, bodyText }) {
        const payload = exactMembers(bodyText)('payload') ?? 'null';
        const { id, executionIds } = await triggers.trigger(params.name, { id: body.id ?? null, payload, tags: body.tags });
        return { status: 202, json: { id, execution_ids: executionIds } };
      },
    }),
  ];
}
