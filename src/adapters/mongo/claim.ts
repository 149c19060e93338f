import type { Claim, Leased, Queue } from '../../ports/queue.ts';
import type { Collections } from './connect.ts';
import type { ExecutionDocument } from './documents.ts';
import { BY_ID, steady } from './faults.ts';
import { refOf } from './lease.ts';
import type { Shared } from './shared.ts';
import { type SubjectText, subjectsOf } from './subjects.ts';

type Request = Parameters<Queue['claim']>[0];

/** How long an update that was given up may still take effect. */
const KEPT_MS = 60_000;

/**
 * Takes pending executions: looks which come first, marks those that are still pending with the name of this claim (one update for all,
 * so that no two servers get the same), and reads which ones it got.
 */
export class Claimer {
  readonly #shared: Shared;
  /** Claims whose update was not answered: what they may have taken is given back later. */
  readonly #uncertain = new Map<string, number>();
  /** The last claim of each handler: those of one server would otherwise only look for the same executions. */
  readonly #turns = new Map<number, Promise<unknown>>();
  #count = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  async claim(request: Request): Promise<Claim> {
    const { handlerId } = request;
    const mine = (this.#turns.get(handlerId) ?? Promise.resolve()).then(() => this.#claim(request));
    const turn = mine.catch(() => {});
    this.#turns.set(handlerId, turn);
    void turn.then(() => this.#turns.get(handlerId) === turn && this.#turns.delete(handlerId));
    return mine;
  }

  async #claim(request: Request): Promise<Claim> {
    const name = `${this.#shared.presence.owner}.${++this.#count}`;
    this.#uncertain.set(name, performance.now() + KEPT_MS);
    let tries = 0;
    const claim = await steady(() => this.#take(request, { name, isAgain: tries++ > 0 }));
    this.#uncertain.delete(name);
    return claim;
  }

  /** Puts back what a claim took that was never answered. */
  async giveBack(): Promise<void> {
    const now = performance.now();
    for (const [name, until] of this.#uncertain) if (until < now) this.#uncertain.delete(name);
    const names = [...this.#uncertain].filter(([, until]) => until - now < KEPT_MS - SETTLED_MS).map(([name]) => name);
    if (names.length > 0)
      await this.#shared.all.executions.updateMany(
        { state: 'leased', owner: { $exists: true }, claim: { $in: names } },
        { $set: { state: 'pending' }, $inc: { attempt: -1 }, $unset: { owner: 1, claim: 1 } },
      );
  }

  async #take(request: Request, { name, isAgain }: { name: string; isAgain: boolean }): Promise<Claim> {
    const { all, presence } = this.#shared;
    const { handlerId } = request;
    const taken = await this.#mark(request, { owner: presence.owner, claim: name }, isAgain);
    const [subjectOf, [next]] = await Promise.all([
      subjectsOf(all, taken),
      all.executions.find({ state: 'pending', handlerId }, { projection: { _id: 0, runAt: 1 }, sort: { runAt: 1 }, limit: 1 }).toArray(),
    ]);
    const purged = taken.filter((document) => subjectOf(document) === undefined).map(({ _id }) => _id);
    if (purged.length > 0) await cancel(all, purged, request.now);
    const leased = taken.flatMap((document) => {
      const subject = subjectOf(document);
      return subject === undefined ? [] : [leasedOf(document, subject)];
    });
    return { leased, nextRunAt: next?.runAt ?? null };
  }

  /** Where another server was quicker with some, it looks again for as many. */
  async #mark(request: Request, lease: Mark, isAgain: boolean): Promise<ExecutionDocument[]> {
    const { all } = this.#shared;
    // A try before may have marked some without an answer.
    const taken = isAgain ? await marked(all, lease) : [];
    while (taken.length < request.limit) {
      const ids = await first(all, { ...request, limit: request.limit - taken.length });
      if (ids.length === 0) break;
      const got = await mark(all, ids, lease);
      taken.push(...got);
      if (got.length === ids.length) break;
    }
    return taken.sort((a, b) => a.seq - b.seq);
  }
}

/** A claim that began so recently may be under way. */
const SETTLED_MS = 10_000;

async function first({ executions }: Collections, { handlerId, limit, now, dueOnly }: Request): Promise<string[]> {
  const filter = { state: 'pending' as const, handlerId, ...(dueOnly ? { runAt: { $lte: now } } : {}) };
  const found = await executions.find(filter, { projection: { _id: 1 }, sort: { seq: 1 }, limit, hint: ARRIVAL }).toArray();
  return found.map(({ _id }) => _id);
}
const ARRIVAL = { state: 1, handlerId: 1, seq: 1, runAt: 1, _id: 1 };

/** Who takes, and by which claim. */
interface Mark {
  owner: string;
  claim: string;
}

async function mark(all: Collections, ids: string[], lease: Mark): Promise<ExecutionDocument[]> {
  const change = { $set: { state: 'leased' as const, ...lease }, $inc: { attempt: 1 } };
  const { modifiedCount } = await all.executions.updateMany({ _id: { $in: ids }, state: 'pending' }, change, { hint: BY_ID });
  if (modifiedCount === 0) return [];
  return all.executions.find({ _id: { $in: ids }, state: 'leased', ...lease }, { ...WITHOUT_RESULTS, hint: BY_ID }).toArray();
}

function marked({ executions }: Collections, lease: Mark): Promise<ExecutionDocument[]> {
  return executions.find({ state: 'leased', ...lease }, WITHOUT_RESULTS).toArray();
}
const WITHOUT_RESULTS = { projection: { output: 0, logs: 0, error: 0, attempts: 0, effects: 0 } };

/** Their event was purged: there is nothing left to run on. */
async function cancel({ executions }: Collections, ids: string[], now: number): Promise<void> {
  await executions.updateMany(
    { _id: { $in: ids }, state: 'leased' },
    { $set: { state: 'canceled', finishedAt: now }, $unset: { owner: 1, claim: 1 } },
  );
}

function leasedOf(document: ExecutionDocument, { input, tags, root, depth }: SubjectText): Leased {
  const { _id, handlerId, hook, attempt, orderingKey, createdAt, runAt, failures, replays } = document;
  return {
    lease: { executionId: _id, attempt, ref: refOf(document) },
    handlerId,
    handlerVersion: document.version,
    hook,
    subjectId: document.subject,
    input,
    tags,
    orderingKey,
    createdAt,
    runAt,
    failures,
    replays,
    root,
    depth,
  };
}
