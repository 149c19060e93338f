import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const OWN_FOLDER = fileURLToPath(new URL('.', import.meta.url));
const PROGRAM = fileURLToPath(new URL('runner.ts', import.meta.url));
const NICENESS = 10;

/**
 * Starts a runner process with nothing in its environment and leave to read only our own files and the sandbox's library.
 * Native addons need `--allow-addons`, so the permission model is the second wall; the isolate is the first.
 */
export function forkRunner(): ChildProcess {
  const runner = fork(PROGRAM, [], {
    execArgv: [...runnerPermissions(), '--no-node-snapshot', '--experimental-vm-modules', '--no-warnings', '--max-old-space-size=256'],
    env: {},
    // A new process group: Ctrl-C in a terminal is for the server, which then ends its runners itself.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Measured with texts of 25 kB: 46 µs of the server's time there and back, against 332 µs as JSON and 85 µs through a pipe of our own.
    serialization: 'advanced',
  });
  if (runner.pid !== undefined) stepBack(runner.pid);
  return runner;
}

/**
 * Behind the server in the queue for the processor, so that it answers while every core is busy with handlers. Linux gives each session the
 * same share, whatever the niceness of what is in it, unless the session itself has one; the runner cannot write that, as it has no files.
 */
function stepBack(pid: number): void {
  try {
    setPriority(pid, NICENESS);
    writeFileSync(`/proc/${pid}/autogroup`, String(NICENESS));
  } catch {
    // Some systems have no such groups, or do not let a process change a priority: then it runs as it is.
  }
}

/** What keeps a runner from files, network, processes and threads. */
export function runnerPermissions(): string[] {
  const packages = createRequire(import.meta.url);
  const library = dirname(packages.resolve('isolated-vm/package.json'));
  const loader = dirname(createRequire(`${library}/package.json`).resolve('node-gyp-build/package.json'));
  // The loader of native addons looks at the last of these to tell one C library from another.
  const readable = [OWN_FOLDER, library, loader, '/etc/alpine-release'];
  return ['--permission', '--allow-addons', ...readable.map((path) => `--allow-fs-read=${path}`)];
}
