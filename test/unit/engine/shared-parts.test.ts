import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import { watchClock } from '../../../src/engine/clock-watch.ts';
import { keepHold } from '../../../src/engine/hold.ts';
import { lookout } from '../../../src/engine/lookout.ts';
import { inStartTurn } from '../../../src/engine/start-turn.ts';
import { storeGuard } from '../../../src/engine/store-guard.ts';
import { LEASE_MS } from '../../../src/ports/queue.ts';
import { HandClock } from '../../support/store.ts';

const silent = (): void => {};

async function pass(clock: HandClock, ms: number, step = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(step);
    await setImmediate();
  }
}

describe('the hold', () => {
  function hold(renew: () => Promise<boolean>) {
    const clock = new HandClock();
    const seen: string[] = [];
    const renewals: number[] = [];
    const begin = clock.now();
    const kept = keepHold({
      queue: {
        renew() {
          renewals.push(clock.now() - begin);
          return renew();
        },
      },
      clock,
      log: silent,
      onLost: () => seen.push('lost'),
      onKept: () => seen.push('kept'),
    });
    return { clock, seen, renewals, kept };
  }

  test('is renewed every third of a lease', async () => {
    const { clock, seen, renewals, kept } = hold(async () => true);
    await pass(clock, 16_000);
    expect([renewals, seen, kept.isKept]).toEqual([[0, 5_000, 10_000, 15_000], ['kept'], true]);
    kept.stop();
    await pass(clock, 16_000);
    expect([renewals.length, clock.timers.size]).toEqual([4, 0]);
  });

  test.each([
    { how: 'fail', answer: () => Promise.reject(new Error('down')) },
    { how: 'never answer', answer: () => new Promise<boolean>(() => {}) },
  ])('is lost a lease after the last renewal that came through when they $how, not before', async ({ answer }) => {
    let renew: () => Promise<boolean> = async () => true;
    const { clock, seen } = hold(() => renew());
    await pass(clock, 4_000);
    renew = answer;
    await pass(clock, LEASE_MS - 4_000 - 100);
    expect(seen).toEqual(['kept']);
    await pass(clock, 100);
    expect(seen).toEqual(['kept', 'lost']);
    renew = async () => true;
    await pass(clock, 5_000);
    expect(seen).toEqual(['kept', 'lost', 'kept']);
  });

  test('is lost at once when the store says so, and kept again with the next renewal', async () => {
    let kept = true;
    const { clock, seen } = hold(async () => kept);
    await pass(clock, 1_000);
    kept = false;
    await pass(clock, 4_100);
    expect(seen).toEqual(['kept', 'lost']);
    kept = true;
    await pass(clock, 1_100);
    expect(seen).toEqual(['kept', 'lost', 'kept']);
  });
});

describe('looking', () => {
  function watch(look: () => Promise<unknown> = async () => {}) {
    const clock = new HandClock();
    const looks: number[] = [];
    const errors: unknown[] = [];
    const begin = clock.now();
    const one = lookout({
      everyMs: 1_000,
      clock,
      random: () => 0.99,
      report: (error) => errors.push(error),
      look() {
        looks.push(clock.now() - begin);
        return look();
      },
    });
    return { clock, looks, errors, one };
  }

  test('happens at intervals without any hint, also after one that failed', async () => {
    const { clock, looks, errors, one } = watch(() => Promise.reject(new Error('down')));
    await pass(clock, 4_000, 10);
    one.stop();
    expect(looks).toHaveLength(4);
    expect(Math.max(...looks.slice(1).map((at, n) => at - (looks[n] ?? 0)))).toBeLessThanOrEqual(1_010);
    expect(errors).toHaveLength(4);
    expect(clock.timers.size).toBe(0);
  });

  test('follows a hint within 50 ms, and a storm of hints is looked at five times a second', async () => {
    const { clock, looks, one } = watch();
    one.hint();
    await pass(clock, 60, 10);
    expect(looks).toHaveLength(1);
    for (let n = 0; n < 100; n++) {
      one.hint();
      await pass(clock, 10, 10);
    }
    expect(looks.length).toBeLessThanOrEqual(6);
    expect(looks.length).toBeGreaterThanOrEqual(5);
  });

  test('rests nine times as long as a look took, so that slow looks do not fill the time', async () => {
    const waits: (() => void)[] = [];
    const { clock, looks, one } = watch(() => new Promise<void>((resolve) => waits.push(resolve)));
    one.hint();
    await pass(clock, 150, 10);
    waits.shift()?.();
    await setImmediate();
    one.hint();
    await pass(clock, 800, 10);
    expect(looks).toHaveLength(1);
    await pass(clock, 250, 10);
    expect(looks).toHaveLength(2);
  });
});

