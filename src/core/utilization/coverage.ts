import { SECOND_US } from './iso-time.ts';

/** How many seconds a series of periods covers; given in the order of their starts, overlaps count once. */
export class Coverage {
  #start = 0;
  #end = 0;
  #seconds = 0;
  isEmpty = true;

  add(start: number, end: number): void {
    if (this.isEmpty) [this.#start, this.#end, this.isEmpty] = [start, end, false];
    else if (start <= this.#end) this.#end = Math.max(this.#end, end);
    else {
      this.#seconds += (this.#end - this.#start) / SECOND_US;
      [this.#start, this.#end] = [start, end];
    }
  }

  get seconds(): number {
    return this.#seconds + (this.#end - this.#start) / SECOND_US;
  }
}
