import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = join(import.meta.dirname, '../..');
const VENV_PYTHON = join(ROOT, '.cache/interop-venv/bin/python');

/** Python with nothing but its standard library. */
export const { PYTHON: SYSTEM_PYTHON = 'python3' } = process.env;

export interface PythonRun {
  code: number | null;
  /** Standard output and error. */
  output: string;
}

/** The Python that has the real MADSci client; test/interop/setup.sh makes it. */
export function interopPython(): string {
  if (!existsSync(VENV_PYTHON))
    throw new Error(`No Python with the MADSci client at ${VENV_PYTHON}: run npm run test:interop, which makes it`);
  return VENV_PYTHON;
}

/** Runs a script in a process of its own, in an empty environment apart from `env`, with `folder` as its home and working folder. */
export async function runPython(
  python: string,
  args: readonly string[],
  folder: string,
  env: Record<string, string> = {},
): Promise<PythonRun> {
  const { PATH = '' } = process.env;
  const child = spawn(python, args, {
    cwd: folder,
    env: { PATH, HOME: folder, TZ: 'UTC', PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [[code], output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output: output + errors };
}
