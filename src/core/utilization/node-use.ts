import type { Change } from './activity.ts';
import { Coverage } from './coverage.ts';

export interface NodeTimes {
  busySeconds: number;
  idleSeconds: number;
  totalSeconds: number;
  utilizationPercent: number;
  state: 'busy' | 'idle';
}

/** How long a node was up, and how long any action ran on it (M45). Events come in the order of time. */
export class NodeUse {
  /** Place of its first event among the texts of times: the order in which reports list nodes. */
  first: number;
  readonly #actions = new Set<string>();
  readonly #busy = new Coverage();
  readonly #up = new Coverage();
  #busySince: number | null = null;
  #upSince: number | null = null;

  constructor(order: number) {
    this.first = order;
  }

  take(change: Change, us: number): void {
    if (change.kind === 'node_started') this.#upSince ??= us;
    else if (change.kind === 'node_stopped') this.#stop(us);
    else if (change.kind === 'action_began') this.#begin(change.action, us);
    else if (change.kind === 'action_ended') this.#end(change.action, us);
  }

  #stop(us: number): void {
    if (this.#upSince !== null) this.#up.add(this.#upSince, us);
    if (this.#busySince !== null) this.#busy.add(this.#busySince, us);
    this.#upSince = null;
    this.#busySince = null;
    this.#actions.clear();
  }

  #begin(action: string, us: number): void {
    if (this.#actions.has(action)) return;
    this.#actions.add(action);
    this.#busySince ??= us;
  }

  #end(action: string, us: number): void {
    if (!this.#actions.delete(action) || this.#actions.size > 0 || this.#busySince === null) return;
    this.#busy.add(this.#busySince, us);
    this.#busySince = null;
  }

  /** What is still open lasts until the end. A node of which no start was seen was up all the time. */
  times(totalSeconds: number, endUs: number): NodeTimes {
    if (this.#upSince !== null) this.#up.add(this.#upSince, endUs);
    if (this.#busySince !== null) this.#busy.add(this.#busySince, endUs);
    const up = this.#up.isEmpty ? totalSeconds : this.#up.seconds;
    const busy = this.#busy.isEmpty ? 0 : this.#busy.seconds;
    return {
      busySeconds: busy,
      idleSeconds: Math.max(0, up - busy),
      totalSeconds,
      utilizationPercent: up > 0 ? (busy / up) * 100 : 0,
      state: this.#actions.size > 0 ? 'busy' : 'idle',
    };
  }
}
