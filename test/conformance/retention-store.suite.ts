import { expect } from '@jest/globals';
import type { FiringPlan } from '../../src/ports/queue.ts';
import type { Place, Slice } from '../../src/ports/retention-store.ts';
import {
  claim,
  dead,
  deliver,
  delivery,
  execution,
  type It,
  idsOf,
  leased,
  type Options,
  pending,
  type Subject,
  store,
  succeeded,
  suite,
  T0,
} from './subject.ts';

export function retentionStoreConformance(adapter: string, options: Options): void {
  suite(`RetentionStore: ${adapter}`, options, (it) => {
    archives(it);
    purges(it);
    numbers(it);
    sweepsExecutions(it);
    sweepsFirings(it);
    sweepsMails(it);
  });
}

const LIST = { number: 0, offset: 0, minLevel: 0, startText: null, endText: null };
const live = async ({ events }: Subject): Promise<string[]> => idsOf(await events.list({ ...LIST, includeArchived: false })).sort();
const archived = async ({ events }: Subject): Promise<string[]> => idsOf(await events.listArchived(0, 0)).sort();
const day = (n: number): string => `2026-01-${String(n).padStart(2, '0')}T00:00:00`;

/** Works through slices to the end; answers what each counted. */
async function all(next: (from: Place | null) => Promise<Slice>): Promise<number[]> {
  const counts: number[] = [];
  let from: Place | null = null;
  do {
    const slice: Slice = await next(from);
    counts.push(slice.count);
    from = slice.next;
  } while (from !== null && counts.length < 100);
  return counts;
}
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

function archives(it: It): void {
  it('M31 archives what is older than the text, in slices, each event once', async (subject) => {
    await store(subject, ...Array.from({ length: 20 }, (_, n) => ({ _id: `e${n}`, event_timestamp: day(n + 1) })));
    const step = { beforeText: day(11), at: T0, limit: 4 };
    const counts = await all((from) => subject.retention.archiveOld({ ...step, from }));
    expect(sum(counts)).toBe(10);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
    expect(await archived(subject)).toEqual(Array.from({ length: 10 }, (_, n) => `e${n}`).sort());
    expect(JSON.parse((await subject.events.get('e0')) ?? '')).toMatchObject({ archived: true, archived_at: '2026-03-01T00:00:00' });
    expect(sum(await all((from) => subject.retention.archiveOld({ ...step, from })))).toBe(0);
  });

  it('M31 compares texts: a naive time lies before the same one with an offset', async (subject) => {
    await store(
      subject,
      { _id: 'naive', event_timestamp: '2026-01-10T00:00:00' },
      { _id: 'same', event_timestamp: '2026-01-10T00:00:00+00:00' },
      { _id: 'Z', event_timestamp: '2026-01-10T00:00:00Z' },
    );
    await all((from) => subject.retention.archiveOld({ beforeText: '2026-01-10T00:00:00+00:00', at: T0, from, limit: 10 }));
    expect(await archived(subject)).toEqual(['naive']);
  });

  it('goes on behind those that are archived already, and among many of the same time', async (subject) => {
    await store(subject, ...Array.from({ length: 30 }, (_, n) => ({ _id: `e${n}`, event_timestamp: day(1) })));
    await subject.events.archive({ ids: Array.from({ length: 15 }, (_, n) => `e${2 * n}`) }, T0);
    expect(sum(await all((from) => subject.retention.archiveOld({ beforeText: day(2), at: T0 + 1, from, limit: 4 })))).toBe(15);
    expect(await live(subject)).toEqual([]);
  });

  it('counts what would be archived and deleted, and changes nothing', async (subject) => {
    await store(subject, ...Array.from({ length: 6 }, (_, n) => ({ _id: `e${n}`, event_timestamp: day(n + 1) })));
    await subject.events.archive({ ids: ['e0', 'e1'] }, T0);
    const bounds = { beforeText: day(5), archivedBefore: T0 + 1 };
    expect(await subject.retention.countOld(bounds)).toEqual({ archive: 2, purge: 2 });
    expect(await subject.retention.countOld({ ...bounds, archivedBefore: T0 })).toEqual({ archive: 2, purge: 0 });
    expect(await live(subject)).toEqual(['e2', 'e3', 'e4', 'e5']);
  });
}

function purges(it: It): void {
  it('M67 deletes what the server archived before, at most so many, and nothing that a client sent as archived', async (subject) => {
    await store(
      subject,
      ...Array.from({ length: 5 }, (_, n) => ({ _id: `e${n}` })),
      { _id: 'sent', archived: true, archived_at: '2001-01-01T00:00:00' },
      { _id: 'bare', archived: true },
    );
    await subject.events.archive({ ids: ['e0', 'e1', 'e2', 'e3'] }, T0);
    await subject.events.archive({ ids: ['e4'] }, T0 + 10);
    expect(await subject.retention.purgeOld(T0 + 5, 3)).toBe(3);
    expect(await subject.retention.purgeOld(T0 + 5, 3)).toBe(1);
    expect(await subject.retention.purgeOld(T0 + 5, 3)).toBe(0);
    expect(await archived(subject)).toEqual(['bare', 'e4', 'sent']);
    expect(await subject.events.total()).toBe(3);
  });
}

