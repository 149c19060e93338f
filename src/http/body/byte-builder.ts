const FIRST_ROOM = 65_536;

/**
 * Gathers bytes. A list of the chunks would do, were it not for a client that sends a byte at a time: each would be kept
 * as an object of a hundred times its size.
 */
export class ByteBuilder {
  length = 0;
  #bytes: Buffer = EMPTY;
  /** Whether `#bytes` is a chunk that came whole, not memory of our own. */
  #isBorrowed = false;

  append(chunk: Buffer): void {
    if (this.length === 0) {
      this.#bytes = chunk;
      this.#isBorrowed = true;
    } else {
      this.#makeRoom(this.length + chunk.length);
      chunk.copy(this.#bytes, this.length);
    }
    this.length += chunk.length;
  }

  /** Everything so far; the builder is empty after it. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.length = 0;
    this.#bytes = EMPTY;
    this.#isBorrowed = false;
  }

  #makeRoom(wanted: number): void {
    if (!this.#isBorrowed && wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_ROOM, wanted * 2));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
    this.#isBorrowed = false;
  }
}

const EMPTY = Buffer.alloc(0);
