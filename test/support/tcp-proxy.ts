import { createServer, type Server, Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/**
 * What the proxy does with connections. `pass`: carries them. `refuse`: nothing listens, and those open are reset. `reset`: accepts, and resets
 * at the first byte. `black-hole`: stays open and carries nothing, as a cable that was pulled. `delay`: carries everything `delayMs` late.
 * `deaf`: carries requests and loses the answers, then resets.
 */
export type Damage = 'pass' | 'refuse' | 'reset' | 'black-hole' | 'delay' | 'deaf';

/** A TCP proxy that can do damage to what it carries. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  set(damage: Damage, options?: { delayMs?: number }): Promise<void>;
}

/** Listens on a free port of loopback. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let damage: Damage = 'pass';
  let delayMs = 0;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => carry(client));
  const port = await listen(server, 0);

  function carry(client: Socket): void {
    const upstream = new Socket();
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end).setNoDelay(true);
    client.on('data', (chunk: Buffer) => void forward(pair, client, upstream, chunk, 'request'));
    upstream.on('data', (chunk: Buffer) => void forward(pair, upstream, client, chunk, 'answer'));
    upstream.connect(target.port, target.host);
  }

  async function forward(
    pair: readonly [Socket, Socket],
    from: Socket,
    to: Socket,
    chunk: Buffer,
    kind: 'request' | 'answer',
  ): Promise<void> {
    if (damage === 'black-hole') return void from.pause();
    if (damage === 'reset' || (damage === 'deaf' && kind === 'answer')) return resetPair(pair);
    if (damage === 'delay') await after(delayMs);
    if (!to.destroyed) to.write(chunk);
  }

  function resetPair(pair: readonly [Socket, Socket]): void {
    for (const socket of pair) socket.resetAndDestroy();
    pairs.delete(pair);
  }

  return {
    port,
    async set(next, options = {}) {
      const was = damage;
      damage = next;
      delayMs = options.delayMs ?? 0;
      // What went into the hole is gone: such a connection can never be whole again.
      if (next === 'refuse' || was === 'black-hole') for (const pair of [...pairs]) resetPair(pair);
      if (next === 'refuse' && server.listening) await close(server);
      if (next !== 'refuse' && !server.listening) await listen(server, port);
    },
    async [Symbol.asyncDispose]() {
      for (const pair of [...pairs]) resetPair(pair);
      if (server.listening) await close(server);
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  const listening = Promise.withResolvers<number>();
  server.once('error', listening.reject);
  server.listen(port, '127.0.0.1', () => {
    server.off('error', listening.reject);
    const address = server.address();
    listening.resolve(typeof address === 'object' && address !== null ? address.port : port);
  });
  return listening.promise;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
