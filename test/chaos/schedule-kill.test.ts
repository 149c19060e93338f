import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { ROUNDS, randomOf } from './chaos.ts';

const PROGRAM = join(import.meta.dirname, 'schedule-clock.ts');
const START = Date.UTC(2026, 2, 1) + 500;
const MINUTE = 60_000;

class Run {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #printed = '';

  constructor(folder: string, start: number, end: number) {
    this.#child = spawn(process.execPath, [PROGRAM, folder, String(start), String(end)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#printed += chunk.toString();
    });
    this.#exit = once(this.#child, 'exit');
  }
  /** Until it has printed something. */
  async begun(): Promise<void> {
    while (this.#printed === '' && this.#child.exitCode === null)
      await Promise.race([once(this.#child.stdout as never, 'data'), this.#exit]);
  }
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
  async end(): Promise<void> {
    await this.#exit;
    if (!this.#printed.endsWith('done\n')) throw new Error(`it ended with ${this.#child.exitCode} after ${this.#printed.slice(-100)}`);
  }
  /** The last moment that it had come to, which may be a step before what it had done. */
  get moment(): number {
    return Number(this.#printed.split('\n').at(-2));
  }
}

test(
  'each planned minute fires exactly once, however often the server is killed',
  async () => {
    const random = randomOf('schedule-kill');
    const folder = mkdtempSync(join(tmpdir(), 'hookwright-schedule-'));
    try {
      let moment = START;
      for (let round = 0; round < ROUNDS; round++) {
        const run = new Run(folder, moment, Number.MAX_SAFE_INTEGER);
        await run.begun();
        await setTimeout(random.between(0, 200));
        await run.kill();
        moment = run.moment;
      }
      const minutes = Math.floor((moment - START) / MINUTE) + 5;
      const last = new Run(folder, moment, START + minutes * MINUTE);
      await last.end();

      using db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
      const fired = db.prepare(`SELECT payload ->> '$.scheduled_at' AS at FROM firings ORDER BY at`).all() as { at: string }[];
      expect(fired.map(({ at }) => (Date.parse(at) - START + 500) / MINUTE)).toEqual(Array.from({ length: minutes }, (_, n) => n + 1));
      expect(db.prepare('SELECT state, count(*) AS n FROM executions GROUP BY state').all()).toEqual([{ state: 2, n: minutes }]);
      process.stderr.write(`chaos: schedule-kill, ${ROUNDS} kills in ${minutes} minutes\n`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000 + ROUNDS * 10_000,
);
