import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interopPython } from './python.ts';
import { eventually } from './server.ts';

/** MADSci's own Event Manager as a process, on a free port of loopback. */
export interface OriginalServer extends AsyncDisposable {
  url: string;
  output(): string;
}

const STARTS_WITHIN_MS = 120_000;
/** After a SIGTERM it waits for open connections. */
const STOPS_WITHIN_MS = 5_000;

export interface OriginalOptions {
  /** With settings files. */
  folder?: string;
  /** Its home, which is made and removed where none is given. */
  home?: string;
  /** Where the settings say that it listens; a free port where none is given. */
  url?: string;
  env?: Record<string, string>;
}

/** Each with a home, and in it a registry, of its own: two of one name wait for each other (M68). It takes about ten seconds. */
export async function startOriginal(options: OriginalOptions): Promise<OriginalServer> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'hookwright-original-'));
  if (options.home === undefined) mkdirSync(join(home, '.git')); // where its search for settings files ends
  const url = options.url ?? `http://127.0.0.1:${await freePort()}`;
  const child = spawn(interopPython(), ['-m', 'madsci.event_manager.event_server'], {
    cwd: options.folder ?? home,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      TZ: 'UTC',
      PYTHONUTF8: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      ...(options.url === undefined ? { EVENT_SERVER_URL: `${url}/` } : {}),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    await ended(child, exited);
    if (options.home === undefined) rmSync(home, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`the original server ended with ${child.exitCode}:\n${output}`);
      return fetch(`${url}/health`).then(
        (response) => (response.ok ? true : null),
        () => null,
      );
    }, STARTS_WITHIN_MS);
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}\n${output}`, { cause: error });
  }
  return { url, output: () => output, [Symbol.asyncDispose]: stop };
}

async function ended(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOPS_WITHIN_MS);
  await exited;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
