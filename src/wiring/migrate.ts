import { sqliteMigrations } from '../adapters/sqlite/migrations.ts';
import type { Config } from '../config.ts';
import { mismatchText, type SchemaState, type SchemaStep, standingOf } from '../core/schema-version.ts';
import type { Migrations } from '../ports/migrations.ts';
import { RELEASE } from '../release.ts';

type StoreSettings = Pick<
  Config,
  'EVENT_DB_URL' | 'EVENT_DATABASE_NAME' | 'EVENT_COLLECTION_NAME' | 'ALLOW_STANDALONE_MONGODB' | 'DATA_DIR'
>;

/** The schema of the store that the settings name. */
export async function openMigrations(config: StoreSettings): Promise<Migrations> {
  const { EVENT_DB_URL: url, DATA_DIR: folder } = config;
  if (url === undefined) return sqliteMigrations({ folder, release: RELEASE, now: Date.now });
  const { mongoMigrations } = await import('../adapters/mongo/migrations.ts');
  return mongoMigrations({
    url,
    database: config.EVENT_DATABASE_NAME,
    collection: config.EVENT_COLLECTION_NAME,
    standaloneAllowed: config.ALLOW_STANDALONE_MONGODB,
    release: RELEASE,
    now: Date.now,
  });
}

/** What is done before a migration, so that there is a way back. */
export interface MigrationBackup {
  /** Copies the store, which nobody else uses meanwhile, and answers where the copy is. */
  create(): Promise<string>;
  restore(path: string): Promise<void>;
}

export interface MigrateOptions {
  migrations: Migrations;
  /** Null: none is made. */
  backup: MigrationBackup | null;
  /** Null: the last one that is known. */
  target: number | null;
  isDryRun: boolean;
  /** A line for the person who waits. */
  say(line: string): void;
}
export type MigrateResult =
  | { kind: 'nothing_to_do'; state: SchemaState }
  | { kind: 'would_migrate'; state: SchemaState; steps: readonly SchemaStep[] }
  | { kind: 'migrated'; from: number; to: number; backup: string | null };

/** Brings a store up to date, with a copy made before that is put back when a step fails. Throws an Error whose text says what to do. */
export async function migrate(o: MigrateOptions): Promise<MigrateResult> {
  const before = await o.migrations.state();
  const steps = stepsTo(before, o.target);
  if (steps.length === 0) return { kind: 'nothing_to_do', state: before };
  if (o.isDryRun) return { kind: 'would_migrate', state: before, steps };
  await using held = await o.migrations.hold();
  // Another one may have been at work until now.
  const state = await o.migrations.state();
  const left = stepsTo(state, o.target);
  const [last] = left.slice(-1);
  if (last === undefined || state.found === null) return { kind: 'nothing_to_do', state };
  const copy = await makeBackup(o);
  try {
    const notes = copy === null ? null : `The backup made before: ${copy}`;
    await held.run({ target: last.number, notes, onStep: ({ number, title }) => o.say(`${number}/${last.number}  ${title} ...`) });
  } catch (error) {
    throw await undone(o, { isAtomic: held.isAtomic, copy, error });
  }
  return { kind: 'migrated', from: state.found, to: last.number, backup: copy };
}

function stepsTo(state: SchemaState, target: number | null): readonly SchemaStep[] {
  const standing = standingOf(state);
  if (standing === 'newer') throw new Error(mismatchText(state, RELEASE));
  const { found, known, pending } = state;
  if (target !== null && (target > known || target < (found ?? 0)))
    throw new Error(
      `There is no way from schema ${found ?? 0} to ${target}: this release goes up to ${known}, and back only by restoring a backup.`,
    );
  return standing === 'new' ? [] : pending.filter(({ number }) => number <= (target ?? known));
}

async function makeBackup({ backup, say }: MigrateOptions): Promise<string | null> {
  if (backup === null) return null;
  say('Making a backup ...');
  const copy = await backup.create();
  say(`The backup is ${copy}`);
  return copy;
}

/** Where the store undid it by itself nothing is put back. */
async function undone(
  o: MigrateOptions,
  { isAtomic, copy, error }: { isAtomic: boolean; copy: string | null; error: unknown },
): Promise<Error> {
  const failure = (text: string): Error => new Error(text, { cause: error });
  const reason = textOf(error);
  if (isAtomic) return failure(`The migration failed, and nothing has changed: ${reason}`);
  const again = 'Run it again: it goes on where it stopped. No server starts before it has ended.';
  if (copy === null || o.backup === null) return failure(`The migration failed: ${reason}\n${again}`);
  o.say(`It failed: ${reason}`);
  o.say('Putting the backup back ...');
  try {
    await o.backup.restore(copy);
  } catch (cause) {
    return failure(`The migration failed: ${reason}\nThe backup ${copy} could not be put back: ${textOf(cause)}\n${again}`);
  }
  return failure(`The migration failed, and the backup was put back: ${reason}`);
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
