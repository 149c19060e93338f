/** The only source of time of core and engine; tests advance it by hand. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some moment that stays the same while the program runs, whatever the machine's clock is set to. */
  elapsed(): number;
  /** Calls back once after `ms` (at most 2^31-1) of elapsed time; the answer cancels it. Never keeps the process alive. */
  after(ms: number, run: () => void): () => void;
}
