import type { AnyBulkWriteOperation } from 'mongodb';
import type { StateEffect } from '../../ports/queue.ts';
import type { Collections } from './connect.ts';
import type { StateDocument } from './documents.ts';
import { insertNew } from './faults.ts';

/** What one settlement does to its handler's state. `settlement` makes sure that it is done once. */
export interface StateChange {
  settlement: string;
  handlerId: number;
  effects: readonly StateEffect[];
}
export const stateId = (handlerId: number, key: string): string => `${handlerId}:${key}`;
const MAX_TRIES = 50;

/**
 * Applies state effects in their order, each settlement's once: a value is read, changed, and written back if nobody else wrote
 * meanwhile, together with the names of the settlements that changed it. One at a time in this server, so that mostly nobody does.
 */
export class StateWriter {
  readonly #state: Collections['state'];
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ state }: Collections) {
    this.#state = state;
  }

  async apply(changes: readonly StateChange[]): Promise<void> {
    const todo = byKey(changes);
    if (todo.size === 0) return;
    const mine = this.#turn.then(() => this.#applyNow(todo));
    this.#turn = mine.catch(() => {});
    await mine;
  }

  /** Called when the settlements can no longer be tried again. What a crash leaves on a list is never looked at. */
  async forget(changes: readonly StateChange[]): Promise<void> {
    const ids = [...byKey(changes).keys()];
    if (ids.length === 0) return;
    const settlements = changes.map(({ settlement }) => settlement);
    await this.#state.updateMany({ _id: { $in: ids } }, { $pull: { by: { $in: settlements } } });
    await this.#state.deleteMany({ _id: { $in: ids }, value: null, by: { $size: 0 } });
  }

  async #applyNow(todo: Map<string, Keyed>): Promise<void> {
    for (let tries = 0; todo.size > 0; tries++) {
      if (tries === MAX_TRIES) throw new Error('the state of a handler changes faster than it can be written');
      await this.#round(todo);
    }
  }

  /** Writes what it can, and takes out of `todo` what is done. */
  async #round(todo: Map<string, Keyed>): Promise<void> {
    const documents = await this.#state.find({ _id: { $in: [...todo.keys()] } }).toArray();
    const known = new Map(documents.map((document) => [document._id, document]));
    const inserts: StateDocument[] = [];
    const updates: AnyBulkWriteOperation<StateDocument>[] = [];
    for (const [id, { handlerId, changes }] of [...todo]) {
      const before = known.get(id);
      const open = changes.filter(({ settlement }) => before?.by.includes(settlement) !== true);
      if (open.length === 0) todo.delete(id);
      else if (before === undefined) inserts.push({ _id: id, handlerId, value: changed(null, open), rev: 0, by: open.map(nameOf) });
      else
        updates.push({
          updateOne: {
            filter: { _id: id, rev: before.rev },
            update: { $set: { value: changed(before.value, open) }, $inc: { rev: 1 }, $push: { by: { $each: open.map(nameOf) } } },
          },
        });
    }
    const taken = inserts.length === 0 ? [] : await insertNew(() => this.#state.insertMany(inserts, { ordered: false }));
    for (const [place, { _id }] of inserts.entries()) if (!taken.includes(place)) todo.delete(_id);
    const { matchedCount } = updates.length === 0 ? { matchedCount: 0 } : await this.#state.bulkWrite(updates, { ordered: false });
    // All of them, or the next round reads which.
    if (matchedCount === updates.length) for (const update of updates) todo.delete(idOf(update));
  }
}

interface Keyed {
  handlerId: number;
  changes: { settlement: string; effects: StateEffect[] }[];
}
const nameOf = ({ settlement }: { settlement: string }): string => settlement;
const idOf = (operation: AnyBulkWriteOperation<StateDocument>): string =>
  (operation as { updateOne: { filter: { _id: string } } }).updateOne.filter._id;

function byKey(changes: readonly StateChange[]): Map<string, Keyed> {
  const keyed = new Map<string, Keyed>();
  for (const { settlement, handlerId, effects } of changes)
    for (const effect of effects) {
      const id = stateId(handlerId, effect.key);
      const one = keyed.get(id) ?? { handlerId, changes: [] };
      keyed.set(id, one);
      const last = one.changes.at(-1);
      if (last?.settlement === settlement) last.effects.push(effect);
      else one.changes.push({ settlement, effects: [effect] });
    }
  return keyed;
}

function changed(value: string | null, changes: Keyed['changes']): string | null {
  let now = value;
  for (const { effects } of changes) for (const effect of effects) now = after(now, effect);
  return now;
}

function after(value: string | null, effect: StateEffect): string | null {
  if (effect.op === 'state.set') return effect.value;
  if (effect.op === 'state.delete') return null;
  const base = value === null ? 0 : Number(JSON.parse(value));
  return JSON.stringify((Number.isFinite(base) ? base : 0) + effect.by);
}
