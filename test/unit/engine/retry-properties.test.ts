import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ExecutionRecord } from '../../../src/ports/queue.ts';
import { type Rig, startEngine } from '../../support/engine-rig.ts';
import { doing, emit, fail, type Reply, ScriptedSandbox } from '../../support/scripted-sandbox.ts';
import { HandClock, openTestStore, type TestStore } from '../../support/store.ts';

/** What happens next. `crash` drops the engine with everything in its memory, as a kill does; what the store has stays. */
type Step =
  | { kind: 'post'; key: number; batch: number }
  | { kind: 'end'; seed: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'cut'; after: boolean }
  | { kind: 'crash' };

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('post' as const), key: fc.nat(2), batch: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), seed: fc.nat(2 ** 30) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 550, 1_100, 60_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), after: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

/** Every success emits one event, counts one, and mails once. */
const success = (): Reply =>
  doing(
    emit({ event_type: 'log_debug' }),
    { op: 'state.increment', key: 'runs', by: 1 },
    { op: 'mail', to: 'a@lab.example', subject: 's', text: 't', html: null },
  );

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());

const HANDLERS = [
  { name: 'plain', concurrency: 3 },
  { name: 'ordered', concurrency: 5, orderingKey: 'event_data.key' },
  { name: 'single', retry: { maxAttempts: 2, backoff: { firstMs: 0, factor: 1, maxMs: 0 }, maxAgeMs: null } },
];

class World {
  rig!: Rig;
  readonly clock = new HandClock();
  readonly posted: { id: string; key: string }[] = [];
  ids: number[] = [];
  #isCut = false;

  /** A start of the server on the data that is there. */
  async start(): Promise<void> {
    this.#isCut = false;
    this.rig = await startEngine(store, { clock: this.clock, sandbox: new ScriptedSandbox() });
    for (const handler of this.rig.handlers.list(null)) this.rig.engine.dispatcher.handlerChanged(handler.id);
    await this.rig.engine.dispatcher.recover();
  }
  async register(): Promise<void> {
    for (const handler of HANDLERS) this.ids.push(await this.rig.register({ ...handler, filter: '{"event_type":"test"}' }));
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'post') await this.#post(step.key, step.batch);
    if (step.kind === 'end') this.#end(step.seed);
    if (step.kind === 'wait') this.clock.advance(step.ms);
    if (step.kind === 'cut') this.#cut(step.after);
    if (step.kind === 'crash') return this.crash();
    await this.rig.quiet();
  }

  async #post(key: number, batch: number): Promise<void> {
    const made = Array.from({ length: batch }, (_, n) => ({ id: `e${this.posted.length + n}`, key: `k${key}` }));
    const texts = made.map(({ id, key: value }) => JSON.stringify({ _id: id, event_type: 'test', event_data: { key: value } }));
    const results = await this.rig.engine.ingest.many(texts, 0);
    expect(results.map(({ result }) => result)).toEqual(made.map(() => 'stored'));
    this.posted.push(...made);
  }

  /** Ends a part of what is under way, each in some way that the sandbox may report. */
  #end(seed: number): void {
    let random = seed;
    const next = (below: number): number => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (random >> 8) % below;
    };
    for (const flight of this.rig.sandbox.flights)
      for (const id of flight.open) {
        const draw = next(10);
        if (draw < 4) flight.end(success() as ReturnType<typeof fail>, [id]);
        else if (draw < 6) flight.end(fail(), [id]);
        else if (draw < 7) flight.giveBack([id]);
        else if (draw < 8 && !flight.batch.alone) flight.suspect([id]);
      }
  }

  /** From here on the engine hears nothing of its settlements, which are written or not: then it can only crash. */
  #cut(after: boolean): void {
    if (this.#isCut) return;
    this.#isCut = true;
    const { settle } = store.queue;
    this.rig.queue.settle = async (settlements) => {
      if (after) await settle(settlements);
      return new Promise(() => {});
    };
    this.rig.queue.claim = () => new Promise(() => {});
  }

  async crash(): Promise<void> {
    const { rig } = this;
    await rig.quiet();
    for (const name of Object.keys(rig.queue)) Object.assign(rig.queue, { [name]: () => new Promise(() => {}) });
    this.clock.timers.clear();
    await this.start();
  }

  /** Lets everything end well. */
  async finish(): Promise<void> {
    if (this.#isCut) await this.crash();
    const { sandbox, engine } = this.rig;
    sandbox.script = success;
    for (const flight of sandbox.flights) flight.end(success() as ReturnType<typeof fail>);
    for (let n = 0; n < 40; n++) {
      await this.rig.quiet();
      this.clock.advance(60_000);
    }
    await engine.dispatcher.idle();
    await engine.delivering.idle();
  }

  async check(): Promise<void> {
    const { items } = await store.queue.list({}, { limit: 100_000, cursor: null });
    const expected = this.posted.flatMap(({ id }) => this.ids.map((handler) => `${id}.${handler}`));
    expect(items.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
    expect(items.filter(({ state }) => state !== 'succeeded' && state !== 'dead')).toEqual([]);
    await this.#checkEffects(items);
    expect(this.rig.engine.dispatcher.load).toEqual({ held: 0, batches: 0, lanes: 0 });
  }

  async #checkEffects(items: readonly ExecutionRecord[]): Promise<void> {
    const successes = items.filter(({ state }) => state === 'succeeded');
    expect(await store.events.total()).toBe(this.posted.length + successes.length);
    for (const handler of this.ids) {
      const count = successes.filter(({ handlerId }) => handlerId === handler).length;
      expect(await store.queue.state(handler, 'runs')).toBe(count === 0 ? null : String(count));
    }
    const { items: mails } = await store.deliveries.list({}, { limit: 100_000, cursor: null });
    expect(mails).toHaveLength(successes.length);
    expect(new Set(mails.map(({ executionId }) => executionId)).size).toBe(mails.length);
    for (const { state, attempts } of items) {
      const failures = attempts.filter(({ outcome }) => outcome !== 'succeeded' && outcome.reason !== 'lost');
      expect(failures.length).toBeLessThanOrEqual(3);
      if (state === 'dead') expect(failures.length).toBeGreaterThanOrEqual(2);
      expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, n) => n + 1));
    }
  }
}

test('every handler ends with one execution per event, its effects once, whatever fails or crashes', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      await store.clear();
      const world = new World();
      await world.start();
      await world.register();
      for (const step of script) await world.take(step);
      await world.finish();
      await world.check();
      await world.rig.stop();
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60), interruptAfterTimeLimit: 20_000 },
  );
});
