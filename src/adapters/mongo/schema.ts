import { type SchemaState, type SchemaStep, standingOf, stepsAfter } from '../../core/schema-version.ts';
import type { Collections } from './connect.ts';
import { isDuplicate } from './faults.ts';
import { type MongoStep, STEPS } from './steps.ts';

/** Where the numbers of the steps are kept that were done, one document each. */
const BUILDING = 'building';
const MIGRATING = 'migrating';
/** Release 0.1.0 kept no record. */
const BEFORE_RECORDS = 1;
const OURS = /^hookwright_(settings|keys|handlers|executions)$/;

export const placeOf = (database: string): string => `The database ${database}`;

/**
 * How far the documents have come. A database that is being made for the first time is still new. One whose migration was cut off is taken
 * for where it was going by a release that does not go there: what it knows may be half changed.
 */
export async function schemaState(all: Collections, steps: readonly MongoStep[] = STEPS): Promise<SchemaState> {
  const records = await all.schema.find({}, { readPreference: 'primary' }).toArray();
  const isBuilding = records.some(({ _id }) => _id === BUILDING);
  const migrating = records.find(({ _id, to = 0 }) => _id === MIGRATING && to > steps.length);
  const [last] = records.filter(({ _id }) => typeof _id === 'number').sort((one, other) => Number(other._id) - Number(one._id));
  const done = isBuilding ? null : last === undefined ? await unrecorded(all) : Number(last._id);
  const found = migrating?.to ?? done;
  const { release = null, notes = null } = migrating ?? last ?? {};
  return { place: placeOf(all.db.databaseName), found, known: steps.length, pending: stepsAfter(steps, found ?? 0), release, notes };
}

async function unrecorded({ db }: Collections): Promise<number | null> {
  const names = await db.listCollections({}, { nameOnly: true }).toArray();
  return names.some(({ name }) => OURS.test(name)) ? BEFORE_RECORDS : null;
}

export interface StepsRun {
  release: string;
  now(): number;
  notes: string | null;
  target: number;
  steps?: readonly MongoStep[];
  onStep?(step: SchemaStep): void;
  /** Throws when the right to go on was lost. */
  check?(): void;
}

/** Does what is missing, step by step; each is noted when it is done, so that a run that is cut off is completed by the next one. */
export async function runSteps(all: Collections, o: StepsRun): Promise<void> {
  const { steps = STEPS, onStep = () => {}, check = () => {} } = o;
  const { found, pending } = await schemaState(all, steps);
  if (found === BEFORE_RECORDS && (await all.schema.countDocuments({})) === 0)
    await note(
      all,
      { number: BEFORE_RECORDS, title: steps[0]?.title ?? '' },
      { ...o, release: '0.1.0', notes: 'Done before steps were recorded' },
    );
  const wanted = pending.filter(({ number }) => number <= o.target);
  if (found !== null && wanted.length > 0) await noteBeginning(all, o);
  for (const step of wanted) {
    check();
    onStep(step);
    await steps[step.number - 1]?.up(all);
    check();
    await note(all, step, o);
  }
  await all.schema.deleteOne({ _id: MIGRATING });
}

async function noteBeginning({ schema }: Collections, { release, now, notes, target }: StepsRun): Promise<void> {
  const text = ['A migration to it was cut off: run it again with that release.', ...(notes === null ? [] : [notes])].join(' ');
  const record = { title: 'A migration is under way', release, appliedAt: new Date(now()), notes: text, to: target };
  await schema.updateOne({ _id: MIGRATING }, { $set: record }, { upsert: true });
}

async function note({ schema }: Collections, { number, title }: SchemaStep, { release, now, notes }: StepsRun): Promise<void> {
  const record = { title, release, appliedAt: new Date(now()), notes };
  // Servers that start together on a new database each note the same.
  await schema.updateOne({ _id: number }, { $setOnInsert: record }, { upsert: true }).catch((error: unknown) => {
    if (!isDuplicate(error)) throw error;
  });
}

/** Makes what a new database needs, and changes nothing in one that is not new. Answers how far the schema has come. */
export async function prepareSchema(all: Collections, o: Pick<StepsRun, 'release' | 'now'>): Promise<SchemaState> {
  const before = await schemaState(all);
  if (standingOf(before) !== 'new') return before;
  const start = { title: 'Makes a new database', release: o.release, appliedAt: new Date(o.now()), notes: null };
  await all.schema.updateOne({ _id: BUILDING }, { $setOnInsert: start }, { upsert: true }).catch((error: unknown) => {
    if (!isDuplicate(error)) throw error;
  });
  await runSteps(all, { ...o, notes: null, target: STEPS.length });
  await all.schema.deleteOne({ _id: BUILDING });
  return schemaState(all);
}
