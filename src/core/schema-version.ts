/** One numbered change of how things are stored. Numbers count from 1 without gaps. */
export interface SchemaStep {
  number: number;
  /** What it does, in words that a person who waits for it understands. */
  title: string;
}

/** How far a store has come. */
export interface SchemaState {
  /** Where it is, for people: a folder, a database. Never with credentials. */
  place: string;
  /** The last step that was done; null where nothing of ours is stored yet. */
  found: number | null;
  /** The last step that this release knows. */
  known: number;
  /** What this release would do to it, in order. */
  pending: readonly SchemaStep[];
  /** The release that did the last step, where it left its name. */
  release: string | null;
  /** What it noted then, such as the backup that was made before. */
  notes: string | null;
}

export type Standing = 'new' | 'current' | 'older' | 'newer';

export function standingOf({ found, known, pending }: Pick<SchemaState, 'found' | 'known' | 'pending'>): Standing {
  if (found === null) return 'new';
  if (found > known) return 'newer';
  return pending.length > 0 ? 'older' : 'current';
}

export function stepsAfter(steps: readonly { title: string }[], found: number): SchemaStep[] {
  return steps.map(({ title }, index) => ({ number: index + 1, title })).filter(({ number }) => number > found);
}

/** A store whose schema is not this release's. Its text says what to do. */
export class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch';
  readonly state: SchemaState;
  constructor(state: SchemaState, release: string) {
    super(mismatchText(state, release));
    this.state = state;
  }
}

export const MIGRATE_COMMAND = 'npx hookwright migrate';

export function mismatchText(state: SchemaState, release: string): string {
  return standingOf(state) === 'newer' ? newerText(state, release) : olderText(state, release);
}

function olderText({ place, found, known, pending }: SchemaState, release: string): string {
  return [
    `${place} has schema ${found}; Hookwright ${release} needs schema ${known}.`,
    'What is missing:',
    ...pending.map(({ number, title }) => `  ${number}. ${title}`),
    'Stop every server that uses it, then run, with the same settings:',
    '',
    `  ${MIGRATE_COMMAND}`,
    '',
    'It makes a backup first. With --dry-run it only says what it would do.',
  ].join('\n');
}

function newerText({ place, found, known, release: writer, notes }: SchemaState, release: string): string {
  return [
    `${place} has schema ${found}, written by ${writer === null ? 'a newer release' : `Hookwright ${writer}`}; this is Hookwright ${release}, which knows schema ${known}.`,
    `Start ${writer === null ? 'that release' : `Hookwright ${writer}`} again. To go back, restore the backup that was made before the migration.`,
    ...(notes === null ? [] : [`Noted with schema ${found}: ${notes}`]),
  ].join('\n');
}
