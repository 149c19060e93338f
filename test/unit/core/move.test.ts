import { describe, expect, test } from '@jest/globals';
import { decideMove, type MoveMark, type MoveSituation, startRefusal } from '../../../src/core/move.ts';

const AT = Date.UTC(2026, 2, 1, 12);
const mark = (state: MoveMark['state'], id = 'm', more: Partial<MoveMark> = {}): MoveMark => ({
  id,
  state,
  other: 'elsewhere',
  at: AT,
  ...more,
});
const REACHED = { kind: 'events', after: '[5]', count: 5 };

function situation(from: MoveMark | null, to: MoveMark | null, content: string | null, startOver = false): MoveSituation {
  return { source: { place: 'the source', mark: from }, target: { place: 'the target', mark: to, content }, startOver };
}

describe('decideMove', () => {
  test.each([
    { why: 'nothing has happened', from: null, to: null, content: null, decision: { kind: 'begin', clearFirst: false } },
    {
      why: 'killed before the target was marked',
      from: mark('moving'),
      to: null,
      content: null,
      decision: { kind: 'begin', clearFirst: false },
    },
    {
      why: 'interrupted',
      from: mark('moving'),
      to: mark('filling', 'm', { reached: REACHED }),
      content: 'events: 5',
      decision: { kind: 'continue', id: 'm', reached: REACHED },
    },
    {
      why: 'killed before the first batch was noted',
      from: mark('moving'),
      to: mark('filling'),
      content: 'events: 5',
      decision: { kind: 'continue', id: 'm', reached: null },
    },
    {
      why: 'killed between the two last marks',
      from: mark('moved'),
      to: mark('filling'),
      content: 'events: 5',
      decision: { kind: 'continue', id: 'm', reached: null },
    },
    { why: 'run once more', from: mark('moved'), to: mark('filled'), content: 'events: 5', decision: { kind: 'done', at: AT } },
    {
      why: 'what was moved here moves on',
      from: mark('filled', 'older'),
      to: null,
      content: null,
      decision: { kind: 'begin', clearFirst: false },
    },
  ])('$why', ({ from, to, content, decision }) => {
    expect(decideMove(situation(from, to, content))).toEqual(decision);
  });

  test.each([
    { why: 'a target that is used', from: null, to: null, content: 'keys: 1', text: /not empty: it holds keys: 1/ },
    { why: 'a target that was filled by another move', from: null, to: mark('filled', 'other'), content: 'events: 9', text: /not empty/ },
    { why: 'a target that another move was filling', from: null, to: mark('filling', 'other'), content: 'events: 9', text: /--start-over/ },
    {
      why: 'a source that was moved elsewhere',
      from: mark('moved', 'other'),
      to: null,
      content: null,
      text: /moved to elsewhere.*--release/,
    },
    { why: 'a source that is only a part', from: mark('filling', 'other'), to: null, content: null, text: /only a part of elsewhere/ },
  ])('refuses $why', ({ from, to, content, text }) => {
    const decision = decideMove(situation(from, to, content));
    expect(decision).toMatchObject({ kind: 'refuse' });
    expect((decision as { why: string }).why).toMatch(text);
  });

  test('throws away only what an unfinished move has left', () => {
    expect(decideMove(situation(null, mark('filling', 'other'), 'events: 9', true))).toEqual({ kind: 'begin', clearFirst: true });
    expect(decideMove(situation(mark('moving'), mark('filling'), 'events: 9', true))).toEqual({ kind: 'begin', clearFirst: true });
    expect(decideMove(situation(null, null, 'events: 9', true))).toMatchObject({ kind: 'refuse' });
    expect(decideMove(situation(null, mark('filled', 'other'), 'events: 9', true))).toMatchObject({ kind: 'refuse' });
    expect(decideMove(situation(mark('moved'), mark('filled'), 'events: 9', true))).toEqual({ kind: 'done', at: AT });
  });
});

describe('startRefusal', () => {
  test.each([
    { state: 'moving' as const, text: /is being moved to elsewhere.*--release/ },
    { state: 'moved' as const, text: /was moved to elsewhere.*start the server there.*--release/ },
    { state: 'filling' as const, text: /only a part of elsewhere.*again/ },
  ])('keeps servers from a store that is $state', ({ state, text }) => {
    expect(startRefusal(mark(state))).toMatch(text);
  });

  test('lets them start on what was filled, and on what never moved', () => {
    expect(startRefusal(mark('filled'))).toBeNull();
    expect(startRefusal(null)).toBeNull();
  });
});
