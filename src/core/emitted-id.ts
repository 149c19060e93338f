const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARACTERS = 10;
const HASH_CHARACTERS = 13;

/**
 * The first 23 characters of the ULIDs of what an execution emits: its time, then a hash of its id and replay number, so that a repeated
 * run emits the same ids and a replay by hand emits new ones. `hash` answers at least 17 hexadecimal characters.
 */
export function emitPrefix(execution: { id: string; replays: number; createdAt: number }, hash: (text: string) => string): string {
  const digest = BigInt(`0x${hash(`${execution.id}\n${execution.replays}`).slice(0, 17)}`);
  return crockford(BigInt(Math.max(0, Math.trunc(execution.createdAt))), TIME_CHARACTERS) + crockford(digest, HASH_CHARACTERS);
}

/** The id of the n-th emitted event (from 0). */
export function emittedId(prefix: string, n: number): string {
  return prefix + crockford(BigInt(n), 3);
}

function crockford(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest >>= 5n) text = CROCKFORD[Number(rest & 31n)] + text;
  return text;
}
