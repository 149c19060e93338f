import { DatabaseSync } from 'node:sqlite';
import { type SchemaState, type SchemaStep, stepsAfter } from '../../core/schema-version.ts';
import { type SqliteStep, STEPS } from './schema.ts';

/** What is known of the one who migrates: kept with each step. */
export interface StepRecord {
  release: string;
  at: number;
  notes: string | null;
}

/** How far the tables have come. `steps` are others only in tests. */
export function schemaState(db: DatabaseSync, place: string, steps: readonly SqliteStep[] = STEPS): SchemaState {
  const { user_version: done } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (done === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined)
    throw new Error(`The database in ${place} was made by another program: it has tables, but no schema number. Use another DATA_DIR.`);
  const { release = null, notes = null } = lastRecord(db) ?? {};
  return { place, found: done === 0 ? null : done, known: steps.length, pending: stepsAfter(steps, done), release, notes };
}

function lastRecord(db: DatabaseSync): { release: string; notes: string | null } | undefined {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_steps'").get() === undefined) return undefined;
  return db.prepare('SELECT release, notes FROM schema_steps ORDER BY number DESC LIMIT 1').get() as ReturnType<typeof lastRecord>;
}

/** Does the steps after the present one up to `target` in one transaction: whatever cuts it off, nothing has changed then. */
export function migrateTables(
  db: DatabaseSync,
  o: StepRecord & { target: number; steps?: readonly SqliteStep[]; onStep?(step: SchemaStep): void },
): void {
  const { steps = STEPS, target, onStep = () => {} } = o;
  db.exec('BEGIN IMMEDIATE');
  try {
    const { user_version: done } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    for (const [index, step] of steps.entries()) {
      const number = index + 1;
      if (number <= done || number > target) continue;
      onStep({ number, title: step.title });
      if (typeof step.up === 'string') db.exec(step.up);
      else step.up(db);
      record(db, { ...o, number, title: step.title });
      db.exec(`PRAGMA user_version = ${number}`);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The first two steps come before and with the table that records them. */
function record(db: DatabaseSync, { number, title, release, at, notes }: StepRecord & SchemaStep): void {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_steps'").get() === undefined) return;
  db.prepare('INSERT INTO schema_steps (number, title, release, applied_at, notes) VALUES (?, ?, ?, ?, ?)').run(
    number,
    title,
    release,
    at,
    notes,
  );
}

/** Makes the tables where there are none, and changes nothing where there are some. Answers how far the schema has come. */
export function prepareTables(db: DatabaseSync, place: string, record: StepRecord): SchemaState {
  const state = schemaState(db, place);
  if (state.found !== null) return state;
  migrateTables(db, { ...record, target: STEPS.length });
  return schemaState(db, place);
}

/** What is not as the steps up to `number` leave it: tables and indexes that are missing, are others, or are too many. */
export function differencesTo(db: DatabaseSync, number: number, steps: readonly SqliteStep[] = STEPS): string[] {
  using made = new DatabaseSync(':memory:');
  migrateTables(made, { release: '', at: 0, notes: null, target: number, steps });
  const [wanted, there] = [objectsOf(made), objectsOf(db)];
  return [
    ...[...wanted].flatMap(([name, sql]) => {
      const found = there.get(name);
      if (found === undefined) return [`missing: ${name}`];
      return found === sql ? [] : [`not as it should be: ${name}`];
    }),
    ...[...there.keys()].filter((name) => !wanted.has(name)).map((name) => `not known here: ${name}`),
  ];
}

/** By `table events`, `index events_ts`: what made it, with blanks made alike. What SQLite keeps for itself is left out. */
function objectsOf(db: DatabaseSync): Map<string, string> {
  const rows = db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all();
  return new Map(rows.map(({ type, name, sql }) => [`${type} ${name}`, String(sql).replaceAll(/\s+/g, ' ')]));
}
