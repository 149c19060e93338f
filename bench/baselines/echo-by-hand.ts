/** The same echo with the body read by hand. */
import type { IncomingMessage } from 'node:http';
import Router from '@koa/router';
import Koa from 'koa';
import { listen } from './listen.ts';

const router = new Router();
router.post('/event', async (ctx) => {
  ctx.body = JSON.parse(await textOf(ctx.req));
});
listen(new Koa().use(router.routes()).callback());

function textOf(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => resolve(Buffer.concat(chunks).toString()));
  request.on('error', reject);
  return promise;
}
