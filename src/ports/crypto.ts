/** What keys need of cryptography. Not named Crypto: that is a global. */
export interface Cryptography {
  sha256(text: string): Uint8Array;
  /** From the machine's cryptographic source. */
  randomBytes(count: number): Uint8Array;
  /** Compares in a time that does not tell where the two differ; both must have the same length. */
  equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean;
}
