import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { SchemaState } from '../../core/schema-version.ts';
import type { Migrations } from '../../ports/migrations.ts';
import { differencesTo, migrateTables, schemaState } from './migrate.ts';
import { DATABASE_FILE, ensureFolder, lockFolder, openForReading, openForWriting, placeOf } from './open.ts';
import { finishRestore } from './restore.ts';
import { type SqliteStep, STEPS } from './schema.ts';

export interface SqliteMigrationsOptions {
  folder: string;
  release: string;
  now(): number;
  /** Others only in tests. */
  steps?: readonly SqliteStep[];
  /** Told of each connection that is about to write; for tests that make statements fail. */
  onOpen?(db: DatabaseSync): void;
}

/** The schema of a data folder. One transaction for all steps: its size is bounded by the free space on the disk. */
export function sqliteMigrations({ folder, release, now, steps = STEPS, onOpen = () => {} }: SqliteMigrationsOptions): Migrations {
  const place = placeOf(folder);
  const state = async (): Promise<SchemaState> => {
    if (!existsSync(join(folder, DATABASE_FILE)))
      return {
        place,
        found: null,
        known: steps.length,
        pending: steps.map(({ title }, n) => ({ number: n + 1, title })),
        release: null,
        notes: null,
      };
    using db = openForReading(folder);
    return schemaState(db, place, steps);
  };
  return {
    state,
    async differences() {
      const { found } = await state();
      if (found === null) return [];
      using db = openForReading(folder);
      return differencesTo(db, Math.min(found, steps.length), steps);
    },
    async hold() {
      ensureFolder(folder);
      const lock = lockFolder(folder);
      finishRestore(folder);
      return {
        isAtomic: true,
        async run({ target, notes, onStep }) {
          using db = openForWriting(folder, 'full');
          onOpen(db);
          migrateTables(db, { target, notes, release, at: now(), steps, onStep });
        },
        [Symbol.asyncDispose]: async () => lock[Symbol.dispose](),
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
