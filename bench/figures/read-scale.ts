import type { DatabaseSync } from 'node:sqlite';
import { prepareTables } from '../../src/adapters/sqlite/migrate.ts';
import { openForWriting } from '../../src/adapters/sqlite/open.ts';
import { eventRow, INSERT_EVENT } from '../baselines/rows.ts';
import { type Call, call, totalEvents } from '../client.ts';
import { assertCount, type Bench, Broken, type Figure } from '../figure.ts';
import { startSubject, temporaryFolder } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { idOf } from '../sample-events.ts';
import { median, medianRatio } from '../statistics.ts';

const SMALL = 100_000;
const PAGE = 100;
/** In a round, of each size; fewer when they take longer than this altogether. */
const REQUESTS = 50;
const REQUESTS_MS = 1_000;
const TRANSACTION = 20_000;
const NODE = idOf('N0DE', 7);
const NEWEST_FIRST = `&sort=${encodeURIComponent('{"event_timestamp":-1}')}`;

const READS: Record<string, Call> = {
  'GET /events?number=100': { method: 'GET', path: `/events?number=${PAGE}` },
  'selector by node': query('?limit=100', { 'source.node_id': NODE }),
  'selector by type and level, newest first': query(`?limit=100${NEWEST_FIRST}`, {
    event_type: 'action_complete',
    log_level: { $gte: 20 },
  }),
  'selector by node, newest first': query(`?limit=100${NEWEST_FIRST}`, { 'source.node_id': NODE }),
};

function query(parameters: string, selector: object): Call {
  return { method: 'POST', path: `/events/query${parameters}`, body: JSON.stringify(selector) };
}

/** The same answers of 100 events from a small store and from a large one. */
export async function readScale({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, large] = size === 'small' ? [5, 300_000] : [9, 10_000_000];
  using smallFolder = temporaryFolder();
  using largeFolder = temporaryFolder();
  fill(smallFolder.path, SMALL, progress);
  fill(largeFolder.path, large, progress);
  await using smallServer = await startSubject({ folder: smallFolder.path });
  await using largeServer = await startSubject({ folder: largeFolder.path });
  assertCount('events in the large store', await totalEvents(largeServer.url), large);

  const figures: Figure[] = [];
  for (const [name, read] of Object.entries(READS)) {
    const sides = { [SMALL]: () => medianMs(smallServer.url, read), [large]: () => medianMs(largeServer.url, read) };
    for (const side of Object.values(sides)) await side();
    const samples = await interleave({ rounds, sides, progress: (text) => progress(`${name}, ${text} events`) });
    const [subject, baseline] = [samples[large] ?? [], samples[SMALL] ?? []];
    figures.push({
      name: `${name}, ${large} : ${SMALL} events`,
      unit: 'ms',
      subject: median(subject),
      baseline: median(baseline),
      ratio: medianRatio(subject, baseline),
      target: { of: 'ratio', most: 1.5 },
    });
  }
  return figures;
}

async function medianMs(url: string, read: Call): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + REQUESTS_MS;
  while (times.length < REQUESTS && (times.length === 0 || performance.now() < end)) {
    const start = performance.now();
    const text = await call(url, read);
    times.push(performance.now() - start);
    const answer = JSON.parse(text) as { items?: unknown[] };
    const found = answer.items?.length ?? Object.keys(answer).length;
    if (found !== PAGE) throw new Broken(`${read.path} answered ${found} events`);
  }
  return median(times);
}

/** Through the real schema, but not the real writer: nothing has to survive a crash here. */
export function fill(folder: string, count: number, progress: Bench['progress']): void {
  const db: DatabaseSync = openForWriting(folder, 'normal');
  prepareTables(db, 'The bench', { release: 'bench', at: 0, notes: null });
  db.exec('PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 100000');
  const insert = db.prepare(INSERT_EVENT);
  for (let from = 0; from < count; from += TRANSACTION) {
    db.exec('BEGIN');
    for (let n = from; n < Math.min(count, from + TRANSACTION); n++) insert.run(...eventRow({ n, run: 'R' }));
    db.exec('COMMIT');
    if (from % 100_000 === 0) progress(`filling a store: ${from} of ${count} events`);
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize');
  db.close();
}
