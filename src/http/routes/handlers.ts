import { z } from 'zod';
import type { Handler } from '../../core/handler.ts';
import type { HttpDeps } from '../deps.ts';
import { type Reply, type Route, route } from '../route.ts';
import {
  HandlerDetail,
  HandlerInput,
  HandlerList,
  HandlerPatch,
  HandlerVersionList,
  HandlerWithCode,
  presentHandler,
  presentVersion,
  RollbackInput,
  registrationOf,
} from '../schemas/handler.ts';
import { TriggerResult } from '../schemas/hook.ts';
import { HandlerId, listText, pageByNumber, pageOf, pageQuery, pageRequest } from '../schemas/listing.ts';
import { jsonText } from '../schemas/raw-json.ts';
import { presentRuns, SHOWN_RUNS } from '../schemas/schedule.ts';

const Params = z.object({ id: HandlerId });

/** Registering, reading and steering handlers. */
export function handlersRoutes({ handlers, schedules }: Pick<HttpDeps, 'handlers' | 'schedules'>): Route[] {
  const present = (handler: Handler): object => presentHandler(handler, handlers.stateOf(handler), schedules.nextRuns(handler, 1));
  const detail = (handler: Handler): object => {
    const runs = schedules.nextRuns(handler, SHOWN_RUNS);
    return { ...presentHandler(handler, handlers.stateOf(handler), runs), next_runs: presentRuns(runs) };
  };
  const reply = (status: number, handler: Handler): Reply => ({ status, text: jsonText(detail(handler)) });

  return [
    route({
      method: 'post',
      path: '/handlers',
      summary: 'Register a handler, or replace the one of the same hook and name',
      description:
        'The code is compiled first: nothing is stored when it does not compile. The handler acts with the key of this request, ' +
        'whoever triggers it. Replacing keeps the id and adds one to the version.',
      area: 'handlers',
      scope: 'handlers:write',
      reads: 'json',
      body: HandlerInput,
      replies: {
        201: { description: 'Registered.', schema: HandlerDetail },
        200: { description: 'Replaced.', schema: HandlerDetail },
      },
      errors: [
        'handler_source_invalid',
        'selector_invalid',
        'selector_operator_refused',
        'selector_too_large',
        'selector_regex_unsupported',
        'unauthenticated',
      ],
      async handle({ body, bodyText, caller }) {
        const { handler, replaced } = await handlers.register(registrationOf(body, bodyText), caller);
        return { ...reply(replaced ? 200 : 201, handler), headers: { Location: `/handlers/${handler.id}` } };
      },
    }),
    route({
      method: 'get',
      path: '/handlers',
      summary: 'List handlers, by id',
      area: 'handlers',
      scope: 'handlers:read',
      query: z.object({ hook: z.string().min(1).optional(), name: z.string().min(1).optional(), ...pageQuery }),
      replies: { 200: { description: 'Without their code.', schema: HandlerList } },
      errors: ['cursor_invalid'],
      async handle({ query }) {
        const { hook, name } = query;
        const found = handlers.list(hook ?? null).filter((handler) => name === undefined || handler.name === name);
        return {
          status: 200,
          text: listText(
            pageByNumber(found, pageRequest(query), ({ id }) => id),
            present,
          ),
        };
      },
    }),
    route({
      method: 'get',
      path: '/handlers/:id',
      summary: 'Read a handler with its code',
      area: 'handlers',
      scope: 'handlers:read',
      params: Params,
      replies: { 200: { description: 'The handler.', schema: HandlerWithCode } },
      errors: ['handler_not_found'],
      async handle({ params }) {
        const handler = handlers.get(params.id);
        return { status: 200, text: jsonText({ ...detail(handler), code: handler.current.code }) };
      },
    }),
    route({
      method: 'patch',
      path: '/handlers/:id',
      summary: 'Switch a handler on or off',
      description: 'While it is off, firings pass it by: they are not made up for later, scheduled ones neither.',
      area: 'handlers',
      scope: 'handlers:write',
      params: Params,
      reads: 'json',
      body: HandlerPatch,
      replies: { 200: { description: 'The handler as it is now.', schema: HandlerDetail } },
      errors: ['handler_not_found'],
      async handle({ params, body, caller }) {
        return reply(200, await handlers.setEnabled(params.id, body.enabled, caller));
      },
    }),
    route({
      method: 'delete',
      path: '/handlers/:id',
      summary: 'Deregister a handler',
      description: 'Its executions that wait are canceled; those that ended stay readable. Its id is never used again.',
      area: 'handlers',
      scope: 'handlers:write',
      params: Params,
      replies: { 204: { description: 'It is gone.' } },
      errors: ['handler_not_found'],
      async handle({ params, caller }) {
        await handlers.deregister(params.id, caller);
        return { status: 204 };
      },
    }),
    route({
      method: 'post',
      path: '/handlers/:id/run',
      summary: 'Run a scheduled handler now, beside its schedule',
      description: 'It is given the present as `scheduled_at`, and null as `previous_at`.',
      area: 'handlers',
      scope: 'executions:write',
      params: Params,
      replies: { 202: { description: 'It runs; its execution tells how that ends.', schema: TriggerResult } },
      errors: ['handler_not_found', 'handler_not_runnable'],
      async handle({ params }) {
        const { id, executionIds } = await schedules.runNow(params.id);
        return { status: 202, text: jsonText({ id, execution_ids: executionIds }) };
      },
    }),
    route({
      method: 'get',
      path: '/handlers/:id/versions',
      summary: 'List the versions of a handler with their code, newest first',
      area: 'handlers',
      scope: 'handlers:read',
      params: Params,
      query: z.object(pageQuery),
      replies: { 200: { description: 'The versions.', schema: HandlerVersionList } },
      errors: ['handler_not_found', 'cursor_invalid'],
      async handle({ params, query }) {
        const page = pageOf(await handlers.versions(params.id), pageRequest(query), ({ version }) => String(version));
        return { status: 200, text: listText(page, presentVersion) };
      },
    }),
    route({
      method: 'post',
      path: '/handlers/:id/rollback',
      summary: 'Make an old version the current one',
      description: 'A copy of it becomes the newest version, with the rights of the key of this request.',
      area: 'handlers',
      scope: 'handlers:write',
      params: Params,
      reads: 'json',
      body: RollbackInput,
      replies: { 200: { description: 'The handler with its new version.', schema: HandlerDetail } },
      errors: ['handler_not_found', 'version_not_found', 'handler_source_invalid', 'unauthenticated'],
      async handle({ params, body, caller }) {
        return reply(200, await handlers.rollback(params.id, body?.version ?? null, caller));
      },
    }),
  ];
}
