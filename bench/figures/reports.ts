import { readFileSync } from 'node:fs';
import { prepareTables } from '../../src/adapters/sqlite/migrate.ts';
import { openForReading, openForWriting } from '../../src/adapters/sqlite/open.ts';
import { INSERT_EVENT, rowOf } from '../baselines/rows.ts';
import { totalEvents } from '../client.ts';
import { assertCount, type Bench, Broken, type Figure } from '../figure.ts';
import { labEvent } from '../lab-year.ts';
import { startSubject, temporaryFolder } from '../processes.ts';
import { median } from '../statistics.ts';

const TRANSACTION = 20_000;
const KIB_PER_MB = 1024;
const MONTH = { from: '2025-05-01T00:00:00', to: '2025-06-01T00:00:00' };
const YEAR = { from: '2025-01-01T00:00:00', to: '2026-01-01T00:00:00' };

type Range = typeof MONTH;
const REPORTS: readonly { name: string; range: Range; path: string; isJudged?: true }[] = [
  { name: 'days of a month', range: MONTH, path: '/utilization/periods?analysis_type=daily', isJudged: true },
  { name: 'hours of a month', range: MONTH, path: '/utilization/periods?analysis_type=hourly' },
  { name: 'days of a year', range: YEAR, path: '/utilization/periods?analysis_type=daily' },
  { name: 'hours of a year', range: YEAR, path: '/utilization/periods?analysis_type=hourly' },
  { name: 'sessions of a year', range: YEAR, path: '/utilization/sessions?' },
  { name: 'users of a year', range: YEAR, path: '/utilization/user?' },
];

/** Reports over a year of a busy lab, against a bare scan of the same rows: the time text and the document of every event in the range. */
export async function reports({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 100_000] : [3, 1_000_000];
  using folder = temporaryFolder();
  fill(folder.path, count, progress);
  await using server = await startSubject({ folder: folder.path, env: { QUERY_DEADLINE_MS: '60000' } });
  assertCount('events in the store', await totalEvents(server.url), count);
  await reportMs(`${server.url}/utilization/sessions?start_time=2020-01-01&end_time=2020-01-02`); // what is kept between reports is read now
  const before = peakMb(server.pid);
  let afterMonth = before;
  const figures: Figure[] = [];
  for (const { name, range, path, isJudged } of REPORTS) {
    const [subject, baseline]: number[][] = [[], []];
    const url = `${server.url}${path}&start_time=${range.from}&end_time=${range.to}`;
    for (let round = 0; round < rounds; round++) {
      progress(`${name}, round ${round + 1} of ${rounds}`);
      subject?.push(await reportMs(url));
      baseline?.push(scanMs(folder.path, range));
    }
    if (isJudged) afterMonth = peakMb(server.pid);
    figures.push({
      name: `report of ${name}, ${count} events : bare scan`,
      unit: 'ms',
      subject: median(subject ?? []),
      baseline: median(baseline ?? []),
      ratio: median(subject ?? []) / median(baseline ?? []),
      target: isJudged ? { of: 'subject', most: 5_000 } : null,
    });
  }
  figures.push(await whileReporting(server.url));
  const memory = (name: string, subject: number): Figure => ({
    name,
    unit: 'MB',
    subject,
    baseline: null,
    ratio: null,
    target: { of: 'subject', most: 300 },
  });
  figures.push(
    memory('memory that the report of days of a month adds', afterMonth - before),
    memory('memory that all of them add', peakMb(server.pid) - before),
  );
  return figures;
}

async function reportMs(url: string): Promise<number> {
  const start = performance.now();
  const text = await (await fetch(url)).text();
  if (!text.startsWith('{"summary_metadata"') && !text.startsWith('{"report_metadata"'))
    throw new Broken(`${url} answered ${text.slice(0, 200)}`);
  return performance.now() - start;
}

function scanMs(folder: string, { from, to }: Range): number {
  using db = openForReading(folder);
  const start = performance.now();
  for (const _ of db.prepare('SELECT ts, doc FROM events WHERE ts >= ? AND ts <= ? ORDER BY ts').iterate(from, to));
  return performance.now() - start;
}

/** The slowest answer of a request that needs nothing, while the longest report is made. */
async function whileReporting(url: string): Promise<Figure> {
  let isDone = false;
  const report = reportMs(`${url}/utilization/periods?analysis_type=hourly&start_time=${YEAR.from}&end_time=${YEAR.to}`).finally(() => {
    isDone = true;
  });
  let slowest = 0;
  while (!isDone) {
    const start = performance.now();
    await (await fetch(`${url}/healthz`)).text();
    slowest = Math.max(slowest, performance.now() - start);
  }
  await report;
  return { name: 'slowest /healthz while a report is made', unit: 'ms', subject: slowest, baseline: null, ratio: null, target: null };
}

function peakMb(pid: number): number {
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / KIB_PER_MB;
}

/** Through the real schema, but not the real writer: nothing has to survive a crash here. */
function fill(folder: string, count: number, progress: Bench['progress']): void {
  const db = openForWriting(folder, 'normal');
  prepareTables(db, 'The bench', { release: 'bench', at: 0, notes: null });
  db.exec('PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 100000');
  const insert = db.prepare(INSERT_EVENT);
  for (let from = 0; from < count; from += TRANSACTION) {
    progress(`filling a store: ${from} of ${count} events`);
    db.exec('BEGIN');
    for (let n = from; n < Math.min(count, from + TRANSACTION); n++) insert.run(...rowOf(labEvent(n, count)));
    db.exec('COMMIT');
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize');
  db.close();
}
