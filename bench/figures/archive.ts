import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sqliteMigrations } from '../../src/adapters/sqlite/migrations.ts';
import { openForWriting } from '../../src/adapters/sqlite/open.ts';
import { type SqliteStep, STEPS } from '../../src/adapters/sqlite/schema.ts';
import { migrate } from '../../src/wiring/migrate.ts';
import { call } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startSubject, temporaryFolder } from '../processes.ts';
import { idOf } from '../sample-events.ts';
import { median, quantile } from '../statistics.ts';
import { fill } from './read-scale.ts';

/** What one transaction of the baseline takes. */
const SLICE = 2_000;
const EVENT = JSON.stringify({ event_type: 'test', event_data: { n: 1 } });
const ARCHIVED_AT = '"archived":true,"archived_at":"2026-01-01T00:00:00"';

interface Sides {
  url: string;
  /** A folder with the same rows, for the baseline. */
  bare: string;
  ids: readonly string[];
}

/** Archiving and purging through REST, against loops over node:sqlite that change the same rows; what others notice of it; and a migration. */
export async function archive({ size, progress }: Bench): Promise<Figure[]> {
  const [total, count] = size === 'small' ? [100_000, 20_000] : [1_000_000, 100_000];
  using home = temporaryFolder();
  const [filled, bare] = [join(home.path, 'filled'), join(home.path, 'bare')];
  mkdirSync(filled);
  fill(filled, total, progress);
  cpSync(filled, bare, { recursive: true });
  await using server = await startSubject({ folder: filled });
  const ids = Array.from({ length: count }, (_, n) => idOf('R', n));
  const sides: Sides = { url: server.url, bare, ids };
  progress('answers while nothing is archived');
  const quiet = await answerTimes(server.url, new Promise((resolve) => setTimeout(resolve, 3_000)));
  progress(`archiving ${count} events`);
  const archived = await archiving(sides, count);
  progress(`purging ${count} events`);
  const purged = await purging(sides, count);
  const times = (name: string, found: { ms: number; bareMs: number }): Figure => ({
    name: `${name} ${count} of ${total} events : bare loop`,
    unit: 'ms',
    subject: found.ms,
    baseline: found.bareMs,
    ratio: found.ms / found.bareMs,
    target: null,
  });
  return [
    times('archiving by ids', archived),
    whileBusy('archiving', { quiet, busy: archived.meanwhile }),
    times('purging', purged),
    whileBusy('purging', { quiet, busy: purged.meanwhile }),
    await migration(size === 'small' ? 100_000 : 1_000_000, progress),
  ];
}

/** What posts notice of the work that is `name`; each list has times in ms. */
export function whileBusy(name: string, { quiet, busy }: { quiet: readonly number[]; busy: readonly number[] }): Figure {
  return {
    name: `POST /event, p99, while ${name} : quiet`,
    unit: 'ms',
    subject: quantile(busy, 0.99),
    baseline: quantile(quiet, 0.99),
    ratio: quantile(busy, 0.99) / quantile(quiet, 0.99),
    target: null,
    note: `p50 ${median(busy).toFixed(1)} ms, slowest ${Math.max(...busy).toFixed(0)} ms`,
  };
}

async function archiving({ url, bare, ids }: Sides, count: number) {
  const start = performance.now();
  const work = call(url, { method: 'POST', path: '/events/archive', body: JSON.stringify({ event_ids: ids }) });
  const meanwhile = await answerTimes(url, work);
  const ms = performance.now() - start;
  assertCount('events archived', (JSON.parse(await work) as { archived_count: number }).archived_count, count);
  return { ms, meanwhile, bareMs: bareArchive(bare, ids) };
}

async function purging({ url, bare }: Sides, count: number) {
  const start = performance.now();
  const work = call(url, { method: 'DELETE', path: '/events/archived?older_than_days=0' });
  const meanwhile = await answerTimes(url, work);
  const ms = performance.now() - start;
  assertCount('events deleted', (JSON.parse(await work) as { deleted_count: number }).deleted_count, count);
  return { ms, meanwhile, bareMs: barePurge(bare) };
}

/** How long single posts take, one after the other, until the work has ended. */
export async function answerTimes(url: string, work: Promise<unknown>): Promise<number[]> {
  let isDone = false;
  const end = work.finally(() => {
    isDone = true;
  });
  const times: number[] = [];
  while (!isDone) {
    const start = performance.now();
    await call(url, { method: 'POST', path: '/event', body: EVENT });
    times.push(performance.now() - start);
  }
  await end;
  return times;
}

function bareArchive(folder: string, ids: readonly string[]): number {
  const db = openForWriting(folder, 'full');
  const select = db.prepare('SELECT seq, doc FROM events WHERE id = ? AND archived = 0');
  const update = db.prepare('UPDATE events SET archived = 1, archived_at_ms = 0, doc = ? WHERE seq = ?');
  const start = performance.now();
  for (let from = 0; from < ids.length; from += SLICE) {
    db.exec('BEGIN IMMEDIATE');
    for (const id of ids.slice(from, from + SLICE)) {
      const { seq, doc } = select.get(id) as { seq: number; doc: string };
      update.run(doc.replace('"archived":false,"archived_at":null', ARCHIVED_AT), seq);
    }
    db.exec('COMMIT');
  }
  const ms = performance.now() - start;
  db.close();
  return ms;
}

function barePurge(folder: string): number {
  const db = openForWriting(folder, 'full');
  const purge = db.prepare('DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE archived = 1 AND archived_at_ms < 1 LIMIT ?)');
  const start = performance.now();
  while (purge.run(SLICE).changes > 0);
  const ms = performance.now() - start;
  db.close();
  return ms;
}

/** A step as bad as they come: it changes every row and makes an index. */
const EVERY_ROW: SqliteStep = {
  title: 'Adds a column, fills it, and makes an index',
  up: `ALTER TABLE events ADD COLUMN day TEXT NOT NULL DEFAULT '';
    UPDATE events SET day = substr(ts, 1, 10);
    CREATE INDEX events_day ON events (day);`,
};

async function migration(count: number, progress: Bench['progress']): Promise<Figure> {
  using folder = temporaryFolder();
  fill(folder.path, count, progress);
  progress(`migrating ${count} events`);
  const steps = [...STEPS, EVERY_ROW];
  await using migrations = sqliteMigrations({ folder: folder.path, release: 'bench', now: Date.now, steps });
  const start = performance.now();
  await migrate({ migrations, backup: null, target: null, isDryRun: false, say: () => {} });
  const seconds = (performance.now() - start) / 1_000;
  return {
    name: `migration that changes each of ${count} events`,
    unit: 's',
    subject: seconds,
    baseline: null,
    ratio: null,
    target: { of: 'subject', most: 60 },
  };
}
