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
  /** Made when there is something to keep: of most hours and nodes there is nothing. */
  #actions: Set<string> | null = null;
  #busy: Coverage | null = null;
  #up: Coverage | null = null;
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
    this.#close(us);
    this.#actions?.clear();
  }

  #begin(action: string, us: number): void {
    this.#actions ??= new Set();
    if (this.#actions.has(action)) return;
    this.#actions.add(action);
    this.#busySince ??= us;
  }

  #end(action: string, us: number): void {
    if (this.#actions?.delete(action) !== true || this.#actions.size > 0) return;
    this.#closeBusy(us);
  }

  #close(us: number): void {
    if (this.#upSince !== null) {
      this.#up ??= new Coverage();
      this.#up.add(this.#upSince, us);
    }
    this.#upSince = null;
    this.#closeBusy(us);
  }

  #closeBusy(us: number): void {
    if (this.#busySince !== null) {
      this.#busy ??= new Coverage();
      this.#busy.add(this.#busySince, us);
    }
    this.#busySince = null;
  }

  /** What is still open lasts until the end. A node of which no start was seen was up all the time. */
  times(totalSeconds: number, endUs: number): NodeTimes {
    this.#close(endUs);
    const up = this.#up?.seconds ?? totalSeconds;
    const busy = this.#busy?.seconds ?? 0;
    return {
      busySeconds: busy,
      idleSeconds: Math.max(0, up - busy),
      totalSeconds,
      utilizationPercent: up > 0 ? (busy / up) * 100 : 0,
      state: (this.#actions?.size ?? 0) > 0 ? 'busy' : 'idle',
    };
  }
}
