import type { DatabaseSync } from 'node:sqlite';
import { FIRST } from './steps/0001-first.ts';

/** Numbers of execution states in the table; 0 and 1 are the open ones, which the partial index holds. */
export const STATE_NUMBER = { pending: 0, leased: 1, succeeded: 2, dead: 3, canceled: 4 } as const;
export const STATE_NAME = ['pending', 'leased', 'succeeded', 'dead', 'canceled'] as const;

/** One change of the tables. It may take minutes where there are millions of rows; `db` is inside the transaction of the migration. */
export interface SqliteStep {
  /** What it does, for the person who waits for it. */
  title: string;
  /** SQL, or what is more than SQL. */
  up: string | ((db: DatabaseSync) => void);
}

/**
 * Numbered steps, counted from 1; `PRAGMA user_version` is the number of the last one that is done. Append yours; a step that was
 * released never changes, because data folders are made by it.
 */
export const STEPS: readonly SqliteStep[] = [
  { title: 'Makes the tables of events, executions, handlers, mails and keys', up: FIRST },
  {
    title: 'Keeps a record of the steps that were done, with the release that did them',
    up: `
    CREATE TABLE schema_steps (
      number INTEGER PRIMARY KEY,
      title TEXT NOT NULL,
      release TEXT NOT NULL,
      applied_at INTEGER NOT NULL,
      notes TEXT
    ) STRICT;
    INSERT INTO schema_steps (number, title, release, applied_at, notes) VALUES
      (1, 'Makes the tables of events, executions, handlers, mails and keys', '0.1.0', 0, 'Done before steps were recorded');
    `,
  },
  {
    title: 'Makes the table of when scheduled handlers run next',
    up: `
    CREATE TABLE schedules (
      handler_id INTEGER PRIMARY KEY,
      stamp TEXT NOT NULL,
      next_at INTEGER,
      previous_at INTEGER
    ) STRICT;
    `,
  },
  { title: 'Keeps attachments with mails', up: 'ALTER TABLE deliveries ADD COLUMN attachments TEXT' },
  {
    title: 'Gives alerts their headers, and remembers those that clients post twice',
    up: `
    ALTER TABLE deliveries ADD COLUMN headers TEXT;
    CREATE INDEX deliveries_alerts_due ON deliveries (next_at) WHERE next_at IS NOT NULL AND kind = 'alert';
    CREATE INDEX deliveries_others_due ON deliveries (next_at) WHERE next_at IS NOT NULL AND kind <> 'alert';
    CREATE TABLE alert_pairs (key TEXT PRIMARY KEY, pairs TEXT NOT NULL, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX alert_pairs_seen ON alert_pairs (seen_at);
    `,
  },
];

export const SCHEMA_VERSION = STEPS.length;
