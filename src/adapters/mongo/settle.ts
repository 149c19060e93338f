import type { AnyBulkWriteOperation, Document } from 'mongodb';
import type { Attempt, Settlement, SettleResult } from '../../ports/queue.ts';
import { Batcher } from './batcher.ts';
import type { ExecutionDocument } from './documents.ts';
import { applyEffects, type Caused, type Effects, effectsOf, hasEffects, type Made, numbersOf } from './effects.ts';
import { BY_ID, steady } from './faults.ts';
import { fence, handlerOf } from './lease.ts';
import type { Shared } from './shared.ts';
import type { StateWriter } from './state.ts';
import type { Tidier } from './tidier.ts';

/** A settlement with the name under which it is written. The same object given again keeps its name, so a retry finds what it did before. */
interface Named {
  settlement: Settlement;
  name: string;
  effects: Effects | null;
}

const LEASE_LOST: SettleResult = { kind: 'lease_lost' };

/**
 * Writes outcomes and their effects in three steps without a transaction:
 *  1. update the executions, each only if its lease still stands; an outcome that causes something holds that inside, `effects`
 *     (confirmed by a majority: from here on all of it comes to pass);
 *  2. write the effects, each under an id or number of its own;
 *  3. a little later, take `effects` out.
 * After a crash between 1 and 3, recovery does the rest.
 */
export class Settler {
  readonly #shared: Shared;
  readonly #state: StateWriter;
  readonly #done: Tidier<Caused>;
  readonly #named = new WeakMap<Settlement, Named>();
  readonly #batcher: Batcher<Settlement, SettleResult>;
  #count = 0;

  constructor(shared: Shared, state: StateWriter, done: Tidier<Caused>) {
    this.#shared = shared;
    this.#state = state;
    this.#done = done;
    const bounds = { items: 2_000, weight: 24_000_000, weigh: weightOf };
    this.#batcher = new Batcher(bounds, (settlements) => steady(() => this.#settle(settlements)));
  }

  settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    return this.#batcher.call(settlements);
  }

  async #settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const items = settlements.map((settlement) => this.#name(settlement));
    await this.#number(items);
    const isWritten = await this.#write(items);
    const results: SettleResult[] = items.map((item) => (isWritten(item) ? { kind: 'settled', events: [], firings: [] } : LEASE_LOST));
    await this.#apply(items, results);
    if (items.some(({ settlement }, n) => makesPending(settlement) && results[n] !== LEASE_LOST)) this.#shared.signal('queue');
    return results;
  }

  #name(settlement: Settlement): Named {
    const known = this.#named.get(settlement);
    if (known !== undefined) return known;
    const named = { settlement, name: `${this.#shared.presence.owner}.${++this.#count}`, effects: null };
    this.#named.set(settlement, named);
    return named;
  }

  async #number(items: readonly Named[]): Promise<void> {
    const open = items.filter(({ settlement, effects }) => effects === null && hasEffects(settlement));
    if (open.length === 0) return;
    const count = open.reduce((sum, { settlement }) => sum + numbersOf(settlement), 0);
    let seq = count === 0 ? 0 : await this.#shared.sequence.next(count);
    for (const item of open) {
      if (item.settlement.kind !== 'released') item.effects = effectsOf(item.settlement, seq, this.#shared.presence.owner);
      seq += numbersOf(item.settlement);
    }
  }

  /** Mostly every lease stands; only when one does not, it is read back which. */
  async #write(items: readonly Named[]): Promise<(item: Named) => boolean> {
    const { executions } = this.#shared.all;
    const operations = items.map((item) => operationOf(item, this.#shared.presence.owner));
    const { matchedCount } = await executions.bulkWrite(operations, { ordered: false });
    if (matchedCount === items.length) return () => true;
    const ids = items.map(({ settlement }) => settlement.lease.executionId);
    const found = await executions.find({ _id: { $in: ids } }, { projection: { settlement: 1 } }).toArray();
    const latest = new Map(found.map(({ _id, settlement }) => [_id, settlement]));
    return ({ settlement, name }) => latest.get(settlement.lease.executionId) === name;
  }

  async #apply(items: readonly Named[], results: SettleResult[]): Promise<void> {
    const places = [...items.keys()].filter((n) => results[n] !== LEASE_LOST && items[n]?.effects !== null);
    if (places.length === 0) return;
    const caused = places.map((n): Caused => {
      const { name, settlement, effects } = items[n] as Named & { effects: Effects };
      return { settlement: name, executionId: settlement.lease.executionId, handlerId: handlerOf(settlement.lease), effects };
    });
    const made = await applyEffects(this.#shared.all, this.#state, caused);
    for (const [index, n] of places.entries()) results[n] = { kind: 'settled', ...(made[index] as Made) };
    this.#done.add(caused);
    if (caused.some(({ effects }) => effects.deliveries.length > 0)) this.#shared.signal('deliveries');
  }
}

function weightOf(settlement: Settlement): number {
  if (settlement.kind === 'released') return 100;
  const output = settlement.kind === 'succeeded' ? settlement.output.length : 0;
  const events = settlement.kind === 'succeeded' ? settlement.events.reduce((sum, { event }) => sum + 2 * event.json.length, 0) : 0;
  return 500 + output + events;
}

/** Whether other servers find something to claim after it. */
function makesPending(settlement: Settlement): boolean {
  if (settlement.kind === 'released' || settlement.kind === 'retry') return true;
  const subjects = settlement.kind === 'succeeded' ? settlement.events : settlement.firings;
  return subjects.some(({ executions }) => executions.some(({ state }) => state === 'pending'));
}

function operationOf({ settlement, name, effects }: Named, owner: string): AnyBulkWriteOperation<ExecutionDocument> {
  const change = changeOf(settlement);
  const set: Document = { ...change['$set'], settlement: name };
  if (effects !== null) Object.assign(set, { effects: JSON.stringify(effects), effectsBy: owner });
  return { updateOne: { hint: BY_ID, filter: fence(settlement.lease), update: { ...change, $set: set, $unset: { owner: 1, claim: 1 } } } };
}

function changeOf(settlement: Settlement): Document {
  if (settlement.kind === 'released') return { $set: { state: 'pending' }, $inc: { attempt: -1 } };
  const { startedAt, finishedAt, lease } = settlement;
  const logs = settlement.logs.length === 0 ? null : JSON.stringify(settlement.logs);
  if (settlement.kind === 'succeeded')
    return { $set: { state: 'succeeded', startedAt, finishedAt, output: settlement.output, logs, error: null } };
  const isDead = settlement.kind === 'dead';
  const past: Attempt = { attempt: lease.attempt, startedAt, finishedAt, outcome: settlement.error };
  const runAt = Math.ceil(isDead ? finishedAt : settlement.runAt);
  const error = JSON.stringify(settlement.error);
  return {
    $set: { state: isDead ? 'dead' : 'pending', runAt, startedAt, finishedAt, output: null, logs, error },
    $inc: { failures: 1 },
    $push: { attempts: JSON.stringify(past) },
  };
}
