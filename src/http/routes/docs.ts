/** The API's documentation, served whole from this machine: a lab may have no way out. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../core/errors.ts';
import { errorsPage, swaggerInit, swaggerPage } from '../docs-pages.ts';
import { type Reply, type Route, type RouteSpec, route } from '../route.ts';

const HTML = 'text/html; charset=utf-8';
const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** The documentation of `routes` and of itself. */
export function docsRoutes(routes: readonly Route[], version: string): Route[] {
  let text: string | null = null;
  const own: Route[] = [
    page('/docs', 'This documentation', async () => html(swaggerPage)),
    page('/redoc', 'The same documentation, where MADSci has a second one', async () => html(swaggerPage)),
    page('/docs/errors', 'Every error, by its code', async () => html(errorsPage())),
    page('/openapi.json', 'The OpenAPI 3.1 document', async () => {
      // Loaded when somebody looks: the document takes a library of its own.
      const { openApiText } = await import('../openapi.ts');
      text ??= openApiText([...routes, ...own], version);
      return { status: 200, text };
    }),
    assetRoute(),
  ];
  return own;
}

function page(path: string, summary: string, handle: () => Promise<Reply>): Route {
  const contentType = path.endsWith('.json') ? 'application/json' : HTML;
  return route({ ...shared(path, summary), replies: { 200: { description: 'The page', contentType, schema: z.unknown() } }, handle });
}

/** What the pages have in common: MADSci offers HEAD on these only (M63). */
function shared(
  path: string,
  summary: string,
): Pick<RouteSpec<unknown, unknown, unknown>, 'method' | 'path' | 'area' | 'scope' | 'summary'> & {
  madsci: true;
  head: true;
} {
  return { method: 'get', path, area: 'operation', scope: null, madsci: true, head: true, summary };
}

function html(text: string): Reply {
  return { status: 200, text, contentType: HTML, headers: SECURITY };
}

const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
]);

function assetRoute(): Route {
  return route({
    ...shared('/docs/:file', 'Files of the documentation page'),
    params: z.object({ file: z.string() }),
    replies: { 200: { description: 'The file', contentType: 'text/javascript', schema: z.unknown() } },
    errors: ['not_found'],
    async handle({ params: { file } }) {
      if (file === 'init.js') return { status: 200, text: swaggerInit, contentType: 'text/javascript; charset=utf-8', headers: SECURITY };
      const contentType = CONTENT_TYPES.get(file);
      if (contentType === undefined) throw new EngineError('not_found', 'Not Found');
      const headers = { ...SECURITY, 'Cache-Control': 'public, max-age=86400' };
      return { status: 200, bytes: await readFile(join(swaggerFolder(), file)), contentType, headers };
    },
  });
}

function swaggerFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
