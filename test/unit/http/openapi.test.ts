import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { openApiPath, openApiText } from '../../../src/http/openapi.ts';
import { type Route, route } from '../../../src/http/route.ts';
import { docsRoutes } from '../../../src/http/routes/docs.ts';
import { eventRoutes } from '../../../src/http/routes/events.ts';
import { operationRoutes } from '../../../src/http/routes/operation.ts';
import { startServer, testDeps } from './support.ts';

interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}
interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Record<string, unknown> }[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
  security?: unknown;
}

function routesOf(): Route[] {
  const deps = testDeps();
  const api = [...eventRoutes(deps), ...operationRoutes(deps)];
  return [...api, ...docsRoutes(api, deps.version)];
}

const operationsOf = ({ paths }: Document): string[] =>
  Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));

async function served(): Promise<Document> {
  await using server = await startServer();
  return JSON.parse((await server.call('/openapi.json')).text) as Document;
}

describe('the OpenAPI document', () => {
  test('has every route that is served, and no other', async () => {
    const routes = routesOf().map(({ method, path }) => `${method} ${openApiPath(path)}`);
    expect(operationsOf(await served()).sort()).toEqual(routes.sort());
  });

  test("M24 has MADSci's operations on events and itself", async () => {
    const operations = operationsOf(await served());
    for (const operation of [
      'post /event',
      'get /event/{event_id}',
      'get /events',
      'post /events/query',
      'post /events/archive',
      'get /events/archived',
      'delete /events/archived',
      'get /health',
      'get /settings',
    ])
      expect(operations).toContain(operation);
  });

  test('operation ids are unique, and no reference leads nowhere', async () => {
    const document = await served();
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
    for (const [, name] of references) expect(Object.keys(document.components.schemas)).toContain(name);
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
  });

  test('parameters are shown as what they are, though they arrive as text', async () => {
    const { paths } = await served();
    const parameters = paths['/events']?.['get']?.parameters ?? [];
    expect(parameters.map(({ name, schema, required }) => [name, schema['type'], schema['default'], required ?? false])).toEqual([
      ['number', 'integer', 100, false],
      ['offset', 'integer', 0, false],
      ['level', 'string', 0, false],
      ['start_time', 'string', undefined, false],
      ['end_time', 'string', undefined, false],
      ['include_archived', 'boolean', false, false],
    ]);
    expect(paths['/event/{event_id}']?.['get']?.parameters).toMatchObject([{ name: 'event_id', in: 'path', required: true }]);
  });

  test('a route shows its rights, its bodies and every error it can answer', () => {
    const body = z.object({ name: z.string() }).meta({ id: 'Thing' });
    const thing = route({
      method: 'put',
      path: '/things/:id/parts/:part',
      area: 'handlers',
      scope: 'handlers:write',
      summary: 'Put',
      params: z.object({ id: z.string(), part: z.string() }),
      body,
      reads: 'json',
      replies: { 201: { description: 'Made', schema: body, example: { name: 'a' } }, 204: { description: 'Gone' } },
      errors: ['handler_not_found'],
      handle: async () => ({ status: 204 }),
    });
    const document = JSON.parse(openApiText([thing], '1')) as Document;
    const operation = document.paths['/things/{id}/parts/{part}']?.['put'];
    expect(operation).toMatchObject({
      operationId: 'putThingsIdPartsPart',
      security: [{ key: [] }],
      requestBody: { content: { 'application/json': {} } },
    });
    expect(Object.keys(operation?.responses ?? {})).toEqual(['201', '204', '400', '401', '403', '404', '413', '415', '422', '429']);
    expect(operation?.responses['404']?.description).toContain('handler_not_found');
    expect(Object.keys(document.components.schemas).sort()).toEqual(expect.arrayContaining(['Problem', 'Thing']));
  });
});

describe('the documentation page', () => {
  const FOREIGN = /(?:src|href|url)\s*[=:(]\s*["']?(?:https?:)?\/\//i;

  test.each(['/docs', '/redoc', '/docs/errors'])('%s is a page of this server alone', async (path) => {
    await using server = await startServer();
    const { status, headers, text } = await server.call(path);
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text).not.toMatch(FOREIGN);
    expect(text).not.toMatch(/<script(?! src="\/docs\/)|<style|\son\w+=|\sstyle=/);
  });

  test('every file that the page names is served, with its type', async () => {
    await using server = await startServer();
    const { text } = await server.call('/docs');
    const files = Array.from(text.matchAll(/(?:src|href)="([^"]+)"/g), ([, path]) => path ?? '');
    expect(files).toHaveLength(4);
    for (const file of files) {
      const { status, headers } = await server.call(file);
      expect(status).toBe(200);
      expect(headers['content-type']).toMatch(/^(?:text\/(?:javascript|css); charset=utf-8|image\/png)$/);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  test('the page asks nobody outside to judge the document', async () => {
    await using server = await startServer();
    const { text } = await server.call('/docs/init.js');
    expect(text).toContain('validatorUrl: null');
    expect(text).toContain("url: '/openapi.json'");
    expect(text).not.toMatch(/https?:/);
  });

  test.each(['/docs/package.json', '/docs/..%2Fpackage.json', '/docs/%2e%2e%2fswagger-ui.css', '/docs/index.html'])(
    '%s is not served',
    async (path) => {
      await using server = await startServer();
      expect((await server.call(path)).status).toBe(404);
    },
  );

  test('the pinned page is installed', () => {
    const { version } = createRequire(import.meta.url)('swagger-ui-dist/package.json') as { version: string };
    expect(version).toBe('5.35.0');
  });
});
