import { expect, test } from '@jest/globals';
import { decodeTime, isValid } from 'ulid';
import { emitPrefix, emittedId } from '../../../src/core/emitted-id.ts';

const T0 = Date.UTC(2026, 2, 1);
const prefix = (id: string, replays = 0, createdAt = T0): string => emitPrefix({ id, replays, createdAt });

test('makes ULIDs of the time of the execution', () => {
  for (const n of [0, 1, 31, 32, 32_767]) {
    const id = emittedId(prefix('e.1'), n);
    expect(isValid(id)).toBe(true);
    expect(decodeTime(id)).toBe(T0);
  }
});

test('counts in the order of emission', () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => emittedId(prefix('e.1'), n));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a repeated run emits the same ids; another execution, replay or time emits others', () => {
  expect(prefix('e.1')).toBe(prefix('e.1'));
  expect(new Set([prefix('e.1'), prefix('e.2'), prefix('e.1', 1), prefix('e.1', 2), prefix('e.1', 0, T0 + 1)]).size).toBe(5);
});

test('tells executions of one millisecond apart', () => {
  const made = new Set<string>();
  for (let event = 0; event < 20_000; event++)
    for (const handler of [1, 2, 10])
      for (const replays of [0, 1, 2]) made.add(prefix(`01JNGVBW5S8E0T8ZR9HX5${event}.${handler}`, replays));
  expect(made.size).toBe(180_000);
});

test('takes times that no ULID can tell', () => {
  expect(prefix('e.1', 0, -5)).toHaveLength(23);
  expect(prefix('e.1', 0, T0 + 0.5)).toBe(prefix('e.1'));
});
