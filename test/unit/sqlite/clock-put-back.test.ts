import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Leased } from '../../../src/ports/queue.ts';
import { claim, deliver, delivery, pending, retry, T0 } from '../../conformance/subject.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

/** The clock stands this much lower at the next start. */
const BACK_MS = 3_600_000;

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(async () => store[Symbol.asyncDispose]());

/** An execution of this handler that failed at T0 + 2, to be run again at `runAt`. */
async function failed(handlerId: number, runAt: number, createdAt = T0): Promise<void> {
  await pending(store, [`e${handlerId}`], { handlerId, createdAt, runAt: createdAt });
  const [first] = await claim(store, { handlerId, now: createdAt });
  await store.queue.settle([retry((first as Leased).lease, { runAt })]);
}

test('what was planned while the clock was ahead is due at the start, and a retry that really waits is not', async () => {
  await failed(1, T0 + 60_000); // by the right clock
  await failed(2, T0 + 60_000, T0 + BACK_MS); // its event came before the clock was put back, and it failed after that
  await pending(store, ['new'], { handlerId: 3, createdAt: T0 + BACK_MS, runAt: T0 + BACK_MS });
  await pending(store, ['held'], { handlerId: 4, createdAt: T0 + BACK_MS, runAt: T0 + BACK_MS });
  await claim(store, { handlerId: 4, now: T0 + BACK_MS }); // by a server that was killed
  await deliver(store, delivery('mail', { createdAt: T0 + BACK_MS }));
  store = await store.reopen();
  const { pending: waiting } = await store.queue.recover(T0 + 10);
  expect(waiting.filter(({ handlerId }) => handlerId < 5).toSorted((a, b) => a.handlerId - b.handlerId)).toEqual([
    { handlerId: 1, firstRunAt: T0 + 60_000 },
    { handlerId: 2, firstRunAt: T0 + 10 },
    { handlerId: 3, firstRunAt: T0 + 10 },
    { handlerId: 4, firstRunAt: T0 + 10 },
  ]);
  expect(await store.deliveries.get('mail')).toMatchObject({ nextAt: T0 + 10 });
});

test('a retry that failed while the clock was ahead is due at the start', async () => {
  await failed(5, T0 + BACK_MS);
  await store.queue.recover(T0 + 1);
  expect((await store.queue.claim({ handlerId: 5, limit: 1, now: T0 + 1, dueOnly: true })).leased).toHaveLength(1);
});
