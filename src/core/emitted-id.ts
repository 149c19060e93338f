const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARACTERS = 10;

/**
 * The first 23 characters of the ULIDs of what an execution emits: its time, then 65 bits from its id and replay number, so that a repeated
 * run emits the same ids and a replay by hand emits new ones. Made for every execution, so it is cheap rather than cryptographic:
 * whoever could provoke a collision could as well post an event with the id.
 */
export function emitPrefix({ id, replays, createdAt }: { id: string; replays: number; createdAt: number }): string {
  const [a, b] = hash64(id, replays);
  return crockford(Math.max(0, Math.trunc(createdAt)), TIME_CHARACTERS) + crockford(a, 6) + crockford(b, 7);
}

/** The id of the n-th emitted event (from 0). */
export function emittedId(prefix: string, n: number): string {
  return prefix + crockford(n, 3);
}

function crockford(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = CROCKFORD.charAt(rest % 32) + text;
  return text;
}

/** Two unlike 32-bit hashes (multiply and mix, as cyrb53 does) over the same characters. */
function hash64(text: string, seed: number): [number, number] {
  let a = 0xdeadbeef ^ seed;
  let b = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return [a >>> 0, b >>> 0];
}
