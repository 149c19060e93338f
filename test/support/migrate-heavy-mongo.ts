/** Run as a process that can be killed: migrates a database by the real steps and two that change every event. */
import { mongoMigrations } from '../../src/adapters/mongo/migrations.ts';
import { type MongoStep, STEPS } from '../../src/adapters/mongo/steps.ts';
import { migrate } from '../../src/wiring/migrate.ts';

const setAll = (name: string, from: number): MongoStep => ({
  title: `Gives every event its ${name}`,
  async up({ events }) {
    await events.updateMany({ [name]: { $exists: false } }, [{ $set: { [name]: { $substrBytes: ['$event_timestamp', from, 2] } } }]);
  },
});
const HEAVY: readonly MongoStep[] = [...STEPS, setAll('day', 8), setAll('month', 5)];

const [url = '', database = ''] = process.argv.slice(2);
await using migrations = await mongoMigrations({
  url,
  database,
  collection: 'events',
  standaloneAllowed: false,
  release: 'test',
  now: Date.now,
  steps: HEAVY,
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { kind } = await migrate({ migrations, backup: null, target: null, isDryRun: false, say });
say(kind);
