import type { Clock } from '../ports/clock.ts';
import type { Leadership } from '../ports/leadership.ts';

const NAME = 'start';
const TTL_MS = 10_000;
const AGAIN_MS = 100;

/** What looks first and writes then at a start, one server after the other; a server that dies in it holds the others up for `TTL_MS`. */
export async function inStartTurn<T>(o: { leadership: Leadership | undefined; clock: Clock }, work: () => Promise<T>): Promise<T> {
  const { leadership, clock } = o;
  if (leadership === undefined) return work();
  while (!(await leadership.lead(NAME, clock.now(), TTL_MS))) await new Promise<void>((resolve) => void clock.after(AGAIN_MS, resolve));
  try {
    return await work();
  } finally {
    await leadership.lead(NAME, clock.now(), 0).catch(() => {}); // then it ends by itself
  }
}
