import type { Clock } from '../../ports/clock.ts';

/** By less than this, and what the way takes, two looks at the same clock may differ. */
const TOLERANCE_MS = 250;

/**
 * The database's clock, by which every server on it goes, so that their own may differ and jump: the last look at it, and the time that has
 * passed since. When it is set, so is this one, at the next look.
 */
export class DatabaseClock implements Clock {
  readonly #machine: Clock;
  /** The database's time minus elapsed time; null before the first look. */
  #ahead: number | null = null;

  constructor(machine: Clock) {
    this.#machine = machine;
  }

  now = (): number => (this.#ahead === null ? this.#machine.now() : Math.floor(this.#ahead + this.#machine.elapsed()));
  elapsed = (): number => this.#machine.elapsed();
  after = (ms: number, run: () => void): (() => void) => this.#machine.after(ms, run);

  /** `look` asks the database and answers its time, or null when it had none to tell. */
  async ask(look: () => Promise<number | null>): Promise<boolean> {
    const askedAt = this.#machine.elapsed();
    const at = await look();
    if (at === null) return false;
    // It was read somewhere on the way.
    const half = (this.#machine.elapsed() - askedAt) / 2;
    const ahead = at - askedAt - half;
    if (this.#ahead === null || Math.abs(ahead - this.#ahead) > half + TOLERANCE_MS) this.#ahead = ahead;
    return true;
  }
}
