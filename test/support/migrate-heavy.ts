/** Run as a process that can be killed: migrates a data folder by the real steps and one that changes every row. */
import { sqliteMigrations } from '../../src/adapters/sqlite/migrations.ts';
import { type SqliteStep, STEPS } from '../../src/adapters/sqlite/schema.ts';
import { migrate } from '../../src/wiring/migrate.ts';

const HEAVY: readonly SqliteStep[] = [
  ...STEPS,
  {
    title: 'Adds a column and fills it',
    up(db) {
      db.exec("ALTER TABLE events ADD COLUMN day TEXT NOT NULL DEFAULT ''");
      db.exec('UPDATE events SET day = substr(ts, 1, 10)');
      db.exec('CREATE INDEX events_day ON events (day)');
    },
  },
];
await using migrations = sqliteMigrations({ folder: String(process.argv[2]), release: 'test', now: Date.now, steps: HEAVY });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { kind } = await migrate({ migrations, backup: null, target: null, isDryRun: false, say });
say(kind);
