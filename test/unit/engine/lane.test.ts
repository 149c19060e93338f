import { describe, expect, test } from '@jest/globals';
import { Lane, MAX_BATCH } from '../../../src/engine/lane.ts';
import type { Ready } from '../../../src/engine/ready.ts';

const item = (id: string, over: Partial<Ready> = {}): Ready => ({
  lease: { executionId: id, attempt: 1, ref: 1 },
  handlerId: 1,
  handlerVersion: 0,
  hook: 'event.on_ingest',
  subjectId: id,
  input: '{}',
  tags: [],
  orderingKey: null,
  createdAt: 0,
  runAt: 0,
  replays: 0,
  failures: 0,
  root: id,
  depth: 0,
  suspect: false,
  ...over,
});
const keyed = (id: string): Ready => item(id, { orderingKey: id.charAt(0) });
const laneOf = (...items: Ready[]): Lane => {
  const lane = new Lane(1);
  for (const each of items) lane.push(each);
  return lane;
};
const ids = ({ items }: { items: Ready[] }): string[] => items.map(({ lease }) => lease.executionId);
const many = (count: number): Ready[] => Array.from({ length: count }, (_, n) => item(`e${n}`));

describe('taking', () => {
  test('by arrival, and each once', () => {
    const lane = laneOf(...many(40));
    expect(ids(lane.take(1))).toEqual(many(32).map(({ lease }) => lease.executionId));
    expect(ids(lane.take(1))).toHaveLength(8);
    expect(ids(lane.take(1))).toEqual([]);
    expect(lane.held).toBe(40);
  });

  test.each([
    { durationMs: 0, concurrency: 1, batch: MAX_BATCH, why: 'no time at all' },
    { durationMs: 10, concurrency: 1, batch: 50, why: 'half a second of runs' },
    { durationMs: 10, concurrency: 4, batch: 200, why: 'more when they run side by side' },
    { durationMs: 2_000, concurrency: 1, batch: 1, why: 'at least one' },
    { durationMs: 2_000, concurrency: 7, batch: 7, why: 'at least as many as run at once' },
  ])('$durationMs ms each: $why', ({ durationMs, concurrency, batch }) => {
    const lane = laneOf(...many(1_000));
    lane.learn(durationMs);
    expect(ids(lane.take(concurrency))).toHaveLength(batch);
  });

  test('a batch is of one version and of a bounded size', () => {
    const lane = laneOf(item('a'), item('b', { handlerVersion: 1 }), item('c'), item('big', { input: 'x'.repeat(1_100_000) }), item('d'));
    expect([lane.nextVersion, ids(lane.take(5))]).toEqual([0, ['a']]);
    expect([lane.nextVersion, ids(lane.take(5))]).toEqual([1, ['b']]);
    expect(ids(lane.take(5))).toEqual(['c']);
    expect(ids(lane.take(5))).toEqual(['big']);
    expect(ids(lane.take(5))).toEqual(['d']);
  });

  test('one of each ordering key, and the next when that has ended', () => {
    const lane = laneOf(keyed('a1'), keyed('a2'), keyed('b1'), keyed('a3'));
    expect(ids(lane.take(9))).toEqual(['a1', 'b1']);
    expect(ids(lane.take(9))).toEqual([]);
    lane.finish('a1');
    expect(ids(lane.take(9))).toEqual(['a2']);
    lane.putBack([keyed('a2')]);
    expect(ids(lane.take(9))).toEqual(['a2']);
  });

  test('suspects first, one at a time, keeping their keys', () => {
    const lane = laneOf(keyed('a1'), keyed('b1'), keyed('a2'), keyed('b2'), item('x'));
    const { items } = lane.take(9);
    lane.suspect(items);
    const alone = lane.take(9);
    expect([ids(alone), alone.alone, alone.items[0]?.suspect]).toEqual([['a1'], true, true]);
    expect(ids(lane.take(9))).toEqual(['b1']);
    expect(ids(lane.take(9))).toEqual(['x']);
    lane.finish('a1');
    expect(ids(lane.take(9))).toEqual(['a2']);
  });
});

