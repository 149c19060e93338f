import { DatabaseSync } from 'node:sqlite';
import { expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { collectionsOf } from '../../src/adapters/mongo/connect.ts';
import { NOT_MOVED as NOT_MOVED_OF_MONGO } from '../../src/adapters/mongo/movable.ts';
import { prepareTables } from '../../src/adapters/sqlite/migrate.ts';
import { NOT_MOVED as NOT_MOVED_OF_SQLITE } from '../../src/adapters/sqlite/movable.ts';
import { tables } from '../../src/adapters/sqlite/movable-kinds.ts';
import { RECORD_KINDS } from '../../src/ports/movable.ts';

const all = tables({ now: 0, naiveOffsetMinutes: () => 0 });

/** Whoever adds a table or a collection decides here whether a move takes it along. */
test('a move takes every table of SQLite, or says which ones stay', () => {
  using db = new DatabaseSync(':memory:');
  prepareTables(db, 'here', { release: 'test', at: 0, notes: null });
  const there = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'`).all();
  const read = Object.values(all).map(({ select }) => / FROM (\w+)$/.exec(select)?.[1]);
  expect(there.map(({ name }) => name).sort()).toEqual(
    [...read.filter((name) => name !== 'sqlite_sequence'), ...NOT_MOVED_OF_SQLITE].sort(),
  );
});

test('and every column of it', () => {
  using db = new DatabaseSync(':memory:');
  prepareTables(db, 'here', { release: 'test', at: 0, notes: null });
  for (const { sql } of Object.values(all).flatMap(({ inserts }) => inserts as readonly { sql: string }[])) {
    const [, table = '', columns = ''] = /^INSERT INTO (\w+) \(([^)]*)\)/.exec(sql) ?? [];
    const there = db.prepare(`SELECT name FROM pragma_table_info(?)`).all(table);
    expect([table, ...columns.split(', ').sort()]).toEqual([table, ...there.map(({ name }) => String(name)).sort()]);
  }
});

test('a move takes every collection of MongoDB, or says which ones stay', () => {
  const named = { collection: () => ({}) } as unknown as Db;
  const { db: _, ...collections } = collectionsOf(named, 'events');
  expect(Object.keys(collections).sort()).toEqual([...RECORD_KINDS, ...NOT_MOVED_OF_MONGO].sort());
});
