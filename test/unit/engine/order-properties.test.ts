import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LEASE_MS } from '../../../src/ports/queue.ts';
import { type Rig, startEngine } from '../../support/engine-rig.ts';
import { fail, ok, type ScriptedSandbox } from '../../support/scripted-sandbox.ts';
import { type SharedTestStore, shareStore } from '../../support/shared-store.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';

/** What happens next, on the first server or the second. `kill`: it is never heard of again, and another one starts in its place. */
type Step =
  | { kind: 'post'; on: 0 | 1; key: number; count: number }
  | { kind: 'end'; on: 0 | 1; seed: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'kill'; on: 0 | 1 };

const on = fc.constantFrom(0 as const, 1 as const);
const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('post' as const), on, key: fc.nat(1), count: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), on, seed: fc.nat(2 ** 30) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(10, 100, 600, 1_100, 6_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), on }) },
  ),
  { minLength: 5, maxLength: 25 },
);
/** How much the clock of a server is ahead of the other's. */
const ahead = fc.constantFrom(0, 1, 5, 50, 700);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());

const keyOf = ({ id }: { id: string }): string | undefined => id.split('-')[0];

class World {
  readonly #time = new HandClock();
  readonly #shared: SharedTestStore = shareStore(store, this.#time);
  readonly #ahead: readonly [number, number];
  readonly #servers: { rig: Rig; clock: HandClock }[] = [];
  #started = 0;
  #posted = 0;

  constructor(aheadMs: readonly [number, number]) {
    this.#ahead = aheadMs;
  }

  async start(): Promise<void> {
    await this.#startAt(0);
    await this.#startAt(1);
    await this.#rig(0).register({ orderingKey: 'event_data.key', concurrency: 5 });
    await this.#pass(1_000);
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'post') await this.#post(step);
    if (step.kind === 'end') this.#end(this.#rig(step.on).sandbox, step.seed);
    if (step.kind === 'wait') await this.#pass(step.ms);
    if (step.kind === 'kill') await this.#kill(step.on);
    await this.#settle();
  }

  /** Lets everything end well. */
  async finish(): Promise<void> {
    for (const { rig } of this.#servers) {
      rig.sandbox.script = () => ok();
      for (const flight of rig.sandbox.flights) flight.end();
    }
    for (let n = 0; n < 60 && (await this.#open()) > 0; n++) await this.#pass(LEASE_MS / 10);
    const counts = await store.queue.counts();
    expect([counts.succeeded + counts.dead, counts.pending, counts.leased]).toEqual([this.#posted, 0, 0]);
  }

  async stop(): Promise<void> {
    for (const { rig } of this.#servers) await rig.stop();
  }

  #rig(n: 0 | 1): Rig {
    return (this.#servers[n] as { rig: Rig }).rig;
  }

  async #startAt(place: 0 | 1): Promise<void> {
    const clock = new HandClock(this.#time.now() + this.#ahead[place]);
    const rig = await startEngine(store, { clock, ports: this.#shared.server(`server ${++this.#started}`) });
    this.#servers[place] = { rig, clock };
    await rig.quiet();
  }

  async #kill(place: 0 | 1): Promise<void> {
    const { queue, sandbox } = this.#rig(place);
    for (const name of Object.keys(queue)) Object.assign(queue, { [name]: () => new Promise(() => {}) });
    sandbox.flights.length = 0;
    await this.#startAt(place);
  }

  async #post({ on: place, key, count }: Extract<Step, { kind: 'post' }>): Promise<void> {
    const made = Array.from({ length: count }, () => ({ _id: `${key}-${this.#posted++}`, event_data: { key } }));
    await this.#rig(place).engine.ingest.many(
      made.map((event) => JSON.stringify(event)),
      0,
    );
  }

  /** Ends what is under way there, each in some way that the sandbox may report. */
  #end(sandbox: ScriptedSandbox, seed: number): void {
    for (const flight of sandbox.flights)
      for (const [n, id] of flight.open.entries()) {
        const draw = (seed >> n) % 8;
        if (draw < 4) flight.end(ok(), [id]);
        else if (draw < 6) flight.end(fail(), [id]);
        else if (draw < 7) flight.giveBack([id]);
        else if (!flight.batch.alone) flight.suspect([id]);
      }
  }

  async #pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 300) {
      const step = Math.min(300, ms - passed);
      this.#time.advance(step);
      for (const { clock } of this.#servers) clock.advance(step);
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    for (const { rig } of this.#servers) await rig.quiet();
    await this.#check();
  }

  async #open(): Promise<number> {
    const { pending, leased } = await store.queue.counts();
    return pending + leased;
  }

  /** Whatever runs has nothing before it that has not ended. */
  async #check(): Promise<void> {
    const running = this.#servers.flatMap(({ rig }) => rig.sandbox.underWay);
    expect(new Set(running).size).toBe(running.length);
    if (running.length === 0) return;
    const { items } = await store.queue.list({}, { limit: 1_000, cursor: null });
    const open = items.toReversed().filter(({ state }) => state === 'pending' || state === 'leased');
    const waiting = Map.groupBy(open, keyOf)
      .values()
      .flatMap((ofKey) => ofKey.slice(1).map(({ id }) => id));
    expect(waiting.filter((id) => running.includes(id)).toArray()).toEqual([]);
  }
}

test('what has the same key runs one after the other in the order of the store, over servers that differ in time, fail, die and stop', async () => {
  await fc.assert(
    fc.asyncProperty(ahead, ahead, steps, async (first, second, script) => {
      await store.clear();
      const world = new World([first, second]);
      await world.start();
      for (const step of script) await world.take(step);
      await world.finish();
      await world.stop();
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 100), interruptAfterTimeLimit: 40_000 },
  );
});
