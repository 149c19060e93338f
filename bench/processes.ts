import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../test/support/server.ts';
import { newDatabase } from './store.ts';

const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** Nothing outlives the bench, however it ends. Runners of a server end with it. */
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function track(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A folder that goes when the bench is done with it. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'hookwright-bench-'));
  folders.add(path);
  return {
    path,
    [Symbol.dispose]() {
      folders.delete(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The server under test. Its rate of answers is measured, so it writes no log. */
export async function startSubject(
  options: { folder?: string; env?: Record<string, string> } = {},
): Promise<Awaited<ReturnType<typeof startServer>>> {
  const place = newDatabase();
  const store = place === null ? {} : { EVENT_DB_URL: place.url, EVENT_DATABASE_NAME: place.database };
  const server = await startServer({ ...options, env: { DURABILITY: 'full', LOG_LEVEL: 'error', ...store, ...options.env } });
  track(server.process);
  return server;
}

/** A script in a process of its own that answers each request with one message. */
export interface Part<Request, Reply> extends AsyncDisposable {
  pid: number;
  ask(request: Request): Promise<Reply>;
}

/** Starts `script` and waits for its first message, which is `ready`. The script ends when this process does. */
export async function startPart<Ready, Request = never, Reply = never>(
  script: URL,
  args: string[] = [],
): Promise<Part<Request, Reply> & { ready: Ready }> {
  const child = track(
    fork(script, args, { execArgv: ['--no-node-snapshot'], serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const exited = once(child, 'exit');
  const next = async (): Promise<unknown> => {
    const [message] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => Promise.reject(new Error(`${script.pathname} ended with ${code}`))),
    ]);
    return message;
  };
  const ready = (await next()) as Ready;
  return {
    ready,
    pid: child.pid ?? 0,
    async ask(request) {
      const reply = next();
      child.send(request as object);
      return (await reply) as Reply;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
