import { expect, test } from '@jest/globals';
import { DatabaseClock } from '../../../src/adapters/mongo/database-clock.ts';
import { HandClock } from '../../support/store.ts';

const THERE = Date.UTC(2030, 0, 1);

/** Asks a database whose answer takes `ms` there and as long back. */
async function ask(clock: DatabaseClock, machine: HandClock, at: number, ms = 5): Promise<void> {
  await clock.ask(async () => {
    machine.advance(ms);
    const answer = at;
    machine.advance(ms);
    return answer;
  });
}

test("shows the database's time from the first look on, and goes on with the time that passes", async () => {
  const machine = new HandClock();
  const clock = new DatabaseClock(machine);
  expect(clock.now()).toBe(machine.now());
  await ask(clock, machine, THERE);
  expect(clock.now()).toBe(THERE + 5);
  machine.advance(60_000);
  machine.jump(-3_600_000);
  expect(clock.now()).toBe(THERE + 60_005);
});

test("does not waver by what the way takes, and follows when the database's clock is set", async () => {
  const machine = new HandClock();
  const clock = new DatabaseClock(machine);
  await ask(clock, machine, THERE);
  const before = clock.now() - clock.elapsed();
  await ask(clock, machine, THERE + 15 + 90, 100);
  expect(clock.now() - clock.elapsed()).toBe(before);
  await ask(clock, machine, clock.now() + 1_000);
  expect(clock.now() - clock.elapsed()).toBeCloseTo(before + 995, 0);
});

test('a look that tells nothing changes nothing', async () => {
  const machine = new HandClock();
  const clock = new DatabaseClock(machine);
  await ask(clock, machine, THERE);
  expect(await clock.ask(async () => null)).toBe(false);
  await expect(clock.ask(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
  expect(clock.now()).toBe(THERE + 5);
});