function numbers(it: It): void {
  it('numbers go up with arrival, and the first one from a number on is found', async (subject) => {
    const { retention } = subject;
    expect(await retention.at('deliveries', 0)).toBeNull();
    for (const n of [1, 2, 3]) await leased(subject, `e${n}`, { createdAt: T0 + n });
    const highest = await retention.highest('executions');
    const first = await retention.at('executions', 0);
    expect(first).toEqual({ number: expect.any(Number), createdAt: T0 + 1 });
    expect(await retention.at('executions', Number(first?.number) + 1)).toMatchObject({ createdAt: T0 + 2 });
    expect(await retention.at('executions', highest)).toEqual({ number: highest, createdAt: T0 + 3 });
    expect(await retention.at('executions', highest + 1)).toBeNull();
  });
}

async function states({ queue }: Subject): Promise<Record<string, string>> {
  const { items } = await queue.list({}, { limit: 100, cursor: null });
  return Object.fromEntries(items.map(({ eventId, state }) => [eventId, state]));
}
type SweepOptions = { what?: 'executions' | 'deliveries'; limit?: number; below?: number };
async function sweep({ retention }: Subject, before: number, over: SweepOptions = {}): Promise<number> {
  const { what = 'executions', limit = 100, below = (await retention.highest(what)) + 1 } = over;
  return sum(await all((from) => retention.sweep({ what, before, below, from, limit })));
}

function sweepsExecutions(it: It): void {
  it('G5 deletes executions that succeeded or were canceled before, and keeps open ones and dead ones', async (subject) => {
    const [good, late, bad] = [await leased(subject, 'good'), await leased(subject, 'late'), await leased(subject, 'bad')];
    await leased(subject, 'running');
    const [off] = await pending(subject, ['off', 'open']);
    await subject.queue.settle([
      succeeded(good, { finishedAt: T0 + 10 }),
      succeeded(late, { finishedAt: T0 + 100 }),
      dead(bad, { finishedAt: T0 + 10 }),
    ]);
    await subject.queue.cancel(String(off), T0 + 10);
    expect(await sweep(subject, T0 + 10)).toBe(0);
    expect(await sweep(subject, T0 + 11, { limit: 2 })).toBe(2);
    expect(await states(subject)).toEqual({ late: 'succeeded', bad: 'dead', running: 'leased', open: 'pending' });
    expect(await sweep(subject, T0 + 11)).toBe(0);
    // The events are there: each has its own time.
    expect(await subject.events.total()).toBe(6);
    expect(await subject.queue.get(good.executionId)).toBeNull();
  });

  it('looks at nothing from a number on', async (subject) => {
    const leases = [await leased(subject, 'a'), await leased(subject, 'b')];
    await subject.queue.settle(leases.map((lease) => succeeded(lease)));
    const below = await subject.retention.highest('executions');
    expect(await sweep(subject, T0 + 100, { below })).toBe(1);
    expect(await states(subject)).toEqual({ b: 'succeeded' });
  });

  it('keeps one that was put back meanwhile', async (subject) => {
    const lease = await leased(subject, 'again');
    await subject.queue.settle([succeeded(lease)]);
    await subject.queue.replay(lease.executionId, T0 + 5, 0);
    expect(await sweep(subject, T0 + 100)).toBe(0);
    expect(await claim(subject, { now: T0 + 10 })).toHaveLength(1);
  });
}

const firing = (id: string, createdAt: number, handlers: readonly number[] = [1]): FiringPlan => ({
  firing: { id, hook: 'ctingress.on_complete', payload: '{}', tags: [], createdAt, cause: null },
  executions: handlers.map((handlerId) => execution(id, { handlerId })),
});

function sweepsFirings(it: It): void {
  it('deletes firings without executions that were made before, whatever their ids look like', async (subject) => {
    const sweepAll = ({ retention }: Subject) => all((from) => retention.sweepFirings({ before: T0 + 5, from, limit: 2 }));
    const { queue } = subject;
    for (const id of ['f', 'f.1', 'über/ /%', 'g']) await queue.fire(firing(id, T0));
    await queue.fire(firing('young', T0 + 10, []));
    await queue.fire(firing('none', T0, []));
    expect(sum(await sweepAll(subject))).toBe(1); // 'none'
    for (const id of ['f', 'über/ /%']) for (const one of await queue.executionsOf(id)) await queue.cancel(one, T0 + 1);
    expect(await sweep(subject, T0 + 5)).toBe(2);
    // A store may keep a note with what it has just written, for as long as it would be needed after a crash.
    await using later = await subject.reopen();
    expect(sum(await sweepAll(later))).toBe(2);
    const again = [];
    for (const id of ['f', 'f.1', 'young']) again.push((await later.queue.fire(firing(id, T0, []))).kind);
    expect(again).toEqual(['stored', 'existing', 'existing']);
    expect(await claim(later)).toHaveLength(2);
  });
}

function sweepsMails(it: It): void {
  it('deletes mails that were sent before, and keeps those that wait or failed', async (subject) => {
    await deliver(subject, ...['sent', 'late', 'failed', 'open'].map((id) => delivery(id)));
    const ended = { attempts: 1, nextAt: null, lastError: null };
    await subject.deliveries.record([
      { id: 'sent', state: 'sent', sentAt: T0 + 1, ...ended },
      { id: 'late', state: 'sent', sentAt: T0 + 100, ...ended },
      { id: 'failed', state: 'failed', sentAt: null, ...ended },
    ]);
    expect(await sweep(subject, T0 + 2, { what: 'deliveries' })).toBe(1);
    const { items } = await subject.deliveries.list({}, { limit: 10, cursor: null });
    expect(items.map(({ id }) => id).sort()).toEqual(['failed', 'late', 'open']);
  });
}
