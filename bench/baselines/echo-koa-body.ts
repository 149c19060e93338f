/** A bare Koa server with routing and a body parser that answers what it was sent. */
import Router from '@koa/router';
import Koa from 'koa';
import { koaBody } from 'koa-body';
import { listen } from './listen.ts';

const router = new Router();
router.post('/event', koaBody({ multipart: false, urlencoded: false }), (ctx) => {
  ctx.body = ctx.request.body;
});
listen(new Koa().use(router.routes()).callback());
