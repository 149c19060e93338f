import type { Ready } from './ready.ts';

export interface RoomBounds {
  /** The most executions of one handler, and of all, that are held in memory. */
  perLane: number;
  total: number;
  /** The most characters of their inputs. */
  units: number;
}
export const DEFAULT_ROOM: RoomBounds = { perLane: 16_384, total: 50_000, units: 64 * 1024 * 1024 };

/** Counts what is held in memory, so that a backlog of any size costs a bounded part of it. */
export class Room {
  readonly bounds: RoomBounds;
  #held = 0;
  #units = 0;
  #reserved = 0;

  constructor(bounds: RoomBounds) {
    this.bounds = bounds;
  }

  get held(): number {
    return this.#held;
  }
  get isEmpty(): boolean {
    return this.#held === 0 && this.#reserved === 0;
  }
  /** How many more executions may come in, all lanes together; what was reserved counts as here already. */
  get left(): number {
    return this.#units >= this.bounds.units ? 0 : Math.max(0, this.bounds.total - this.#held - this.#reserved);
  }

  reserve(): void {
    this.#reserved++;
  }
  unreserve(): void {
    this.#reserved--;
  }
  hold({ input }: Ready): void {
    this.#held++;
    this.#units += input.length;
  }
  letGo({ input }: Ready): void {
    this.#held--;
    this.#units -= input.length;
  }
}