describe('the guard', () => {
  function guarded() {
    const clock = new HandClock();
    let answer: () => Promise<string> = async () => 'answer';
    const guard = storeGuard({ probe: () => answer(), clock, log: silent });
    const port = guard.wrap(
      { get: () => answer(), query: () => answer(), renew: () => answer(), shared: true },
      { always: ['renew'], slow: ['query'] },
    );
    return { clock, guard, port, let: (next: () => Promise<string>) => (answer = next) };
  }
  const never = (): Promise<string> => new Promise(() => {});
  const code = (call: Promise<unknown>): Promise<unknown> => call.then(silent, (error: EngineError) => error.code);

  test('lets everything through while the store answers', async () => {
    const { clock, port, guard } = guarded();
    expect([await port.get(), await port.query(), port.shared]).toEqual(['answer', 'answer', true]);
    await pass(clock, 20_000);
    expect(guard.isUp).toBe(true);
    guard.stop();
    expect(clock.timers.size).toBe(0);
  });

  test.each([
    ['answers nothing', never],
    ['refuses connections', () => Promise.reject(new EngineError('store_unavailable', 'refused'))],
  ])('a store that %s is down within 4.5 s: nobody waits any longer, and the next are refused at once', async (_, broken) => {
    const { clock, port, guard, let: answers } = guarded();
    await port.get();
    await pass(clock, 400);
    answers(broken);
    const calls = [code(port.get()), code(port.query())];
    await pass(clock, 4_500);
    expect(guard.isUp).toBe(false);
    expect(await Promise.all(calls)).toEqual(['store_unavailable', 'store_unavailable']);
    expect(await code(port.get())).toBe('store_unavailable');
    let reached = false;
    answers(async () => {
      reached = true;
      return 'renewed';
    });
    await port.renew();
    expect(reached).toBe(true);
  });

  test('is up within two seconds and a half of the first answer, and says so', async () => {
    const { clock, port, guard, let: answers } = guarded();
    let ups = 0;
    guard.onUp(() => ups++);
    answers(never);
    await pass(clock, 10_000);
    answers(async () => 'answer');
    await pass(clock, 2_500);
    expect([guard.isUp, ups, await port.get()]).toEqual([true, 1, 'answer']);
  });

  test('a call that hangs while others are answered is let go; a slow one may go on', async () => {
    const { clock, port, guard, let: answers } = guarded();
    answers(never);
    const hanging = code(port.get());
    let slow: unknown = 'waiting';
    void code(port.query()).then((result) => (slow = result));
    answers(async () => 'answer');
    await pass(clock, 5_000);
    expect([await hanging, slow, guard.isUp]).toEqual(['store_unavailable', 'waiting', true]);
  });

  test('what the store refuses for its own reasons is a sign of life', async () => {
    const { clock, port, guard, let: answers } = guarded();
    answers(() => Promise.reject(new EngineError('selector_invalid', 'no')));
    for (let n = 0; n < 20; n++) {
      expect(await code(port.query())).toBe('selector_invalid');
      await pass(clock, 500);
    }
    expect(guard.isUp).toBe(true);
  });

  test('never lets go of a call whose end must be known, though it takes no new ones', async () => {
    const { clock, guard, let: answers } = guarded();
    const port = guard.wrap({ append: () => call.promise }, { whole: ['append'] });
    const call = Promise.withResolvers<string>();
    answers(never);
    const first = port.append();
    await pass(clock, 10_000);
    expect(await code(port.append())).toBe('store_unavailable');
    call.resolve('stored');
    expect(await first).toBe('stored');
    expect(guard.isUp).toBe(true);
  });

  test('does not let calls pile up', async () => {
    const { port, let: answers } = guarded();
    answers(never);
    for (let n = 0; n < 5_000; n++) void port.get().catch(silent);
    expect(await code(port.get())).toBe('overloaded');
  });
});

test('what must be looked at before it is written at a start is done by one server after the other', async () => {
  const clock = new HandClock();
  let owner: string | null = null;
  const order: string[] = [];
  const start = (name: string): Promise<void> =>
    inStartTurn(
      {
        clock,
        leadership: {
          async lead(_what, _now, ttlMs) {
            if (owner !== null && owner !== name) return false;
            owner = ttlMs === 0 ? null : name;
            return true;
          },
        },
      },
      async () => {
        order.push(`${name} begins`);
        await setImmediate();
        order.push(`${name} ends`);
      },
    );
  const both = Promise.all([start('a'), start('b')]);
  await pass(clock, 1_000);
  await both;
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

describe('the watch over the clock', () => {
  function watch(onPutBack: (byMs: number) => Promise<void> = async () => {}) {
    const clock = new HandClock();
    const seen: number[] = [];
    const watching = watchClock({
      clock,
      log: silent,
      async onPutBack(byMs) {
        seen.push(byMs);
        await onPutBack(byMs);
      },
    });
    return { clock, seen, watching };
  }

  test('tells by how much it was put back, and again at the next look', async () => {
    const { clock, seen } = watch();
    await pass(clock, 7_000);
    clock.jump(-3_600_000);
    await pass(clock, 20_000);
    expect(seen).toEqual([3_600_000, 3_600_000]);
  });

  test('says nothing of one that is put ahead, or corrected by little', async () => {
    const { clock, seen } = watch();
    for (const ms of [10 * 365 * 86_400_000, -200, -200, -200]) {
      clock.jump(ms);
      await pass(clock, 5_000);
    }
    expect(seen).toEqual([]);
  });

  test('is called again after a failure, with what came meanwhile', async () => {
    let isDown = true;
    const { clock, seen } = watch(async () => {
      if (isDown) throw new Error('down');
    });
    clock.jump(-1_000);
    await pass(clock, 5_100);
    clock.jump(-2_000);
    await pass(clock, 5_100);
    isDown = false;
    await pass(clock, 11_000);
    expect(seen).toEqual([1_000, 3_000, 3_000, 3_000]);
  });

  test('notices an hour that came and went between two looks, when somebody went by it', async () => {
    const { clock, seen, watching } = watch();
    clock.jump(3_600_000);
    watching.clock.now();
    clock.jump(-3_600_000);
    await pass(clock, 5_000);
    expect(seen).toEqual([3_600_000]);
  });

  test('stops', async () => {
    const { clock, seen, watching } = watch();
    watching.stop();
    clock.jump(-5_000);
    await pass(clock, 20_000);
    expect([seen, clock.timers.size]).toEqual([[], 0]);
  });
});
