import type { Migrations } from '../../ports/migrations.ts';
import { checkTopology, collectionsOf, connect } from './connect.ts';
import { missingIndexes } from './indexes.ts';
import { checkMadsciVersion, recordMadsciVersion } from './madsci-version.ts';
import { takeMigrationLock } from './migration-lock.ts';
import { assertNotSwapping } from './restore-mark.ts';
import { runSteps, schemaState } from './schema.ts';
import { type MongoStep, STEPS } from './steps.ts';

export interface MongoMigrationsOptions {
  url: string;
  database: string;
  collection: string;
  standaloneAllowed: boolean;
  release: string;
  now(): number;
  /** Others only in tests. */
  steps?: readonly MongoStep[];
}

/** The schema of a database. Throws an Error whose text says what to change where it cannot be reached or is not for us. */
export async function mongoMigrations(o: MongoMigrationsOptions): Promise<Migrations> {
  const { steps = STEPS, release, now } = o;
  await using stack = new AsyncDisposableStack();
  const client = stack.use(await connect(o.url, null));
  const all = collectionsOf(client.db(o.database), o.collection);
  await checkTopology(all.db, o.standaloneAllowed);
  await assertNotSwapping(all.db);
  await checkMadsciVersion(all);
  const owned = stack.move();
  return {
    state: () => schemaState(all, steps),
    differences: () => missingIndexes(all),
    async hold() {
      const lock = await takeMigrationLock(all);
      return {
        isAtomic: false,
        async run({ target, notes, onStep }) {
          await recordMadsciVersion(all, now());
          await runSteps(all, { target, notes, release, now, steps, onStep, check: () => lock.check() });
        },
        [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
