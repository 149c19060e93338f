/** A bare node:sqlite loop that inserts events into the real table with its indexes, as durable as the server. */

import { prepareTables } from '../../src/adapters/sqlite/migrate.ts';
import { openForWriting } from '../../src/adapters/sqlite/open.ts';
import { eventRow, INSERT_EVENT } from './rows.ts';

export interface InsertRequest {
  run: string;
  count: number;
}
export interface InsertReply {
  seconds: number;
  inserted: number;
}

const TRANSACTION = 512;
const [, , folder = ''] = process.argv;
const db = openForWriting(folder, 'full');
prepareTables(db, 'The bench', { release: 'bench', at: 0, notes: null });
const [begin, commit, insert] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT'), db.prepare(INSERT_EVENT)];

function insertAll({ run, count }: InsertRequest): InsertReply {
  const rows = Array.from({ length: count }, (_, n) => eventRow({ n, run }));
  let inserted = 0;
  const start = performance.now();
  for (let from = 0; from < count; from += TRANSACTION) {
    begin.run();
    for (const row of rows.slice(from, from + TRANSACTION)) inserted += Number(insert.run(...row).changes);
    commit.run();
  }
  return { seconds: (performance.now() - start) / 1000, inserted };
}

process.on('message', (request: InsertRequest) => process.send?.(insertAll(request)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
