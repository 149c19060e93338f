import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DATABASE_FILE } from '../../../src/adapters/sqlite/open.ts';
import type { RetentionRules } from '../../../src/core/retention.ts';
import { type RetentionOptions, type RetentionRun, retention } from '../../../src/engine/retain.ts';
import type { Leadership } from '../../../src/ports/leadership.ts';
import { event, submission } from '../../conformance/subject.ts';
import { checkForLeaks } from '../../support/leaks.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 5, 1);
const RULES: RetentionRules = { isEnabled: true, archiveAfterDays: 90, deleteAfterDays: 365, executionDays: 90, mailDays: 90 };

let store: TestStore;
let clock: HandClock;
let lines: { level: string; message: string; fields: Record<string, unknown> | undefined }[];
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(async () => {
  await store.clear();
  clock = new HandClock(NOW);
  lines = [];
});

const make = (over: Partial<RetentionOptions> = {}) =>
  retention({
    store: store.retention,
    settings: store.keys,
    leadership: undefined,
    rules: RULES,
    intervalHours: 24,
    batchSize: 10,
    maxBatches: 0,
    stopsOnError: false,
    clock,
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    ...over,
  });

/** Lets short pauses pass until it has ended; what waits for hours goes on waiting. */
async function drive<T>(work: Promise<T>): Promise<T> {
  let isEnded = false;
  const end = work.finally(() => {
    isEnded = true;
  });
  end.catch(() => {});
  while (!isEnded) {
    await setImmediate();
    if ((clock.nextAt ?? Number.POSITIVE_INFINITY) - clock.now() <= 1_000) clock.advance(1);
  }
  return end;
}
/** The timer of the loop rings, and what it begins ends. */
async function pass(ms: number, of: ReturnType<typeof make>): Promise<void> {
  for (let left = ms; left > 0; left -= HOUR) {
    clock.advance(Math.min(left, HOUR));
    await settled(of);
  }
}
async function settled(of: ReturnType<typeof make>): Promise<void> {
  for (let quiet = 0; quiet < 20; quiet++) {
    await setImmediate();
    if ((await of.status()).isRunning) {
      quiet = 0;
      if ((clock.nextAt ?? Number.POSITIVE_INFINITY) - clock.now() <= 1_000) clock.advance(1);
    }
  }
}

const textOf = (at: number): string => new Date(at).toISOString().slice(0, 19);
async function fill(count: number, age: (n: number) => number): Promise<void> {
  const made = Array.from({ length: count }, (_, n) => submission(event({ _id: `e${n}`, event_timestamp: textOf(NOW - age(n)) })));
  await store.events.append(made);
}
function counts(): { live: number; archived: number } {
  using db = new DatabaseSync(join(store.folder, DATABASE_FILE), { readOnly: true });
  const of = (archived: number): number => Number(db.prepare('SELECT count(*) AS n FROM events WHERE archived = ?').get(archived)?.['n']);
  return { live: of(0), archived: of(1) };
}
const run = async (of: ReturnType<typeof make>, o = {}): Promise<RetentionRun> => {
  const result = await drive(of.run(o));
  if (typeof result === 'string') throw new Error(result);
  return result;
};

describe('a run', () => {
  test('M31 archives what is older than the days, deletes what was archived long ago, and says what it did', async () => {
    await fill(40, (n) => n * 10 * DAY - HOUR); // 30 are older than 90 days
    await store.events.archive({ ids: ['e38', 'e39'] }, NOW - 366 * DAY);
    const done = await run(make());
    expect(done).toMatchObject({ startedAt: NOW, archived: 28, deleted: 2, isComplete: true, error: null });
    expect(counts()).toEqual({ live: 10, archived: 28 });
    expect(await make().status()).toMatchObject({ isRunning: false, heldByMs: null, lastRun: done });
  });

  test('M31 ends after so many batches, and the next one goes on', async () => {
    await fill(35, () => 100 * DAY);
    const bounded = make({ maxBatches: 2 });
    expect(await run(bounded)).toMatchObject({ archived: 20, isComplete: false });
    expect(await run(bounded)).toMatchObject({ archived: 15, isComplete: true });
    expect(counts()).toEqual({ live: 0, archived: 35 });
  });

  test('M31 pauses a tenth of a second between batches', async () => {
    await fill(35, () => 100 * DAY);
    const before = clock.now();
    await run(make());
    expect(clock.now() - before).toBeGreaterThanOrEqual(300);
  });

  test('previews without changing anything, also while it is not enabled', async () => {
    await fill(40, (n) => n * 10 * DAY - HOUR);
    const off = make({ rules: { ...RULES, isEnabled: false } });
    expect(await off.preview()).toMatchObject({ archive: 30, delete: 0 });
    expect(await run(off)).toMatchObject({ archived: 0, deleted: 0 });
    expect(counts()).toEqual({ live: 40, archived: 0 });
  });

  test('is joined by whoever asks for one meanwhile', async () => {
    await fill(20, () => 100 * DAY);
    const one = make();
    const [first, second] = await drive(Promise.all([one.run(), one.run()]));
    expect(second).toBe(first);
  });

  test('ends between two slices when the server stops, and notes what it did', async () => {
    await fill(35, () => 100 * DAY);
    const one = make();
    const running = one.run();
    while (counts().archived === 0) await setImmediate();
    await one.stop();
    expect(await running).toMatchObject({ isComplete: false });
    expect(counts().live).toBeGreaterThan(0);
    expect(await run(make())).toMatchObject({ isComplete: true });
    expect(counts()).toEqual({ live: 0, archived: 35 });
  });
});

