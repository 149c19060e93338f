import type { HttpDeps } from './deps.ts';
import type { Route } from './route.ts';
import { backupRoutes } from './routes/backup.ts';
import { deliveriesRoutes } from './routes/deliveries.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { executionsRoutes } from './routes/executions.ts';
import { handlersRoutes } from './routes/handlers.ts';
import { hooksRoutes } from './routes/hooks.ts';
import { keysRoutes } from './routes/keys.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { operationRoutes } from './routes/operation.ts';
import { retentionRoutes } from './routes/retention.ts';
import { utilizationRoutes } from './routes/utilization.ts';

/** The one route table: router, validation and documentation are made from it. */
export function routes(deps: HttpDeps): Route[] {
  const api = [
    ...eventRoutes(deps),
    ...hooksRoutes(deps),
    ...handlersRoutes(deps),
    ...executionsRoutes(deps),
    ...deliveriesRoutes(deps),
    ...keysRoutes(deps),
    ...backupRoutes(deps),
    ...utilizationRoutes(deps),
    ...operationRoutes(deps),
    ...metricsRoutes(deps),
    ...retentionRoutes(deps),
  ];
  return [...api, ...docsRoutes(api, deps.version)];
}
