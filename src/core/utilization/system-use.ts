import type { Change } from './activity.ts';
import { Coverage } from './coverage.ts';

/** When any experiment ran: the union of their times, from start to end (M45). Events come in the order of time. */
export class SystemUse {
  readonly #starts = new Map<string, number>();
  readonly #open = new Set<string>();
  readonly #periods: [start: number, end: number][] = [];

  take(change: Change, us: number): void {
    if (change.kind === 'experiment_began') {
      this.#starts.set(change.experiment, us);
      this.#open.add(change.experiment);
    } else if (change.kind === 'experiment_ended') {
      const start = this.#starts.get(change.experiment);
      if (start === undefined) return;
      this.#periods.push([start, us]);
      this.#open.delete(change.experiment);
    }
  }

  /** Those that began here, in that order. */
  get experiments(): string[] {
    return [...this.#starts.keys()];
  }

  /** What is still running lasts until the end. */
  activeSeconds(endUs: number): number {
    const running = [...this.#open].map((experiment): [number, number] => [this.#starts.get(experiment) as number, endUs]); // open ones have started
    const covered = new Coverage();
    for (const [start, end] of [...this.#periods, ...running].sort(([a], [b]) => a - b)) covered.add(start, end);
    return covered.isEmpty ? 0 : covered.seconds;
  }
}