describe('RELIABILITY 7: a clock that jumps', () => {
  test('ten years on: nothing is archived or deleted, and the log says what to do', async () => {
    await fill(40, (n) => n * DAY);
    await store.events.archive({ ids: ['e0'] }, NOW);
    const one = make();
    await run(one);
    const before = counts();
    clock.advance(3_650 * DAY);
    expect(await drive(one.run())).toBe('held');
    expect(counts()).toEqual(before);
    expect(await one.status()).toMatchObject({ heldByMs: 3_650 * DAY });
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([
      { level: 'warn', message: expect.stringContaining('the clock is far ahead'), fields: expect.objectContaining({ days_ahead: 3_650 }) },
    ]);
    // Also after a new start, and as often as it looks.
    const next = make();
    expect(await drive(next.run())).toBe('held');
    expect(counts()).toEqual(before);
  });

  test('goes on by itself when the clock is right again', async () => {
    const one = make();
    await run(one);
    clock.advance(3_650 * DAY);
    expect(await drive(one.run())).toBe('held');
    clock = new HandClock(NOW + DAY);
    const later = make();
    expect(await run(later)).toMatchObject({ isComplete: true });
    expect(await later.status()).toMatchObject({ heldByMs: null });
  });

  test('goes on when a person says that it is right', async () => {
    await fill(10, () => 0);
    const one = make();
    await run(one);
    clock.advance(100 * DAY);
    expect(await drive(one.run())).toBe('held');
    expect(await run(one, { isClockRight: true })).toMatchObject({ archived: 10 });
    expect(await run(one)).toMatchObject({ archived: 0 });
  });

  test('a jump back and its repair change nothing, while the server was off too', async () => {
    await fill(10, () => 0);
    await run(make());
    clock = new HandClock(NOW - 20_000 * DAY); // a machine without a battery, before it has asked what time it is
    expect(await run(make())).toMatchObject({ archived: 0, deleted: 0 });
    clock = new HandClock(NOW + HOUR);
    expect(await run(make())).toMatchObject({ archived: 0, deleted: 0 });
    expect(counts()).toEqual({ live: 10, archived: 0 });
  });

  test('a jump in the middle of a run archives as of its beginning', async () => {
    await fill(30, (n) => (n < 20 ? 100 : 1) * DAY);
    const one = make();
    const running = one.run();
    while (counts().archived === 0) await setImmediate();
    clock.advance(3_650 * DAY);
    expect(await drive(running)).toMatchObject({ archived: 20, deleted: 0 });
    expect(JSON.parse((await store.events.get('e19')) ?? '')).toMatchObject({ archived_at: '2026-06-01T00:00:00' });
    expect(counts()).toEqual({ live: 10, archived: 20 });
  });
});

describe('the loop', () => {
  test('M31 runs at the start and then at each interval', async () => {
    await fill(10, (n) => (85 + n) * DAY - HOUR); // e5 lacks an hour
    const one = make();
    one.start();
    await settled(one);
    expect(counts()).toEqual({ live: 6, archived: 4 });
    await pass(23 * HOUR, one);
    expect(counts()).toEqual({ live: 6, archived: 4 });
    await pass(2 * HOUR, one);
    expect(counts()).toEqual({ live: 5, archived: 5 });
    await one.stop();
  });

  test('keeps its mark of the clock by the hour, so that a long interval is no gap', async () => {
    const one = make({ intervalHours: 8_760, rules: { ...RULES, executionDays: 4, mailDays: 0 } });
    one.start();
    await settled(one);
    await pass(3 * DAY, one);
    await one.stop();
    expect(await run(make({ rules: { ...RULES, executionDays: 4, mailDays: 0 } }))).toMatchObject({ error: null });
  });

  const broken = (): RetentionOptions['store'] => ({ ...store.retention, archiveOld: () => Promise.reject(new Error('no disk')) });

  test('M31 a run that fails is logged, noted, and tried again at the next interval', async () => {
    const one = make({ store: broken() });
    one.start();
    await settled(one);
    expect(lines).toMatchObject([{ level: 'warn', message: 'retention failed' }]);
    expect(await one.status()).toMatchObject({ hasGivenUp: false, lastRun: { error: 'no disk', isComplete: false } });
    await pass(DAY, one);
    expect(lines).toHaveLength(2);
    await one.stop();
  });

  test('M31 with FAIL_ON_RETENTION_ERROR it is an error, and the last run until the next start', async () => {
    const one = make({ store: broken(), stopsOnError: true });
    one.start();
    await settled(one);
    expect(lines).toMatchObject([{ level: 'error', message: 'retention failed' }]);
    await pass(2 * DAY, one);
    expect(lines).toHaveLength(1);
    expect(await one.status()).toMatchObject({ hasGivenUp: true });
    await one.stop();
  });

  test('of servers that share a store one runs; another one does not repeat what was just done', async () => {
    const holders = new Map<string, string>();
    const leadOf = (server: string): Leadership => ({
      lead: async (name, _now, ttlMs) => {
        const holder = holders.get(name) ?? server;
        if (holder !== server) return false;
        if (ttlMs === 0) holders.delete(name);
        else holders.set(name, server);
        return true;
      },
    });
    await fill(20, () => 100 * DAY);
    const [one, two] = [make({ leadership: leadOf('one') }), make({ leadership: leadOf('two') })];
    const running = one.run();
    while (counts().archived === 0) await setImmediate();
    expect(await two.run()).toBe('elsewhere');
    await drive(running);
    const ended = (await one.status()).lastRun?.endedAt;
    two.start();
    await settled(two);
    await pass(12 * HOUR, one);
    await run(one);
    const { lastRun } = await one.status();
    await pass(12 * HOUR, two); // its interval has passed, but the other ran half of it ago
    expect((await two.status()).lastRun).toEqual(lastRun);
    expect(ended).toBeLessThan(Number(lastRun?.endedAt));
    await two.stop();
  });
});

checkForLeaks();
