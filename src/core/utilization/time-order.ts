import type { Activity } from './activity.ts';
import { DAY_US, SECOND_US } from './iso-time.ts';

const BETWEEN_SORTS = 2_048;
/** Texts are in the order of the clocks they show, but for the fractions of a second, and a clock is less than a day from UTC. */
const LATENESS_US = DAY_US + SECOND_US;

/** Puts activity that comes in the order of texts into the order of time, holding back no more than about a day of it. */
export class TimeOrder {
  #waiting: Activity[] = [];
  #unsorted = 0;
  readonly #deliver: (activity: Activity) => void;

  constructor(deliver: (activity: Activity) => void) {
    this.#deliver = deliver;
  }

  push(activity: Activity): void {
    this.#waiting.push(activity);
    if (++this.#unsorted >= Math.max(BETWEEN_SORTS, this.#waiting.length / 4))
      this.#release(activity.us + activity.offsetSeconds * SECOND_US - LATENESS_US);
  }

  end(): void {
    this.#release(Number.POSITIVE_INFINITY);
  }

  #release(beforeUs: number): void {
    this.#unsorted = 0;
    this.#waiting.sort((a, b) => a.us - b.us || a.order - b.order);
    const count = this.#waiting.findIndex(({ us }) => us >= beforeUs);
    for (const activity of this.#waiting.splice(0, count < 0 ? this.#waiting.length : count)) this.#deliver(activity);
  }
}
