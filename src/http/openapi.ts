/** The OpenAPI 3.1 document, made from the route table alone. */
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import { hasScope, type Scope } from '../core/key.ts';
import { PROBLEM_TYPE } from './problem.ts';
import type { ReplySpec, Route } from './route.ts';

const JSON_TYPE = 'application/json';
/** What a server on loopback lets anybody do, unless its settings say otherwise. */
const OPEN_ON_LOOPBACK: readonly Scope[] = ['events:read', 'events:write'];

const Problem = z
  .object({
    type: z.string().meta({ description: 'Where the code is explained.', example: '/docs/errors#invalid_request' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'Stable; the texts are not.', example: 'invalid_request' }),
    instance: z.string().optional(),
    request_id: z.string(),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .optional()
      .meta({ description: 'JSON pointers into the body, or names of parameters.' }),
  })
  .meta({ id: 'Problem' });

const MadsciError = z
  .object({ detail: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]) })
  .meta({ id: 'MadsciError', description: 'As MADSci answers; a client that accepts application/problem+json gets a Problem.' });

/** The JSON text of the document. */
export function openApiText(routes: readonly Route[], version: string): string {
  const document = createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Hookwright',
      version,
      description: 'Stores and queries structured events, and runs sandboxed handlers on them.',
    },
    tags: [...new Set(routes.map(({ area }) => area))].map((name) => ({ name })),
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key. From this machine, events need none by default.' },
      },
    },
    paths: pathsOf(routes),
  });
  return JSON.stringify(document);
}

/** '/event/:event_id' as '/event/{event_id}'. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function pathsOf(routes: readonly Route[]): ZodOpenApiPathsObject {
  const byPath = Map.groupBy(routes, ({ path }) => openApiPath(path));
  return Object.fromEntries(
    Array.from(byPath, ([path, members]) => [path, Object.fromEntries(members.map((route) => [route.method, operationOf(route)]))]),
  );
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const { summary, area, scope, params, query } = route;
  const rights = scope === null ? [] : [`Needs the scope \`${scope}\`.`];
  const description = [route.description ?? [], rights].flat().join('\n\n');
  return {
    operationId: operationId(route),
    summary,
    ...(description === '' ? {} : { description }),
    tags: [area],
    ...(scope === null ? {} : { security: hasScope(OPEN_ON_LOOPBACK, scope) ? [{}, { key: [] }] : [{ key: [] }] }),
    ...(params instanceof z.ZodObject || query instanceof z.ZodObject ? { requestParams: parametersOf(params, query) } : {}),
    ...bodyOf(route),
    responses: responsesOf(route),
  };
}

function operationId({ method, path }: Route): string {
  return `${method}${path.replace(/[^a-zA-Z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`;
}

function parametersOf(params: unknown, query: unknown): NonNullable<ZodOpenApiOperationObject['requestParams']> {
  return { ...(params instanceof z.ZodObject ? { path: params } : {}), ...(query instanceof z.ZodObject ? { query } : {}) };
}

function bodyOf({ reads, body, consumes = [JSON_TYPE] }: Route): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (reads === undefined) return {};
  const schema = body ?? z.unknown();
  return { requestBody: { content: Object.fromEntries(consumes.map((type) => [type, { schema }])) } };
}

function responsesOf(route: Route): ZodOpenApiResponsesObject {
  const replies = Object.entries(route.replies).map(([status, spec]) => [status, responseOf(spec)] as const);
  const byStatus = Map.groupBy(codesOf(route), (code) => String(ERRORS[code].status));
  const errors = Array.from(byStatus, ([status, codes]) => [status, errorResponse(route, codes)] as const);
  return Object.fromEntries([...errors, ...replies]);
}

function responseOf({
  description,
  schema,
  example,
  contentType = JSON_TYPE,
}: ReplySpec): ZodOpenApiResponsesObject[`${1 | 2 | 3 | 4 | 5}${string}`] {
  if (schema === undefined && example === undefined) return { description };
  const media = { ...(schema === undefined ? {} : { schema }), ...(example === undefined ? {} : { example }) };
  return { description, content: { [contentType]: media } };
}

/** What a route can answer by its own account, and by what it is. */
function codesOf({ errors = [], scope, params, query, reads }: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>(errors);
  if (scope !== null) for (const code of ['unauthenticated', 'forbidden', 'rate_limited'] as const) codes.add(code);
  if (params !== undefined || query !== undefined || reads === 'json') codes.add('invalid_request');
  if (reads === 'json') for (const code of ['invalid_json', 'body_too_large', 'unsupported_media_type'] as const) codes.add(code);
  return [...codes];
}

function errorResponse({ madsci }: Route, codes: readonly ErrorCode[]): NonNullable<ReturnType<typeof responseOf>> {
  const content =
    madsci === true
      ? { [JSON_TYPE]: { schema: MadsciError }, [PROBLEM_TYPE]: { schema: Problem } }
      : { [PROBLEM_TYPE]: { schema: Problem } };
  return { description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'), content };
}
