/**
 * The memory that an isolate writes and its runner's main thread reads: for each lane the ticket of what it runs, and the first log
 * lines of that execution, which would otherwise be lost with an isolate that has to be ended.
 *
 *   Int32 ticket × lanes │ Uint16 (length, characters…) × lanes that have a journal
 */
const JOURNAL_CHARS = 4_000;
const JOURNALS = 16;
const JOURNAL_UNITS = JOURNAL_CHARS + 1;

function journalsOf(lanes: number): number {
  return Math.min(lanes, JOURNALS);
}

export function laneMemoryBytes(lanes: number): number {
  return lanes * Int32Array.BYTES_PER_ELEMENT + journalsOf(lanes) * JOURNAL_UNITS * Uint16Array.BYTES_PER_ELEMENT;
}

export function ticketsIn(memory: ArrayBufferLike, lanes: number): Int32Array {
  return new Int32Array(memory, 0, lanes);
}

/** The journal of one lane, its first unit being the length; null for lanes that have none. */
export function journalIn(memory: ArrayBufferLike, lanes: number, lane: number): Uint16Array | null {
  if (lane >= journalsOf(lanes)) return null;
  const offset = lanes * Int32Array.BYTES_PER_ELEMENT + lane * JOURNAL_UNITS * Uint16Array.BYTES_PER_ELEMENT;
  return new Uint16Array(memory, offset, JOURNAL_UNITS);
}
