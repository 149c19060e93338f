import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { flag } from '../query-values.ts';
import { type Route, route } from '../route.ts';

export function operationRoutes(deps: HttpDeps): Route[] {
  return [health(deps), healthz(), readyz(deps), settings(deps), ...definitions(deps)];
}

const Health = z
  .object({
    healthy: z.boolean(),
    description: z.string(),
    version: z.string(),
    db_connected: z.boolean(),
    total_events: z.int(),
    otel_enabled: z.boolean().nullable(),
    otel_exporter_type: z.string().nullable(),
    otel_endpoint: z.string().nullable(),
  })
  .meta({ id: 'Health' });

function health(deps: HttpDeps): Route {
  return route({
    method: 'get',
    path: '/health',
    area: 'operation',
    scope: null,
    madsci: true,
    summary: 'How the server is, as MADSci clients ask',
    description: 'Always 200; /readyz tells by its status.',
    replies: { 200: { description: 'Health', schema: Health } },
    /** M22 */
    async handle() {
      const { ready, checks } = await deps.health();
      const failed = Object.entries(checks).filter(([, { ok }]) => !ok);
      const total = await deps.events.total().catch(() => null);
      const isHealthy = ready && total !== null;
      const description = isHealthy
        ? 'Event Manager is running normally'
        : `Not ready: ${failed.map(([name]) => name).join(', ') || 'store'}`;
      return { status: 200, json: madsciHealth(deps, { healthy: isHealthy, description, total }) };
    },
  });
}

function madsciHealth(
  { otel, version }: HttpDeps,
  { healthy, description, total }: { healthy: boolean; description: string; total: number | null },
): z.infer<typeof Health> {
  return {
    healthy,
    description,
    version,
    db_connected: total !== null,
    total_events: total ?? 0,
    otel_enabled: otel === null ? null : true,
    otel_exporter_type: otel?.exporter ?? null,
    otel_endpoint: otel?.endpoint ?? null,
  };
}

function healthz(): Route {
  return route({
    method: 'get',
    path: '/healthz',
    area: 'operation',
    scope: null,
    summary: 'Whether the process answers',
    replies: { 200: { description: 'It does', schema: z.object({ status: z.literal('ok') }) } },
    handle: async () => ({ status: 200, json: { status: 'ok' } }),
  });
}

const Readiness = z
  .object({
    ready: z.boolean(),
    checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
  })
  .meta({ id: 'Readiness' });

function readyz(deps: HttpDeps): Route {
  return route({
    method: 'get',
    path: '/readyz',
    area: 'operation',
    scope: null,
    summary: 'Whether the server can do its work',
    replies: {
      200: { description: 'It can', schema: Readiness },
      503: { description: 'It cannot, and why', schema: Readiness },
    },
    async handle() {
      const report = await deps.health();
      return { status: report.ready ? 200 : 503, json: report };
    },
  });
}

const SettingsQuery = z.object({
  include_defaults: flag(true, 'Whether settings that were not set are shown.'),
  include_schema: flag(false, 'Whether the types of the settings are shown too.'),
});

function settings(deps: HttpDeps): Route {
  return route({
    method: 'get',
    path: '/settings',
    area: 'operation',
    scope: 'events:read',
    madsci: true,
    summary: 'The settings in use, without secrets',
    query: SettingsQuery,
    replies: { 200: { description: 'Settings by name', schema: z.object({ settings: z.record(z.string(), z.unknown()) }) } },
    /** M23 */
    async handle({ query }) {
      const json = { settings: query.include_defaults ? deps.settings.all() : deps.settings.changed() };
      return { status: 200, json: query.include_schema ? { ...json, ...deps.settings.schema() } : json };
    },
  });
}

const Definition = z
  .object({ name: z.string(), description: z.string(), manager_id: z.string(), manager_type: z.string() })
  .meta({ id: 'Definition' });

/** M25: what clients of MADSci 0.4 to 0.6 ask first, under each of the names it had. */
function definitions(deps: HttpDeps): Route[] {
  return ['/definition', '/info', '/'].map((path) =>
    route({
      method: 'get',
      path,
      area: 'operation',
      scope: null,
      madsci: true,
      summary: 'Name and kind of this server',
      replies: { 200: { description: 'Definition', schema: Definition } },
      handle: async () => ({ status: 200, json: definition(deps) }),
    }),
  );
}

function definition({ settings, managerId }: HttpDeps): z.infer<typeof Definition> {
  const values = settings.all();
  const textOf = (name: string, fallback: string): string => {
    const value = values[name];
    return typeof value === 'string' ? value : fallback;
  };
  return {
    name: textOf('manager_name', 'Event Manager'),
    description: textOf('manager_description', 'Stores events and runs handlers on them'),
    manager_id: managerId,
    manager_type: textOf('manager_type', 'event_manager'),
  };
}
