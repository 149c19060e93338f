import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
export const ADMIN_KEY = 'test-admin-key-0123456789';

/** A real server in a process of its own, on a free port of loopback, with a data folder that goes with it. */
export interface ServerProcess extends AsyncDisposable {
  url: string;
  pid: number;
  folder: string;
  /** Everything it printed so far, standard output and error together. */
  output(): string;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  process: ChildProcess;
}

/** `folder`: start on the data of an earlier server; it is then not removed. */
export async function startServer(options: { env?: Record<string, string>; folder?: string } = {}): Promise<ServerProcess> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'hookwright-'));
  const { NODE_COMPILE_CACHE } = process.env;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder, // where settings files, backups and exports are by default
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: folder,
    ADMIN_KEY,
    LOG_LEVEL: 'warn',
    TZ: 'UTC',
    ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
    ...options.env,
  };
  const child = spawn(process.execPath, [join(ROOT, 'src/main.js')], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const ready = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const url = /^ {2}API +(\S+)$/m.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    exited.then(([code]) => reject(new Error(`the server ended with ${code} before it was ready:\n${output}`)), reject);
  });
  const kill = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const [code] = await exited;
    return code;
  };
  const url = await ready;
  return {
    url,
    pid: child.pid as number,
    folder,
    output: () => output,
    kill,
    process: child,
    async [Symbol.asyncDispose]() {
      await kill('SIGTERM');
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

// The answers of an API are whatever they are: tests look at members that they know.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Answer = any;

/** fetch with the admin key and JSON on both sides. */
export async function api(
  server: { url: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Answer }> {
  const headers: Record<string, string> = { Authorization: `Bearer ${ADMIN_KEY}` };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** Asks again until `look` answers something other than null; for outcomes that happen in another process. Fails after `ms`. */
export async function eventually<T>(look: () => Promise<T | null>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`nothing after ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
