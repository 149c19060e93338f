import type { SchemaState, SchemaStep } from '../core/schema-version.ts';

/** Looks at the schema of a store, and brings it up to date while no server works on it. */
export interface Migrations extends AsyncDisposable {
  /** What is there and what is missing. Changes nothing, and may be asked while a server runs. */
  state(): Promise<SchemaState>;
  /** What is not as the steps up to the present one leave it, in words; nothing when all of it is. */
  differences(): Promise<string[]>;
  /**
   * Keeps servers and other migrations away until it is disposed.
   * Throws an Error whose text names who is in the way: servers that run, or another migration.
   */
  hold(): Promise<HeldStore>;
}

export interface MigrationRun {
  /** The last step to do. */
  target: number;
  /** Kept with each step, such as the backup that was made before. */
  notes: string | null;
  /** Called before each step. */
  onStep(step: SchemaStep): void;
}

export interface HeldStore extends AsyncDisposable {
  /** Whether a run that failed has changed nothing. */
  readonly isAtomic: boolean;
  /**
   * Does the missing steps up to `target`. Where the store has transactions, all of them or none. Elsewhere each step may be done again,
   * and is noted when it is done: what was cut off is completed by the next run, and no server starts before that.
   */
  run(run: MigrationRun): Promise<void>;
}
