import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { prepareTables } from '../../../src/adapters/sqlite/migrate.ts';
import { openForWriting } from '../../../src/adapters/sqlite/open.ts';
import { eventQueries } from '../../../src/adapters/sqlite/read-queries.ts';

/** More than a page by arrival looks at before it asks an index, and more matches than are gathered without a thought. */
const COUNT = 64_000;
const NEVER = Number.MAX_SAFE_INTEGER;

interface Made {
  id: string;
  node: string | null;
  type: string;
  n: number;
}

let folder: string;
let db: DatabaseSync;
let made: Made[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-pages-'));
  db = openForWriting(folder, 'normal');
  prepareTables(db, folder, { release: '0', at: 0, notes: null });
  const insert = db.prepare(
    `INSERT INTO events (id, ts, ts_us, type, level, alert, archived, node_id, depth, doc) VALUES (?, ?, 0, ?, 20, 0, 0, ?, 0, ?)`,
  );
  made = Array.from({ length: COUNT }, (_, n) => ({
    id: `e${n}`,
    node: n % 4 === 0 ? 'dense' : n > 40_000 && n % 3 === 0 ? 'late' : n % 2_000 === 1 ? 'rare' : null,
    type: n % 7 === 0 ? 'test' : 'unknown',
    n,
  }));
  db.exec('BEGIN');
  for (const { id, node, type, n } of made) {
    // Times go down while numbers go up, so that no index by time happens to have the order of arrival.
    const ts = new Date(Date.UTC(2026, 0, 1) - n * 1_000).toISOString();
    insert.run(
      id,
      ts,
      type,
      node,
      JSON.stringify({ _id: id, event_type: type, source: node === null ? {} : { node_id: node }, event_data: { n } }),
    );
  }
  db.exec('DELETE FROM events WHERE seq < 500 OR seq BETWEEN 30000 AND 30500');
  db.exec('COMMIT');
  made = made.filter((_, n) => n + 1 >= 500 && !(n + 1 >= 30_000 && n + 1 <= 30_500));
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const CASES: [string, object, (one: Made) => boolean][] = [
  ['many, all over', { 'source.node_id': 'dense' }, ({ node }) => node === 'dense'],
  ['many, all behind the first thousands', { 'source.node_id': 'late' }, ({ node }) => node === 'late'],
  ['few', { 'source.node_id': 'rare' }, ({ node }) => node === 'rare'],
  ['none', { 'source.node_id': 'nobody' }, () => false],
  ['everything', {}, () => true],
  [
    'many of which the evaluator keeps few',
    { 'source.node_id': 'dense', 'event_data.n': { $mod: [4_000, 0] } },
    ({ node, n }) => node === 'dense' && n % 4_000 === 0,
  ],
  ['two columns', { 'source.node_id': 'late', event_type: 'test' }, ({ node, type }) => node === 'late' && type === 'test'],
  [
    'either of two',
    { $or: [{ 'source.node_id': 'rare' }, { 'source.node_id': 'late' }] },
    ({ node }) => node === 'rare' || node === 'late',
  ],
];

describe('a page in the order of arrival', () => {
  test.each(CASES)('%s: page by page, all of them and each once', (_, selector, matches) => {
    const queries = eventQueries(db, { resultBytes: 2 ** 28, sortedMatches: 100_000 });
    const wanted = made.filter(matches).map(({ id }) => id);
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page = queries.page({ selector: JSON.stringify(selector), sort: null, projection: null }, { limit: 997, cursor }, NEVER);
      found.push(...page.items.map((text) => (JSON.parse(text) as { _id: string })._id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(found).toEqual(wanted);
  });

  test('reads as many events as the page has, not as many as match', () => {
    const reads = eventQueries(counting(db), { resultBytes: 2 ** 28, sortedMatches: 100_000 });
    for (const node of ['dense', 'late']) {
      rows = 0;
      reads.page(
        { selector: JSON.stringify({ 'source.node_id': node }), sort: null, projection: null },
        { limit: 10, cursor: null },
        NEVER,
      );
      expect([node, rows <= 12]).toEqual([node, true]);
    }
  });
});

let rows = 0;
/** The same database, counting the events that statements hand out. */
function counting(real: DatabaseSync): DatabaseSync {
  const prepare = (sql: string) => {
    const statement = real.prepare(sql);
    if (!sql.includes('doc, ')) return statement;
    return {
      *iterate(...params: (string | number)[]) {
        for (const row of statement.iterate(...params)) {
          rows++;
          yield row;
        }
      },
    };
  };
  return { prepare } as unknown as DatabaseSync; // the reads use nothing else
}
