import type { HttpDeps } from '../deps.ts';
import { type Route, route } from '../route.ts';

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

export function metricsRoutes(deps: Pick<HttpDeps, 'metrics'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/metrics',
      area: 'operation',
      scope: 'metrics:read',
      summary: 'Figures for Prometheus',
      description: 'In the text format 0.0.4. docs/operations.md explains each.',
      replies: { 200: { description: 'Every family of figures, with its help and type', contentType: PROMETHEUS_TEXT } },
      handle: async () => ({
        status: 200,
        text: await deps.metrics(),
        contentType: PROMETHEUS_TEXT,
        headers: { 'Cache-Control': 'no-store' },
      }),
    }),
  ];
}
