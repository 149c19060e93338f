import type { AddressInfo } from 'node:net';
import type Koa from 'koa';

/** Listens on a free port of loopback, reports its URL to the bench, and ends with it. */
export function listen(app: Koa): void {
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  process.on('disconnect', () => process.exit());
}
