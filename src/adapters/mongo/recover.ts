import type { Filter } from 'mongodb';
import type { ExecutionError } from '../../core/execution.ts';
import type { Queue } from '../../ports/queue.ts';
import type { Claimer } from './claim.ts';
import { unlockDeliveries } from './deliveries.ts';
import type { EventDocument, ExecutionDocument, FiringDocument } from './documents.ts';
import { applyEffects, type Caused, dropEffects, effectsOfDead, forgetState } from './effects.ts';
import { asPending, insertExecutions } from './executions.ts';
import type { Shared } from './shared.ts';
import type { StateWriter } from './state.ts';

/** How much is completed at a time. */
const BATCH = 500;

/**
 * How long the state remembers what recovery applied: another server may be recovering the same, from what it read before. Should this
 * one die first, it remembers for ever, which costs a name in a list.
 */
const APPLIED_MS = 120_000;

type Recovered = Awaited<ReturnType<Queue['recover']>>;

/** Gives back and completes what servers left behind that are gone, and what this one is unsure of. */
export class Recovery {
  readonly #shared: Shared;
  readonly #state: StateWriter;
  readonly #claimer: Claimer;
  #applied: { until: number; caused: Caused[] }[] = [];

  constructor(shared: Shared, state: StateWriter, claimer: Claimer) {
    this.#shared = shared;
    this.#state = state;
    this.#claimer = claimer;
  }

  async recover(now: number): Promise<Recovered> {
    const { presence, stranded } = this.#shared;
    const gone = await presence.gone(await this.#owners());
    let lost = 0;
    if (gone.length > 0) {
      await this.#completeEffects(gone);
      await this.#completePlans({ $in: gone }, {});
      lost = await this.#takeBack(gone, now);
      await this.#freeMails(gone);
    }
    await this.#forgetApplied();
    const unsure = stranded.ids();
    if (unsure.length > 0) await this.#completePlans(presence.owner, { _id: { $in: unsure } });
    await this.#claimer.giveBack();
    await presence.sweep();
    await this.#cancelRemoved(now);
    return { lost, pending: await this.#pending() };
  }

  /** Every server that something still bears the name of. */
  async #owners(): Promise<string[]> {
    const { executions, events, firings, deliveries } = this.#shared.all;
    const names = await Promise.all([
      executions.distinct('owner', { state: 'leased' }),
      executions.distinct('effectsBy', { effectsBy: { $exists: true } }),
      events.distinct('_hookwright.owner', { '_hookwright.owner': { $exists: true } }),
      firings.distinct('owner', { owner: { $exists: true } }),
      deliveries.distinct('lockedBy', { lockedBy: { $exists: true } }),
    ]);
    return [...new Set(names.flat() as (string | null)[])].filter((name) => typeof name === 'string');
  }

  async #takeBack(gone: readonly string[], now: number): Promise<number> {
    const { executions } = this.#shared.all;
    const error: ExecutionError = { reason: 'lost', message: 'The server stopped during this attempt.', line: null, column: null };
    const rest = JSON.stringify({ startedAt: null, finishedAt: now, outcome: error }).slice(1);
    const past = { $concat: ['{"attempt":', { $toString: '$attempt' }, ',', rest] };
    const { modifiedCount } = await executions.updateMany({ state: 'leased', owner: { $in: [...gone] } }, [
      { $set: { state: 'pending', attempts: { $concatArrays: ['$attempts', [past]] } } },
      { $unset: ['owner', 'claim'] },
    ]);
    return modifiedCount;
  }

