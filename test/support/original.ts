import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { interopPython } from './python.ts';
import { eventually } from './server.ts';

/** The original Event Manager in a process of its own. */
export interface OriginalServer extends AsyncDisposable {
  url: string;
}

/** Starts it in a folder with settings files, which have to name its address and database. It takes about ten seconds. */
export async function startOriginal({ folder, home, url }: { folder: string; home: string; url: string }): Promise<OriginalServer> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, TZ: 'UTC', PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn(interopPython(), ['-m', 'madsci.event_manager.event_server'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  };
  const isUp = async (): Promise<true | null> => {
    if (child.exitCode !== null) throw new Error(`the original ended with ${child.exitCode} before it was ready:\n${output}`);
    return fetch(`${url}/health`).then(
      ({ ok }) => ok || null,
      () => null,
    );
  };
  try {
    await eventually(isUp, 120_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}
