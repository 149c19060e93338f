import { z } from 'zod';
import type { ExecutionRecord } from '../../ports/queue.ts';
import type { HttpDeps } from '../deps.ts';
import { type Reply, type Route, route } from '../route.ts';
import {
  ExecutionDetail,
  ExecutionList,
  ExecutionsQuery,
  executionFilter,
  presentExecution,
  presentExecutionDetail,
} from '../schemas/execution.ts';
import { listText, pageRequest } from '../schemas/listing.ts';
import { jsonText } from '../schemas/raw-json.ts';

const Params = z.object({ id: z.string().meta({ description: 'Id of the execution, percent-encoded.' }) });

/** Reading and steering executions. */
export function executionsRoutes({ executions }: Pick<HttpDeps, 'executions'>): Route[] {
  const reply = (execution: ExecutionRecord): Reply => ({ status: 200, text: jsonText(presentExecutionDetail(execution)) });

  return [
    route({
      method: 'get',
      path: '/executions',
      summary: 'List executions, newest first',
      area: 'executions',
      scope: 'handlers:read',
      query: ExecutionsQuery,
      replies: { 200: { description: 'Without input, output, logs and attempts.', schema: ExecutionList } },
      errors: ['cursor_invalid'],
      async handle({ query }) {
        return { status: 200, text: listText(await executions.list(executionFilter(query), pageRequest(query)), presentExecution) };
      },
    }),
    route({
      method: 'get',
      path: '/executions/:id',
      summary: 'Read an execution with its input, output, logs and attempts',
      area: 'executions',
      scope: 'handlers:read',
      params: Params,
      replies: { 200: { description: 'The execution.', schema: ExecutionDetail } },
      errors: ['execution_not_found'],
      async handle({ params }) {
        return reply(await executions.get(params.id));
      },
    }),
    route({
      method: 'post',
      path: '/executions/:id/cancel',
      summary: 'Stop an execution, waiting or running',
      description: 'Nothing that a running one asked for happens.',
      area: 'executions',
      scope: 'executions:write',
      params: Params,
      replies: { 200: { description: 'The execution as it is now.', schema: ExecutionDetail } },
      errors: ['execution_not_found', 'execution_not_cancelable'],
      async handle({ params }) {
        return reply(await executions.cancel(params.id));
      },
    }),
    route({
      method: 'post',
      path: '/executions/:id/replay',
      summary: 'Run an execution that has ended once more',
      description: 'With the current version of its handler and a fresh budget of attempts.',
      area: 'executions',
      scope: 'executions:write',
      params: Params,
      replies: { 200: { description: 'The execution as it is now.', schema: ExecutionDetail } },
      errors: ['execution_not_found', 'execution_not_replayable', 'handler_not_found'],
      async handle({ params }) {
        return reply(await executions.replay(params.id));
      },
    }),
  ];
}
