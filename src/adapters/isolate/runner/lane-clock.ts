import type { LogLine } from '../../../core/execution.ts';
import { journalIn, laneMemoryBytes, ticketsIn } from '../lane-memory.ts';
import { MAX_LANES } from '../limits.ts';

interface Seen {
  ticket: number;
  since: number;
  /** How many looks have found it. */
  looks: number;
}

/**
 * What each lane of one isolate runs, and for how long, read from memory that the isolate writes: no call crosses for a start.
 * Times are this side's own, so neither the user's code nor a jump of the wall clock changes them; they are late by up to one look.
 */
export class LaneClock {
  readonly memory: SharedArrayBuffer;
  readonly #slots: Int32Array;
  readonly #seen: Seen[];

  constructor(lanes: number) {
    const count = Math.min(Math.max(lanes, 1), MAX_LANES);
    this.memory = new SharedArrayBuffer(laneMemoryBytes(count));
    this.#slots = ticketsIn(this.memory, count);
    this.#seen = Array.from({ length: count }, () => ({ ticket: 0, since: 0, looks: 0 }));
  }

  look(now: number): void {
    for (const [lane, seen] of this.#seen.entries()) {
      const ticket = Atomics.load(this.#slots, lane);
      if (ticket === seen.ticket) {
        seen.looks++;
        continue;
      }
      seen.ticket = ticket;
      seen.since = now;
      seen.looks = 1;
    }
  }

  /** Tickets under way at the last look. */
  running(): number[] {
    return this.#seen.filter(({ ticket }) => ticket !== 0).map(({ ticket }) => ticket);
  }

  /** Those of them that have been under way for at least `forMs`. */
  overdue(now: number, forMs: number): number[] {
    return this.#seen.filter(({ ticket, since }) => ticket !== 0 && now - since >= forMs).map(({ ticket }) => ticket);
  }

  /** The first log lines of an execution under way. What a broken isolate may have written instead is left out. */
  logsOf(ticket: number): LogLine[] {
    const lane = this.#seen.findIndex((seen) => seen.ticket === ticket);
    const units = lane < 0 ? null : journalIn(this.memory, this.#seen.length, lane);
    if (units === null) return [];
    const text = String.fromCharCode(...units.subarray(1, 1 + Math.min(units[0] ?? 0, units.length - 1)));
    return text
      .split('\n')
      .map(lineOf)
      .filter((line) => line !== null);
  }

  /** Whether the last two looks found the same ticket for the first time. */
  lingering(): boolean {
    return this.#seen.some((seen) => seen.ticket !== 0 && seen.looks === 2);
  }
}

function lineOf(text: string): LogLine | null {
  try {
    return text === '' ? null : (JSON.parse(text) as LogLine); // written by the guest
  } catch {
    return null;
  }
}