  /** A mail that was on its way may arrive twice, with the same Message-ID; without this it would wait until its own lease has ended. */
  async #freeMails(gone: readonly string[]): Promise<void> {
    if ((await unlockDeliveries(this.#shared.all, gone)) > 0) this.#shared.signal('deliveries');
  }

  async #forgetApplied(): Promise<void> {
    const now = performance.now();
    const old = this.#applied.filter(({ until }) => until < now);
    this.#applied = this.#applied.filter(({ until }) => until >= now);
    for (const { caused } of old) await forgetState(this.#state, caused);
  }

  async #completeEffects(gone: readonly string[]): Promise<void> {
    const { all } = this.#shared;
    for (;;) {
      const found = await all.executions.find({ effectsBy: { $in: [...gone] } }, { limit: BATCH }).toArray();
      if (found.length === 0) return;
      const caused = found.map(causedBy);
      await applyEffects(all, this.#state, caused);
      await dropEffects(all, caused);
      this.#applied.push({ until: performance.now() + APPLIED_MS, caused });
    }
  }

  /** Executions that were planned, but perhaps never written. Whoever planned them does not run them: they wait for any server. */
  async #completePlans(owner: string | { $in: string[] }, more: { _id?: { $in: string[] } }): Promise<void> {
    const { events, firings } = this.#shared.all;
    for (;;) {
      const owned = { '_hookwright.owner': owner, ...more } as Filter<EventDocument>;
      const found = await events.find(owned, { projection: { '_hookwright.planned': 1 }, limit: BATCH }).toArray();
      if (found.length === 0) break;
      await this.#complete(found.flatMap(({ _hookwright }) => _hookwright?.planned ?? []));
      const ids = found.map(({ _id }) => _id);
      await events.updateMany({ _id: { $in: ids } }, { $unset: { '_hookwright.planned': 1, '_hookwright.owner': 1 } });
    }
    for (;;) {
      const found = await firings.find({ owner, ...more } as Filter<FiringDocument>, { limit: BATCH }).toArray();
      if (found.length === 0) break;
      await this.#complete(found.flatMap(({ planned }) => planned ?? []));
      await firings.updateMany({ _id: { $in: found.map(({ _id }) => _id) } }, { $unset: { planned: 1, owner: 1 } });
    }
  }

  /** Those that this server planned for itself and then gave up are leased by it, though it does not run them. */
  async #complete(planned: readonly ExecutionDocument[]): Promise<void> {
    const { all, presence } = this.#shared;
    await insertExecutions(all, planned.map(asPending));
    const own = planned.filter(({ owner }) => owner === presence.owner).map(({ _id }) => _id);
    if (own.length === 0) return;
    await all.executions.updateMany(
      { _id: { $in: own }, state: 'leased', owner: presence.owner, attempt: 1, claim: { $exists: false } },
      { $set: { state: 'pending', attempt: 0 }, $unset: { owner: 1 } },
    );
  }

  /** A server that died while it removed a handler may have left executions of it. */
  async #cancelRemoved(now: number): Promise<void> {
    const { executions, handlers } = this.#shared.all;
    const ids = await executions.distinct('handlerId', { state: 'pending' });
    const removed = await handlers.find({ _id: { $in: ids }, removedAt: { $exists: true } }, { projection: { _id: 1 } }).toArray();
    if (removed.length === 0) return;
    const filter = { handlerId: { $in: removed.map(({ _id }) => _id) }, state: { $in: ['pending' as const, 'leased' as const] } };
    await executions.updateMany(filter, { $set: { state: 'canceled', finishedAt: now }, $unset: { owner: 1, claim: 1 } });
  }

  async #pending(): Promise<Recovered['pending']> {
    return this.#shared.all.executions
      .aggregate<Recovered['pending'][number]>([
        { $match: { state: 'pending' } },
        { $sort: { state: 1, handlerId: 1, runAt: 1 } },
        { $group: { _id: '$handlerId', firstRunAt: { $first: '$runAt' } } },
        { $project: { _id: 0, handlerId: '$_id', firstRunAt: 1 } },
      ])
      .toArray();
  }
}

function causedBy({ _id, settlement, handlerId, effects }: ExecutionDocument): Caused {
  return { settlement: settlement ?? '', executionId: _id, handlerId, effects: effectsOfDead(effects ?? '{}') };
}
