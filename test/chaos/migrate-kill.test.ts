import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { STEPS } from '../../src/adapters/sqlite/schema.ts';
import { makeOldFolder } from '../support/old-folder.ts';
import { ROUNDS, randomOf } from './chaos.ts';

/** RELIABILITY 25c: kill -9 in the middle of a migration. */

const SCRIPT = new URL('../support/migrate-heavy.ts', import.meta.url).pathname;
const EVENTS = 60_000;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'hookwright-migrate-kill-'));
  makeOldFolder(join(home, 'old'), { events: EVENTS, padding: 200 });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function start(folder: string) {
  const child = spawn(process.execPath, [SCRIPT, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const begun = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  return { child, begun, ended: once(child, 'close') as Promise<[number | null]>, output: () => output };
}

/** Number of the schema, whether the database is sound, and what its rows come to. */
function look(folder: string): { number: number; integrity: string; events: string; hasDay: boolean } {
  using db = new DatabaseSync(join(folder, DATABASE_FILE), { timeout: 5_000 });
  const one = (sql: string): Record<string, unknown> => db.prepare(sql).get() as Record<string, unknown>;
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all('events');
  return {
    number: Number(one('PRAGMA user_version')['user_version']),
    integrity: String(one('PRAGMA integrity_check')['integrity_check']),
    events: JSON.stringify(one('SELECT count(*) AS n, sum(length(doc)) AS size, max(ts_us) AS time FROM events')),
    hasDay: columns.some(({ name }) => name === 'day'),
  };
}

test(
  'the old schema is there or the new one, with every row, and the next run succeeds',
  async () => {
    const random = randomOf('migrate-kill');
    const before = look(join(home, 'old'));
    const [old, made] = [
      { ...before, number: 1, hasDay: false },
      { ...before, number: STEPS.length + 1, hasDay: true },
    ];
    let longestMs = 0;
    const seen = { old: 0, new: 0 };
    for (let round = 0; round <= ROUNDS; round++) {
      const folder = join(home, `round${round}`);
      cpSync(join(home, 'old'), folder, { recursive: true });
      const run = start(folder);
      await run.begun;
      const begunAt = performance.now();
      if (round > 0) {
        await setTimeout(random.below(longestMs));
        run.child.kill('SIGKILL');
      }
      await run.ended;
      if (round === 0) longestMs = 1.1 * (performance.now() - begunAt);
      const after = look(folder);
      expect([old, made]).toContainEqual(after);
      seen[after.number === 1 ? 'old' : 'new']++;
      const again = start(folder);
      await again.ended;
      expect(again.output()).toMatch(after.number === 1 ? /migrated\n$/ : /nothing_to_do\n$/);
      expect(look(folder)).toEqual(made);
      rmSync(folder, { recursive: true });
    }
    process.stderr.write(`chaos: a migration took ${longestMs.toFixed(0)} ms; old ${seen.old}, new ${seen.new}\n`);
  },
  60_000 + ROUNDS * 15_000,
);
