import { EngineError } from '../../core/errors.ts';
import type { HttpDeps } from '../deps.ts';
import { type Route, route } from '../route.ts';
import { presentPreview, presentRetention, RetentionPreviewView, RetentionRequest, RetentionView } from '../schemas/retention.ts';

/** Looking at retention, and running it by hand. */
export function retentionRoutes({ retention }: Pick<HttpDeps, 'retention'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/retention',
      area: 'operation',
      scope: 'events:read',
      summary: 'How long things are kept, and what the last run did',
      replies: { 200: { description: 'Retention', schema: RetentionView } },
      handle: async () => ({ status: 200, json: presentRetention(await retention.status()) }),
    }),
    route({
      method: 'get',
      path: '/retention/preview',
      area: 'operation',
      scope: 'events:read',
      summary: 'What retention would archive and delete now',
      description: 'Also while retention is not enabled. Counting takes a while where there are millions of events.',
      replies: { 200: { description: 'Counts of events', schema: RetentionPreviewView } },
      errors: ['query_deadline'],
      async handle() {
        const { rules } = await retention.status();
        return { status: 200, json: presentPreview(await retention.preview(), rules.isEnabled) };
      },
    }),
    route({
      method: 'post',
      path: '/retention/run',
      area: 'operation',
      scope: 'admin',
      summary: 'Run retention now',
      description: 'A run that takes longer than a second goes on after the answer; GET /retention tells when it has ended.',
      reads: 'json',
      body: RetentionRequest,
      replies: {
        200: { description: 'The run has ended', schema: RetentionView },
        202: { description: 'It is under way, here or on another server', schema: RetentionView },
      },
      errors: ['retention_held'],
      async handle({ body }) {
        const result = await retention.begin({ isClockRight: body.clock_is_right });
        if (result === 'held') throw new EngineError('retention_held', 'The clock is far ahead of what the store has seen.');
        return { status: result === 'ended' ? 200 : 202, json: presentRetention(await retention.status()) };
      },
    }),
  ];
}
