import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The clock of a machine, as a server that is started with `env` sees it: every thread, SQLite too. Its runners, which have no environment, and elapsed time stay as they are. */
export interface MachineClock extends Disposable {
  env: Record<string, string>;
  /** Sets it to so many seconds ahead of what it really is. */
  set(seconds: number): void;
}

const ROOT = new URL('../..', import.meta.url).pathname;
const PLACES = [
  process.env['FAKETIME_LIBRARY'],
  `${ROOT}.cache/faketime/libfaketime/vendor/libfaketime/src/libfaketime.so.1`,
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];

export function machineClock(seconds = 0): MachineClock {
  const library = PLACES.find((place) => place !== undefined && existsSync(place));
  if (library === undefined)
    throw new Error(`libfaketime is missing, and these tests need it: they are not skipped. One of these brings it:
  - bash test/support/faketime-setup.sh, which takes it from a Python package (Linux on x86-64)
  - apt-get install libfaketime
  - FAKETIME_LIBRARY=/path/to/libfaketime.so.1`);
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-clock-'));
  const file = join(folder, 'offset');
  const set = (to: number): void => {
    // Whole or not at all: the library reads it at every look at the clock.
    writeFileSync(`${file}.new`, `${to < 0 ? '' : '+'}${to}\n`);
    renameSync(`${file}.new`, file);
  };
  set(seconds);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
