import { describe, expect, test } from '@jest/globals';
import { decodeOutcomes, encodeBatch } from '../../../src/adapters/isolate/batch-text.ts';
import { Flights } from '../../../src/adapters/isolate/flights.ts';
import { HandlerKeys } from '../../../src/adapters/isolate/handler-keys.ts';
import { Job } from '../../../src/adapters/isolate/job.ts';
import { WarmSet } from '../../../src/adapters/isolate/warm-set.ts';
import { executionsOf, handlerOf } from '../../support/sandbox-fixture.ts';

function jobOf(count: number, alone = false) {
  const told: string[] = [];
  const executions = executionsOf(count).map((execution, i) => ({ ...execution, id: `e${i}` }));
  const job = new Job({ registrant: 'a', handler: handlerOf(''), executions, alone }, 'key', {
    outcomes: (results) =>
      void told.push(...results.map(({ id, outcome }) => `${id} ${outcome.kind === 'failed' ? outcome.error.reason : 'ok'}`)),
    returned: (ids) => void told.push(...ids.map((id) => `${id} returned`)),
    suspects: (ids) => void told.push(...ids.map((id) => `${id} suspect`)),
    done: () => void told.push('done'),
  });
  job.take();
  return { job, told };
}

function flightsOf(...jobs: Job[]) {
  const flights = new Flights(
    () => 0,
    () => {},
  );
  const batches = jobs.map((job) => flights.add(job));
  return { flights, ref: (job: number, index: number) => ({ batch: batches[job] ?? 0, index }) };
}

describe('Job', () => {
  test('names each execution once and says done once', () => {
    const { job, told } = jobOf(3);
    job.giveBack(['e0', 'e0', 'x']);
    job.suspect(['e1', 'e0']);
    job.forget('e2');
    job.giveBack(['e0', 'e1', 'e2']);
    expect(told).toEqual(['e0 returned', 'e1 suspect', 'done']);
  });
});

describe('who answers for the end of a process', () => {
  test('its only execution', () => {
    const { job, told } = jobOf(1);
    flightsOf(job).flights.blame('SIGTRAP');
    expect(told).toEqual(['e0 crashed_runner', 'done']);
  });

  test('all, if none was seen under way', () => {
    const { job, told } = jobOf(2);
    flightsOf(job).flights.blame('SIGTRAP');
    expect(told).toEqual(['e0 suspect', 'e1 suspect', 'done']);
  });

  test('those seen under way; the rest comes back', () => {
    const [a, b] = [jobOf(2), jobOf(1)];
    const { flights, ref } = flightsOf(a.job, b.job);
    flights.beat([ref(0, 0), ref(0, 7)], 0);
    flights.blame('SIGTRAP');
    expect([a.told, b.told]).toEqual([
      ['e0 suspect', 'e1 returned', 'done'],
      ['e0 returned', 'done'],
    ]);
  });

  test('a suspect that ran alone', () => {
    const { job, told } = jobOf(1, true);
    const { flights, ref } = flightsOf(job);
    flights.judge({ reason: 'timeout', message: '', culprits: [], suspects: [ref(0, 0)], lost: [] });
    expect(told).toEqual(['e0 timeout', 'done']);
  });

  test('culprits at once, with what shared their isolate returned and other batches left alone', () => {
    const [a, b] = [jobOf(2), jobOf(1)];
    const { flights, ref } = flightsOf(a.job, b.job);
    flights.judge({ reason: 'memory', message: '', culprits: [{ ...ref(0, 1), logs: [] }], suspects: [], lost: [ref(0, 0).batch] });
    expect([a.told, b.told]).toEqual([['e1 memory', 'e0 returned', 'done'], []]);
  });
});

describe('what a runner sends', () => {
  const outcome = { kind: 'succeeded', output: 'null', effects: [], logs: [], startedAt: 1, finishedAt: 2 };
  test.each(['', 'null', '{}', '[1]', '[{"id":1}]', '[{"id":"a","outcome":{"kind":"succeeded"}}]', '[{"id":"a","outcome":null}]'])(
    '%j is no outcome list',
    (text) => {
      expect(decodeOutcomes(text)).toBeNull();
    },
  );

  test('an outcome list is read', () => {
    expect(decodeOutcomes(JSON.stringify([{ id: 'a', outcome }]))).toEqual([{ id: 'a', outcome }]);
  });

  test('inputs travel beside the header, by length', () => {
    const { header, inputs } = encodeBatch([...executionsOf(1, { id: 'a', input: '"ä"' }), ...executionsOf(1, { id: 'b', input: '{}' })]);
    expect([JSON.parse(header), inputs]).toEqual([
      [
        ['a', 1, ['a', 'b'], 'P'.repeat(23), 3],
        ['b', 1, ['a', 'b'], 'P'.repeat(23), 2],
      ],
      '"ä"{}',
    ]);
  });
});

describe('WarmSet', () => {
  const setOf = (bounds: { warmIsolates: number; warmMemoryMb: number }) => {
    const dropped: string[] = [];
    return { warm: new WarmSet(bounds, (key) => void dropped.push(key)), dropped };
  };

  test('drops what has been idle longest, never what is at work', () => {
    const { warm, dropped } = setOf({ warmIsolates: 2, warmMemoryMb: 1_000 });
    const handler = handlerOf('');
    for (const key of ['a', 'b']) warm.use(key, handler);
    warm.done('b');
    expect([warm.use('c', handler), warm.use('a', handler)]).toEqual([true, false]);
    expect(dropped).toEqual(['b']);
  });

  test('keeps the sum of the limits within bounds', () => {
    const { warm, dropped } = setOf({ warmIsolates: 10, warmMemoryMb: 100 });
    for (const key of ['a', 'b']) {
      warm.use(key, handlerOf('', { memoryMb: 64 }));
      warm.done(key);
    }
    expect(dropped).toEqual(['a']);
  });

  test('evicts at once what is idle and the rest when it is done', () => {
    const { warm, dropped } = setOf({ warmIsolates: 10, warmMemoryMb: 1_000 });
    const handler = handlerOf('');
    for (const key of ['a', 'b']) warm.use(key, handler);
    warm.done('a');
    warm.evict(handler.id);
    expect(dropped).toEqual(['a']);
    warm.done('b');
    expect(dropped).toEqual(['a', 'b']);
  });
});

test('a handler version has one key until something about it changes', () => {
  const keys = new HandlerKeys();
  const handler = handlerOf('1');
  const key = keys.keyOf(handler);
  expect(keys.keyOf({ ...handler })).toBe(key);
  expect(keys.keyOf({ ...handler, version: 1 })).not.toBe(key);
  expect(keys.keyOf(handler)).toBe(key);
  expect(keys.keyOf({ ...handler, memoryMb: 65 })).not.toBe(key);
  const again = keys.keyOf(handler);
  keys.forget(handler.id);
  expect(keys.keyOf(handler)).not.toBe(again);
});
