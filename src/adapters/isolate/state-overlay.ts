import type { Effect } from '../../core/execution.ts';
import type { Result } from './job.ts';

type StateEffect = Extract<Effect, { key: string }>;

interface Pending {
  /** In the order the executions ended. */
  byExecution: Map<string, StateEffect[]>;
  /** Grows when something of it was settled: what the store answered before may not know it. */
  settlements: number;
}

const MAX_READS = 5;

/**
 * State changes of executions that have ended and are not yet in the store. A handler's executions run back to back, so each has to
 * see what the one before it did. It lives beside the pool, not in a runner, because it must survive the runner.
 */
export class StateOverlay {
  readonly #handlers = new Map<number, Pending>();

  record(handlerId: number, results: Result[]): void {
    for (const { id, outcome } of results) {
      if (outcome.kind !== 'succeeded' || outcome.effects.length === 0) continue;
      const changes = outcome.effects.filter((effect) => 'key' in effect);
      if (changes.length === 0) continue;
      const pending = this.#handlers.get(handlerId) ?? { byExecution: new Map(), settlements: 0 };
      this.#handlers.set(handlerId, pending);
      pending.byExecution.set(id, changes);
    }
  }

  settled(handlerId: number, executionIds: readonly string[]): void {
    const pending = this.#handlers.get(handlerId);
    if (pending === undefined) return;
    for (const id of executionIds) if (pending.byExecution.delete(id)) pending.settlements++;
    if (pending.byExecution.size === 0) this.#handlers.delete(handlerId);
  }

  forget(handlerId: number): void {
    this.#handlers.delete(handlerId);
  }

  /** JSON text of a key's value as it will be when everything that ended is committed. `ask` reads the store. */
  async read(handlerId: number, key: string, ask: () => Promise<string>): Promise<string> {
    for (let reads = 1; ; reads++) {
      const pending = this.#handlers.get(handlerId);
      const before = pending?.settlements;
      const ahead = changesOf(pending, key);
      if (ahead.value !== null) return added(ahead.value, ahead.by);
      const stored = await ask();
      const isCurrent = this.#handlers.get(handlerId) === pending && pending?.settlements === before;
      if (isCurrent || reads === MAX_READS) return added(stored, changesOf(this.#handlers.get(handlerId), key).by);
    }
  }
}

function changesOf(pending: Pending | undefined, key: string): { value: string | null; by: number[] } {
  let value: string | null = null;
  let by: number[] = [];
  for (const change of [...(pending?.byExecution.values() ?? [])].flat()) {
    if (change.key !== key) continue;
    if (change.op === 'state.increment') {
      by.push(change.by);
      continue;
    }
    value = change.op === 'state.set' ? change.value : 'null';
    by = [];
  }
  return { value, by };
}

function added(value: string, increments: number[]): string {
  return increments.reduce((text, by) => sum(text, by), value);
}

function sum(text: string, by: number): string {
  const base = text === 'null' ? '0' : text;
  if (/^-?\d+$/.test(base) && Number.isInteger(by)) return String(BigInt(base) + BigInt(by));
  const total = Number(base) + by;
  return Number.isFinite(total) ? String(total) : text;
}
