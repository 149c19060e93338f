import type { Queue } from '../ports/queue.ts';

const AT_ONCE = 100;

/**
 * Cancels what waits for a handler that is not registered any more: another server planned it before it had heard of the removal. More than one
 * page is left to the next look.
 */
export async function sweepGone(queue: Pick<Queue, 'list' | 'cancel'>, handlerId: number, now: number): Promise<void> {
  const { items } = await queue.list({ handlerId, state: 'pending' }, { limit: AT_ONCE, cursor: null });
  for (const { id } of items) await queue.cancel(id, now);
}
