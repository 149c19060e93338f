/** Says again and again that time has passed. */
export interface Ticker {
  /** Calls back about once a second, whatever happens to the machine's clock. The answer stops it. Never keeps the process alive. */
  start(tick: () => void): () => void;
}
