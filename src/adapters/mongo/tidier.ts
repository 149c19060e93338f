/** Work that can be done a little later, many pieces at once. */
const WAIT_MS = 100;
const MAX_KEPT = 1_000;

/**
 * Takes away what is no longer needed: plans whose executions exist, effects that are written. Should a server die before, the next
 * recovery finds them and does once more what is done already, which changes nothing.
 */
export class Tidier<Piece> implements AsyncDisposable {
  readonly #tidy: (pieces: Piece[]) => Promise<void>;
  #pieces: Piece[] = [];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(tidy: (pieces: Piece[]) => Promise<void>) {
    this.#tidy = tidy;
  }

  add(pieces: readonly Piece[]): void {
    if (pieces.length === 0) return;
    this.#pieces.push(...pieces);
    if (this.#pieces.length >= MAX_KEPT) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), WAIT_MS).unref();
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (pieces.length > 0) this.#running = this.#running.then(() => this.#tidy(pieces)).catch(() => {});
  }

  /** What cannot be tidied now waits for the next recovery. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    await this.#running;
  }
}
