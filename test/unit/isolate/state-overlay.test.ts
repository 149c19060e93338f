import { describe, expect, test } from '@jest/globals';
import { StateOverlay } from '../../../src/adapters/isolate/state-overlay.ts';
import type { Effect, Outcome } from '../../../src/core/execution.ts';

const ended = (id: string, ...effects: Effect[]): { id: string; outcome: Outcome }[] => {
  return [{ id, outcome: { kind: 'succeeded', output: 'null', effects, logs: [], startedAt: 0, finishedAt: 0 } }];
};
const set = (value: string): Effect => ({ op: 'state.set', key: 'k', value });
const remove: Effect = { op: 'state.delete', key: 'k' };
const add = (by: number): Effect => ({ op: 'state.increment', key: 'k', by });
const never = () => Promise.reject(new Error('the store was asked'));

describe('StateOverlay', () => {
  test.each<{ why: string; effects: Effect[]; stored: string | null; value: string }>([
    { why: 'a value that was set hides the store', effects: [set('1')], stored: null, value: '1' },
    { why: 'the last one counts', effects: [set('1'), set('"b"')], stored: null, value: '"b"' },
    { why: 'what was deleted is null', effects: [set('1'), remove], stored: null, value: 'null' },
    { why: 'increments add to a value that was set', effects: [set('1'), add(2), add(3)], stored: null, value: '6' },
    { why: 'increments add to the store', effects: [add(2)], stored: '40', value: '42' },
    { why: 'nothing counts as 0', effects: [add(2)], stored: 'null', value: '2' },
    { why: 'big integers keep their digits', effects: [add(1)], stored: '9007199254740993', value: '9007199254740994' },
    { why: 'fractions add up', effects: [add(0.5)], stored: '1', value: '1.5' },
    { why: 'what is no number stays', effects: [add(1)], stored: '"a"', value: '"a"' },
    { why: 'other keys do not matter', effects: [{ op: 'state.set', key: 'other', value: '1' }], stored: '7', value: '7' },
  ])('$why', async ({ effects, stored, value }) => {
    const overlay = new StateOverlay();
    overlay.record(1, ended('a', ...effects));
    expect(await overlay.read(1, 'k', stored === null ? never : async () => stored)).toBe(value);
  });

  test('forgets what is settled, handler by handler', async () => {
    const overlay = new StateOverlay();
    overlay.record(1, ended('a', set('1')));
    overlay.record(2, ended('b', set('2')));
    overlay.settled(1, ['a', 'unknown']);
    expect([await overlay.read(1, 'k', async () => '9'), await overlay.read(2, 'k', never)]).toEqual(['9', '2']);
    overlay.forget(2);
    expect(await overlay.read(2, 'k', async () => '9')).toBe('9');
  });

  test('asks again when something was settled while the store answered', async () => {
    const overlay = new StateOverlay();
    overlay.record(1, ended('a', add(1)));
    let stored = 5;
    const asked: number[] = [];
    const value = await overlay.read(1, 'k', async () => {
      asked.push(stored);
      const seen = stored;
      if (asked.length === 1) {
        stored++;
        overlay.settled(1, ['a']);
      }
      return String(seen);
    });
    expect([value, asked]).toEqual(['6', [5, 6]]);
  });
});
