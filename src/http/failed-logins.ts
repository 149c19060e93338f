/** How many failed attempts an address may make at once, and how fast it may make more. */
const BURST = 20;
const REFILL_PER_SECOND = 1;
/** Addresses remembered at most; the longest untouched is forgotten first. */
const MAX_ADDRESSES = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/**
 * Bounds failed logins per address. A right key is never held up by it: keys have 256 random bits, so guessing is hopeless at any
 * speed, and a lab behind one address must not be locked out by one broken client. What it saves is work and log lines.
 */
export class FailedLogins {
  readonly #buckets = new Map<string, Bucket>();

  /** Notes one failure; answers the seconds to wait when there were too many, else 0. */
  note(address: string, nowMs: number): number {
    const bucket = this.#refilled(address, nowMs);
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) / REFILL_PER_SECOND);
    bucket.left--;
    return 0;
  }

  #refilled(address: string, nowMs: number): Bucket {
    const known = this.#buckets.get(address);
    const gained = known === undefined ? BURST : (Math.max(0, nowMs - known.at) / 1000) * REFILL_PER_SECOND;
    const bucket = { left: Math.min(BURST, (known?.left ?? 0) + gained), at: nowMs };
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > MAX_ADDRESSES) this.#forgetOldest();
    return bucket;
  }

  #forgetOldest(): void {
    for (const address of this.#buckets.keys()) {
      this.#buckets.delete(address);
      return;
    }
  }
}