describe('retries that keep order', () => {
  test('hold their key while they are in the store, and while they wait here', () => {
    const lane = laneOf(keyed('a1'), keyed('a2'));
    const [first] = lane.take(1).items;
    lane.finish('a1', 1);
    lane.awaitRetry(first as Ready);
    expect([lane.awaited, ids(lane.take(1))]).toEqual([['a1'], []]);
    lane.delay({ ...keyed('a1'), runAt: 50 });
    expect([lane.awaited, ids(lane.take(1))]).toEqual([[], []]);
    expect(lane.wakeDelayed(49)).toBe(50);
    expect(ids(lane.take(1))).toEqual([]);
    expect(lane.wakeDelayed(50)).toBeNull();
    expect(ids(lane.take(1))).toEqual(['a1']);
  });

  test('let their key go when they will not come back', () => {
    const lane = laneOf(keyed('a1'), keyed('a2'));
    const [first] = lane.take(1).items;
    lane.finish('a1');
    lane.awaitRetry(first as Ready);
    lane.giveUp('a1');
    lane.giveUp('nothing');
    expect(ids(lane.take(1))).toEqual(['a2']);
  });

  test('are not waited for when they are back already', () => {
    const lane = laneOf(keyed('a1'));
    const [first] = lane.take(1).items;
    lane.finish('a1');
    lane.delay({ ...keyed('a1'), runAt: 50 });
    lane.awaitRetry(first as Ready);
    expect(lane.awaited).toEqual([]);
  });

  test('do not take their key from one that has it', () => {
    const lane = laneOf(keyed('a1'));
    lane.take(1);
    lane.delay({ ...keyed('a2'), runAt: 50 });
    lane.wakeDelayed(50);
    expect(ids(lane.take(1))).toEqual([]);
    lane.finish('a1');
    expect(ids(lane.take(1))).toEqual(['a2']);
  });

  test('an earlier attempt does not end a later one', () => {
    const lane = laneOf(item('a', { lease: { executionId: 'a', attempt: 2, ref: 1 } }));
    lane.take(1);
    expect(lane.finish('a', 1)).toBeNull();
    expect(lane.inFlight.size).toBe(1);
    expect(lane.finish('a', 2)).not.toBeNull();
  });
});

describe('reserving', () => {
  test('up to its room, and all of it is given back', () => {
    const lane = new Lane(1);
    expect([lane.reserve(2, 0), lane.reserve(2, 0), lane.reserve(2, 0)]).toEqual([true, true, false]);
    expect(lane.isIdle).toBe(false);
    for (const wasReserved of [true, true, false]) lane.confirm(wasReserved);
    expect(lane.isIdle).toBe(true);
  });

  test.each([
    { why: 'something is due in the store', prepare: (lane: Lane) => Object.assign(lane, { backlogAt: 5 }), can: false },
    { why: 'something in the store is for later', prepare: (lane: Lane) => Object.assign(lane, { backlogAt: 6 }), can: true },
    { why: 'a claim is under way', prepare: (lane: Lane) => Object.assign(lane, { claiming: true }), can: false },
    { why: 'one before it goes to the store', prepare: (lane: Lane) => lane.reserve(0, 5), can: false },
    { why: 'the handler is paused', prepare: (lane: Lane) => Object.assign(lane, { paused: true }), can: false },
  ])('when $why: $can', ({ prepare, can }) => {
    const lane = new Lane(1);
    prepare(lane);
    expect(lane.reserve(10, 5)).toBe(can);
  });
});

test('dropping takes out what waits, draining all of it; what is in flight stays', () => {
  const lane = laneOf(keyed('a1'), keyed('a2'), keyed('b1'));
  lane.take(1);
  expect([lane.drop('a1'), lane.drop('nothing'), lane.drop('a2')?.lease.executionId]).toEqual([null, null, 'a2']);
  lane.delay({ ...keyed('c1'), runAt: 9 });
  lane.push(keyed('d1'));
  expect(lane.drain().map(({ lease }) => lease.executionId)).toEqual(['d1', 'c1']);
  expect([...lane.inFlight.keys()]).toEqual(['a1', 'b1']);
});
