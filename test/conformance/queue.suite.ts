import { expect } from '@jest/globals';
import type { Effect, ExecutionState } from '../../src/core/execution.ts';
import { executionId } from '../../src/core/execution-id.ts';
import type { FiringPlan, Lease, Leased, NewFiring } from '../../src/ports/queue.ts';
import {
  claim,
  dead,
  deliver,
  delivery,
  event,
  everyPage,
  execution,
  failure,
  type It,
  itemIds,
  LEASE_LOST,
  leased,
  type Options,
  pending,
  retry,
  SETTLED,
  type Subject,
  sha1,
  store,
  submission,
  succeeded,
  suite,
  T0,
} from './subject.ts';

const names = (leases: readonly Leased[]): string[] => leases.map(({ subjectId }) => subjectId);
const idOf = (subjectId: string, handlerId = 1): string => executionId(subjectId, handlerId, sha1);
const firing = (id: string, over: Partial<NewFiring> = {}): NewFiring => ({
  id,
  hook: 'ctingress.on_complete',
  payload: '{"file":"a.cfg","size":9223372036854775807}',
  tags: ['one', 'two'],
  createdAt: T0,
  cause: null,
  ...over,
});
const firingPlan = (id: string, ...handlers: number[]): FiringPlan => ({
  firing: firing(id),
  executions: handlers.map((handlerId) => execution(id, { handlerId, hook: 'ctingress.on_complete' })),
});
async function claimed(subject: Subject, id: string): Promise<Lease> {
  await pending(subject, [id]);
  return ((await claim(subject))[0] as Leased).lease;
}
async function stateOf({ queue }: Subject, id: string): Promise<ExecutionState | undefined> {
  return (await queue.get(id))?.state;
}

export function queueConformance(adapter: string, options: Options): void {
  suite(`Queue: ${adapter}`, options, (it) => {
    claims(it);
    fences(it);
    succeeds(it);
    failsAndRetries(it);
    keepsState(it);
    fires(it);
    recovers(it);
    bringsForward(it);
    cancels(it);
    replays(it);
    lists(it);
  });
}

function claims(it: It): void {
  it('claims by arrival, up to a limit, and each execution once', async (subject) => {
    await pending(subject, ['c', 'a', 'b', 'd']);
    expect(names(await claim(subject, { limit: 2 }))).toEqual(['c', 'a']);
    expect(names(await claim(subject))).toEqual(['b', 'd']);
    expect(names(await claim(subject))).toEqual([]);
  });

  it('claims for one handler only', async (subject) => {
    await pending(subject, ['a', 'b']);
    await pending(subject, ['c'], { handlerId: 2 });
    expect(names(await claim(subject, { handlerId: 2 }))).toEqual(['c']);
    expect(names(await claim(subject, { handlerId: 3 }))).toEqual([]);
    expect(names(await claim(subject))).toEqual(['a', 'b']);
  });

  it('gives a lease everything that a run needs', async (subject) => {
    const [e] = await store(subject, { _id: 'root' });
    const cause = { executionId: idOf('root'), root: 'root', depth: 3 };
    const emitted = event({ _id: 'e', event_data: { n: 1.5 } }, cause);
    const planned = execution('e', { handlerVersion: 7, orderingKey: '"k"', createdAt: T0 + 5, runAt: T0 + 6 });
    await subject.events.append([submission(emitted, planned)]);
    expect(await claim(subject, { now: T0 + 6 })).toEqual([
      {
        lease: { executionId: planned.id, attempt: 1, ref: expect.anything() },
        handlerId: 1,
        handlerVersion: 7,
        hook: 'event.on_ingest',
        subjectId: 'e',
        input: emitted.json,
        tags: null,
        orderingKey: '"k"',
        createdAt: T0 + 5,
        runAt: T0 + 6,
        replays: 0,
        failures: 0,
        root: 'root',
        depth: 3,
      },
    ]);
    expect(e?.cause).toBeNull();
  });

  it('names an event from outside its own root', async (subject) => {
    await pending(subject, ['e']);
    expect(await claim(subject)).toMatchObject([{ root: 'e', depth: 0 }]);
  });

  it('passes over what is not due yet when only due ones are asked for', async (subject) => {
    await pending(subject, ['later'], { runAt: T0 + 10 });
    await pending(subject, ['now']);
    expect(await subject.queue.claim({ handlerId: 1, limit: 10, now: T0, dueOnly: true })).toMatchObject({
      leased: [{ subjectId: 'now' }],
      nextRunAt: T0 + 10,
    });
    expect(names(await claim(subject, { now: T0 + 9 }))).toEqual([]);
    expect(await subject.queue.claim({ handlerId: 1, limit: 10, now: T0 + 10, dueOnly: true })).toMatchObject({
      leased: [{ subjectId: 'later' }],
      nextRunAt: null,
    });
  });

  it('claims in arrival order, due or not, when that is asked for', async (subject) => {
    await pending(subject, ['later'], { runAt: T0 + 10 });
    await pending(subject, ['now', 'soon']);
    const first = await subject.queue.claim({ handlerId: 1, limit: 2, now: T0, dueOnly: false });
    expect(names(first.leased)).toEqual(['later', 'now']);
    expect(first.leased[0]?.runAt).toBe(T0 + 10);
    expect(first.nextRunAt).toBe(T0);
    expect(names(await claim(subject, { dueOnly: false }))).toEqual(['soon']);
  });

  it('says when the next one may be claimed, however many wait for later', async (subject) => {
    const many = Array.from({ length: 1_200 }, (_, n) => `later${n}`);
    await pending(subject, many, { runAt: T0 + 3_600_000 });
    await pending(subject, ['soon'], { runAt: T0 + 50 });
    await pending(subject, ['a', 'b', 'c']);
    const first = await subject.queue.claim({ handlerId: 1, limit: 2, now: T0, dueOnly: true });
    expect([names(first.leased), first.nextRunAt]).toEqual([['a', 'b'], T0]);
    const second = await subject.queue.claim({ handlerId: 1, limit: 2, now: T0, dueOnly: true });
    expect([names(second.leased), second.nextRunAt]).toEqual([['c'], T0 + 50]);
    const third = await subject.queue.claim({ handlerId: 1, limit: 2, now: T0 + 50, dueOnly: true });
    expect([names(third.leased), third.nextRunAt]).toEqual([['soon'], T0 + 3_600_000]);
  });

  it('claims each execution once, however many claims there are at once', async (subject) => {
    const ids = Array.from({ length: 100 }, (_, n) => `e${n}`);
    await pending(subject, ids);
    const taken = await Promise.all(Array.from({ length: 30 }, () => claim(subject, { limit: 7 })));
    expect(taken.flatMap(names).toSorted()).toEqual(ids.toSorted());
  });
}

function fences(it: It): void {
  it('settles one attempt once', async (subject) => {
    const lease = await claimed(subject, 'e');
    expect(await subject.queue.settle([succeeded(lease)])).toEqual([SETTLED]);
    expect(await subject.queue.settle([succeeded(lease), retry(lease), dead(lease), { kind: 'released', lease }])).toEqual([
      LEASE_LOST,
      LEASE_LOST,
      LEASE_LOST,
      LEASE_LOST,
    ]);
    expect(await subject.queue.get(lease.executionId)).toMatchObject({ state: 'succeeded', attempt: 1, attempts: [{ attempt: 1 }] });
  });

  it('refuses an old attempt, and writes nothing of it', async (subject) => {
    const { queue, events, deliveries } = subject;
    const old = await claimed(subject, 'e');
    await queue.settle([retry(old)]);
    const [now] = await claim(subject);
    expect(now?.lease.attempt).toBe(2);
    const late = succeeded(old, {
      output: '"late"',
      events: [submission(event({ _id: 'emitted' }), execution('emitted'))],
      state: [{ op: 'state.set', key: 'k', value: '1' }],
      deliveries: [delivery('d')],
    });
    const buried = dead(old, { firings: [firingPlan('f', 2)], deliveries: [delivery('d2')] });
    expect(await queue.settle([late, buried, { kind: 'released', lease: old }])).toEqual([LEASE_LOST, LEASE_LOST, LEASE_LOST]);
    expect(await events.get('emitted')).toBeNull();
    expect(await queue.executionsOf('emitted')).toEqual([]);
    expect(await queue.executionsOf('f')).toEqual([]);
    expect(await queue.state(1, 'k')).toBeNull();
    expect(await Promise.all([deliveries.get('d'), deliveries.get('d2')])).toEqual([null, null]);
    expect(await queue.get(old.executionId)).toMatchObject({ state: 'leased', attempt: 2, output: null });
    expect(await queue.settle([succeeded(now?.lease as Lease)])).toEqual([SETTLED]);
  });

  it('answers each settlement of a call for itself', async (subject) => {
    const [a, b] = [await leased(subject, 'a'), await leased(subject, 'b')];
    await subject.queue.settle([succeeded(a)]);
    expect(await subject.queue.settle([succeeded(a, { output: '1' }), succeeded(b, { output: '2' })])).toEqual([LEASE_LOST, SETTLED]);
    expect((await subject.queue.get(b.executionId))?.output).toBe('2');
  });

  it('settles an execution that was leased by the commit of its event', async (subject) => {
    const lease = await leased(subject, 'e');
    expect(await claim(subject)).toEqual([]);
    expect(await subject.queue.settle([succeeded(lease)])).toEqual([SETTLED]);
    expect(await stateOf(subject, lease.executionId)).toBe('succeeded');
  });

  it('gives a released execution back as if it had not been claimed', async (subject) => {
    const lease = await claimed(subject, 'e');
    expect(await subject.queue.settle([{ kind: 'released', lease }])).toEqual([SETTLED]);
    expect(await subject.queue.get(lease.executionId)).toMatchObject({ state: 'pending', attempt: 0, attempts: [] });
    expect(await claim(subject)).toMatchObject([{ lease: { attempt: 1 }, failures: 0 }]);
  });

  it('keeps the place in the queue of what was released', async (subject) => {
    await pending(subject, ['a', 'b', 'c']);
    const taken = await claim(subject, { limit: 2 });
    await subject.queue.settle(taken.toReversed().map(({ lease }) => ({ kind: 'released' as const, lease })));
    expect(names(await claim(subject))).toEqual(['a', 'b', 'c']);
  });
}

function succeeds(it: It): void {
  it('writes outcome, events with their executions, state and deliveries of a success', async (subject) => {
    const { queue, events, deliveries } = subject;
    const lease = await claimed(subject, 'e');
    const cause = { executionId: lease.executionId, root: 'e', depth: 1 };
    const first = submission(
      event({ _id: 'x' }, cause),
      execution('x', { handlerId: 2 }),
      execution('x', { handlerId: 3, state: 'leased' }),
    );
    const settlement = succeeded(lease, {
      startedAt: T0 + 0.25,
      finishedAt: T0 + 12.5,
      output: '{"n":9223372036854775807,"x":1.0}',
      logs: [{ level: 'info', message: 'seen \u{1f9ea} \0', at: T0 + 3 }],
      events: [first, submission(event({ _id: 'y' }, cause))],
      state: [{ op: 'state.set', key: 'k', value: '"v"' }],
      deliveries: [delivery('d', { executionId: lease.executionId })],
    });
    const [result] = await queue.settle([settlement]);
    expect(result).toEqual({
      kind: 'settled',
      events: [
        { kind: 'stored', refs: [expect.anything(), expect.anything()] },
        { kind: 'stored', refs: [] },
      ],
      firings: [],
    });
    expect(await queue.get(lease.executionId)).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      startedAt: T0 + 0.25,
      finishedAt: T0 + 12.5,
      output: '{"n":9223372036854775807,"x":1.0}',
      logs: [{ level: 'info', message: 'seen \u{1f9ea} \0', at: T0 + 3 }],
      error: null,
      attempts: [{ attempt: 1, startedAt: T0 + 0.25, finishedAt: T0 + 12.5, outcome: 'succeeded' }],
    });
    expect(await events.get('y')).toBe(event({ _id: 'y' }).json);
    expect(await claim(subject, { handlerId: 2 })).toMatchObject([{ subjectId: 'x', root: 'e', depth: 1 }]);
    const refs = result?.kind === 'settled' && result.events[0]?.kind === 'stored' ? result.events[0].refs : [];
    const direct = { executionId: idOf('x', 3), attempt: 1, ref: refs[1] as Lease['ref'] };
    expect(await queue.settle([succeeded(direct)])).toEqual([SETTLED]);
    expect(await queue.state(1, 'k')).toBe('"v"');
    expect(await deliveries.get('d')).toMatchObject({ state: 'pending', attempts: 0, nextAt: T0 });
  });

  it('tells what became of each emitted event, and runs nothing for one that was there', async (subject) => {
    await store(subject, { _id: 'same', event_data: { n: 1 } });
    const lease = await claimed(subject, 'e');
    const events = [
      submission(event({ _id: 'same', event_data: { n: 1 } }), execution('same', { handlerId: 2 })),
      submission(event({ _id: 'new' })),
      submission(event({ _id: 'same', event_data: { n: 2 } }), execution('same', { handlerId: 2 })),
    ];
    expect(await subject.queue.settle([succeeded(lease, { events })])).toEqual([
      { kind: 'settled', events: [{ kind: 'duplicate' }, { kind: 'stored', refs: [] }, { kind: 'conflict' }], firings: [] },
    ]);
    expect(await subject.queue.executionsOf('same')).toEqual([]);
  });

  it('writes a delivery of the same id once', async (subject) => {
    const [a, b] = [await leased(subject, 'a'), await leased(subject, 'b')];
    const one = delivery('d', { text: 'first' });
    await subject.queue.settle([succeeded(a, { deliveries: [one] }), succeeded(b, { deliveries: [{ ...one, text: 'second' }] })]);
    expect((await subject.deliveries.get('d'))?.text).toBe('first');
  });

  it('keeps a success over a restart', async (subject) => {
    const lease = await claimed(subject, 'e');
    await subject.queue.settle([succeeded(lease, { output: '"kept"', state: [{ op: 'state.increment', key: 'n', by: 2 }] })]);
    await using again = await subject.reopen();
    expect(await again.queue.recover(T0)).toEqual({ lost: 0, pending: [] });
    expect(await again.queue.get(lease.executionId)).toMatchObject({ state: 'succeeded', output: '"kept"' });
    expect(await again.queue.state(1, 'n')).toBe('2');
  });
}

function failsAndRetries(it: It): void {
  it('puts a failed attempt back for later, with its history', async (subject) => {
    const { queue } = subject;
    const lease = await claimed(subject, 'e');
    const error = failure('boom', { line: 3, column: 7 });
    const logs = [{ level: 'error' as const, message: 'now', at: T0 + 2 }];
    expect(await queue.settle([retry(lease, { error, logs, runAt: T0 + 100, startedAt: T0 + 1, finishedAt: T0 + 2 })])).toEqual([SETTLED]);
    expect(await queue.get(lease.executionId)).toMatchObject({
      state: 'pending',
      attempt: 1,
      runAt: T0 + 100,
      error,
      logs,
      attempts: [{ attempt: 1, startedAt: T0 + 1, finishedAt: T0 + 2, outcome: error }],
    });
    expect(await claim(subject, { now: T0 + 99 })).toEqual([]);
    const [second] = await claim(subject, { now: T0 + 100 });
    expect(second).toMatchObject({ lease: { attempt: 2 }, failures: 1, replays: 0 });
    await queue.settle([succeeded(second?.lease as Lease, { output: '1', startedAt: T0 + 101, finishedAt: T0 + 102 })]);
    expect(await queue.get(lease.executionId)).toMatchObject({
      state: 'succeeded',
      attempt: 2,
      output: '1',
      error: null,
      logs: [],
      attempts: [
        { attempt: 1, outcome: error },
        { attempt: 2, startedAt: T0 + 101, finishedAt: T0 + 102, outcome: 'succeeded' },
      ],
    });
  });

  it('keeps the place of arrival of a retry', async (subject) => {
    await pending(subject, ['a', 'b', 'c']);
    const [a] = await claim(subject, { limit: 1 });
    await subject.queue.settle([retry(a?.lease as Lease)]);
    expect(names(await claim(subject))).toEqual(['a', 'b', 'c']);
  });

  it('counts failures over many attempts', async (subject) => {
    await pending(subject, ['e']);
    for (let n = 1; n <= 5; n++) {
      const [one] = await claim(subject);
      expect(one).toMatchObject({ lease: { attempt: n }, failures: n - 1 });
      await subject.queue.settle([retry(one?.lease as Lease, { error: failure(`failure ${n}`) })]);
    }
    const attempts = (await subject.queue.get(idOf('e')))?.attempts.map(({ attempt, outcome }) => [
      attempt,
      (outcome as { message: string }).message,
    ]);
    expect(attempts).toEqual([1, 2, 3, 4, 5].map((n) => [n, `failure ${n}`]));
  });

  it('buries a dead one with its history, its deliveries and the firings it causes', async (subject) => {
    const { queue, deliveries } = subject;
    const lease = await claimed(subject, 'e');
    const cause = { executionId: lease.executionId, root: 'e', depth: 1 };
    const plan = { ...firingPlan('e.1!1', 2), firing: firing('e.1!1', { cause, payload: '{"error":1}', tags: ['t'] }) };
    const [result] = await queue.settle([
      dead(lease, { firings: [plan], deliveries: [delivery('d', { kind: 'failure' })], finishedAt: T0 + 9 }),
    ]);
    expect(result).toEqual({ kind: 'settled', events: [], firings: [{ kind: 'stored', refs: [expect.anything()] }] });
    expect(await queue.get(lease.executionId)).toMatchObject({
      state: 'dead',
      finishedAt: T0 + 9,
      error: failure(),
      output: null,
      attempts: [{ attempt: 1, outcome: failure() }],
    });
    expect(await claim(subject, { now: T0 + 1_000_000 })).toEqual([]);
    expect(await claim(subject, { handlerId: 2 })).toMatchObject([
      { subjectId: 'e.1!1', input: '{"error":1}', tags: ['t'], root: 'e', depth: 1, hook: 'ctingress.on_complete' },
    ]);
    expect(await deliveries.get('d')).toMatchObject({ kind: 'failure', state: 'pending' });
  });

  it('keeps a message of any characters', async (subject) => {
    const lease = await claimed(subject, 'e');
    const message = 'quote \' " \\ \0 \u{1f9ea} \u2028 </script> $1 %s';
    await subject.queue.settle([dead(lease, { error: failure(message) })]);
    const record = await subject.queue.get(lease.executionId);
    expect([record?.error, record?.attempts[0]?.outcome]).toEqual([failure(message), failure(message)]);
  });
}

function keepsState(it: It): void {
  const effects = async (subject: Subject, id: string, handlerId: number, ...state: Extract<Effect, { op: `state.${string}` }>[]) =>
    subject.queue.settle([succeeded(await leased(subject, id, { handlerId }), { state })]);

  it('sets, deletes and increments in the order of the effects', async (subject) => {
    const { queue } = subject;
    await effects(
      subject,
      'a',
      1,
      { op: 'state.set', key: 'k', value: '{"deep":[1.0]}' },
      { op: 'state.increment', key: 'n', by: 2 },
      { op: 'state.increment', key: 'n', by: -5 },
      { op: 'state.set', key: 'gone', value: '1' },
      { op: 'state.delete', key: 'gone' },
      { op: 'state.delete', key: 'never there' },
    );
    expect(await Promise.all(['k', 'n', 'gone', 'nothing'].map((key) => queue.state(1, key)))).toEqual([
      '{"deep":[1.0]}',
      '-3',
      null,
      null,
    ]);
    await effects(subject, 'b', 1, { op: 'state.increment', key: 'n', by: 0.5 }, { op: 'state.set', key: 'k', value: 'null' });
    expect(await Promise.all(['k', 'n'].map((key) => queue.state(1, key)))).toEqual(['null', '-2.5']);
  });

  it('counts what many settlements of one call add', async (subject) => {
    const leases = await Promise.all(Array.from({ length: 50 }, (_, n) => leased(subject, `e${n}`)));
    await subject.queue.settle(leases.map((lease) => succeeded(lease, { state: [{ op: 'state.increment', key: 'n', by: 1 }] })));
    expect(await subject.queue.state(1, 'n')).toBe('50');
  });

  it('keeps the state of each handler apart, and keys of any characters', async (subject) => {
    const keys = ['', '\0', '__proto__', 'a.b', '$inc', '\u{1f9ea}', 'x'.repeat(1_000)];
    await effects(subject, 'a', 1, ...keys.map((key, n) => ({ op: 'state.set' as const, key, value: String(n) })));
    await effects(subject, 'b', 2, { op: 'state.set', key: '', value: '"other"' });
    expect(await Promise.all(keys.map((key) => subject.queue.state(1, key)))).toEqual(keys.map((_, n) => String(n)));
    expect(await subject.queue.state(2, '')).toBe('"other"');
    expect(await subject.queue.state(2, 'a.b')).toBeNull();
  });
}

function fires(it: It): void {
  it('stores a firing with its executions, and the payload as it came', async (subject) => {
    expect(await subject.queue.fire(firingPlan('f', 1, 2))).toEqual({ kind: 'stored', refs: [expect.anything(), expect.anything()] });
    expect(await subject.queue.executionsOf('f')).toEqual([idOf('f', 1), idOf('f', 2)]);
    expect(await claim(subject)).toMatchObject([
      { subjectId: 'f', hook: 'ctingress.on_complete', input: firing('f').payload, tags: ['one', 'two'], root: 'f', depth: 0 },
    ]);
    expect(await subject.queue.get(idOf('f', 2))).toMatchObject({ eventId: 'f', input: firing('f').payload });
  });

  it('fires an id once', async (subject) => {
    await subject.queue.fire(firingPlan('f', 1));
    expect(await subject.queue.fire(firingPlan('f', 1, 2))).toEqual({ kind: 'existing' });
    expect(await subject.queue.executionsOf('f')).toEqual([idOf('f', 1)]);
  });

  it('leases at once what was planned so', async (subject) => {
    const plan = { firing: firing('f'), executions: [execution('f', { state: 'leased' })] };
    const result = await subject.queue.fire(plan);
    const ref = result.kind === 'stored' ? (result.refs[0] as Lease['ref']) : 0;
    expect(await claim(subject)).toEqual([]);
    expect(await subject.queue.settle([succeeded({ executionId: idOf('f'), attempt: 1, ref })])).toEqual([SETTLED]);
  });

  it('answers the executions of a subject by arrival, and of no other one', async (subject) => {
    await pending(subject, ['a', 'a.1', 'ab', 'a/']);
    await subject.queue.fire(firingPlan('f', 9, 3, 20));
    expect(await subject.queue.executionsOf('a')).toEqual([idOf('a')]);
    expect(await subject.queue.executionsOf('a.1')).toEqual([idOf('a.1')]);
    expect(await subject.queue.executionsOf('f')).toEqual([9, 3, 20].map((handlerId) => idOf('f', handlerId)));
    expect(await subject.queue.executionsOf('')).toEqual([]);
  });
}

function recovers(it: It): void {
  it('gives back what a dead server held, notes the attempt as lost and spends nothing of the budget', async (subject) => {
    const lease = await leased(subject, 'e');
    await pending(subject, ['later'], { handlerId: 2 });
    const [first] = await claim(subject, { handlerId: 2 });
    await subject.queue.settle([retry((first as Leased).lease, { runAt: T0 + 500 })]);
    await using again = await subject.reopen();
    const { lost, pending: waiting } = await again.queue.recover(T0 + 60);
    expect(lost).toBe(1);
    expect(waiting.toSorted((a, b) => a.handlerId - b.handlerId)).toEqual([
      { handlerId: 1, firstRunAt: T0 },
      { handlerId: 2, firstRunAt: T0 + 500 },
    ]);
    expect(await again.queue.get(lease.executionId)).toMatchObject({
      state: 'pending',
      attempt: 1,
      attempts: [{ attempt: 1, startedAt: null, finishedAt: T0 + 60, outcome: { reason: 'lost' } }],
    });
    expect(await claim(again)).toMatchObject([{ lease: { attempt: 2 }, failures: 0 }]);
    expect(await again.queue.settle([succeeded(lease)])).toEqual([LEASE_LOST]);
  });

  it('keeps failures that were there before the attempt was lost', async (subject) => {
    const lease = await claimed(subject, 'e');
    await subject.queue.settle([retry(lease)]);
    await claim(subject);
    await using again = await subject.reopen();
    await again.queue.recover(T0);
    const [third] = await claim(again);
    expect(third).toMatchObject({ lease: { attempt: 3 }, failures: 1 });
    expect((await again.queue.get(lease.executionId))?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('finds nothing when nothing was under way', async (subject) => {
    expect(await subject.queue.recover(T0)).toEqual({ lost: 0, pending: [] });
    await subject.queue.settle([succeeded(await leased(subject, 'e'))]);
    expect(await subject.queue.recover(T0)).toEqual({ lost: 0, pending: [] });
  });
}

function bringsForward(it: It): void {
  const dueAt = async ({ queue }: Subject, handlerId: number): Promise<number | null> =>
    (await queue.claim({ handlerId, limit: 10, now: 0, dueOnly: true })).nextRunAt;

  it('brings a retry forward by what the clock was put back, to now at the earliest', async (subject) => {
    const runAts = [T0 + 10_000, T0 + 3_000, T0 - 5];
    for (const [index, runAt] of runAts.entries()) {
      await pending(subject, [`e${index}`], { handlerId: index + 1 });
      const [first] = await claim(subject, { handlerId: index + 1 });
      await subject.queue.settle([retry((first as Leased).lease, { runAt })]);
    }
    await subject.queue.bringForward(T0, 4_000);
    expect([await dueAt(subject, 1), await dueAt(subject, 2), await dueAt(subject, 3)]).toEqual([T0 + 6_000, T0, T0 - 5]);
  });

  it('lets what never ran wait no longer, however many there are and whatever the clock was put back by', async (subject) => {
    const many = Array.from({ length: 1_200 }, (_, n) => `e${n}`);
    await pending(subject, many, { runAt: T0 + 3_600_000 });
    await pending(subject, ['ended'], { handlerId: 2 });
    await subject.queue.cancel(idOf('ended', 2), T0 + 9);
    await subject.queue.bringForward(T0, 1);
    expect(await claim(subject, { limit: 2_000, now: T0 })).toHaveLength(1_200);
    expect(await subject.queue.get(idOf('ended', 2))).toMatchObject({ state: 'canceled', runAt: T0 });
  });

  it('brings mails forward that wait, and leaves those that were sent', async (subject) => {
    await deliver(subject, delivery('new', { createdAt: T0 + 900 }), delivery('later'), delivery('sent'));
    const tried = { attempts: 1, lastError: '451 later', sentAt: null };
    await subject.deliveries.record([
      { id: 'later', state: 'pending', nextAt: T0 + 60_000, ...tried },
      { id: 'sent', state: 'sent', nextAt: null, ...tried, lastError: null, sentAt: T0 },
    ]);
    await subject.queue.bringForward(T0, 1_000);
    expect((await subject.deliveries.due(T0, 10)).map(({ id }) => id)).toEqual(['new']);
    expect(await subject.deliveries.get('later')).toMatchObject({ nextAt: T0 + 59_000 });
    expect(await subject.deliveries.get('sent')).toMatchObject({ nextAt: null });
  });
}

function cancels(it: It): void {
  it('says which were canceled, of those it is asked about', async (subject) => {
    const { queue } = subject;
    await pending(subject, ['a', 'b', 'c']);
    await claim(subject, { limit: 2 });
    await queue.cancel(idOf('a'), T0);
    await queue.cancel(idOf('c'), T0);
    expect(await queue.canceled([idOf('a'), idOf('b'), 'nothing'])).toEqual([idOf('a')]);
    expect(await queue.canceled([])).toEqual([]);
  });

  it('cancels what waits, so that nobody claims it', async (subject) => {
    const [id] = await pending(subject, ['e']);
    expect(await subject.queue.cancel(id as string, T0 + 5)).toBe('canceled');
    expect(await claim(subject)).toEqual([]);
    expect(await subject.queue.get(id as string)).toMatchObject({ state: 'canceled', finishedAt: T0 + 5 });
  });

  it('cancels what is under way: its lease is lost', async (subject) => {
    const lease = await claimed(subject, 'e');
    expect(await subject.queue.cancel(lease.executionId, T0)).toBe('canceled');
    expect(await subject.queue.settle([succeeded(lease), retry(lease), { kind: 'released', lease }])).toEqual([
      LEASE_LOST,
      LEASE_LOST,
      LEASE_LOST,
    ]);
    expect(await stateOf(subject, lease.executionId)).toBe('canceled');
  });

  it('tells what has ended, and what never was', async (subject) => {
    const lease = await claimed(subject, 'e');
    await subject.queue.settle([succeeded(lease)]);
    expect(await subject.queue.cancel(lease.executionId, T0)).toBe('ended');
    expect(await subject.queue.cancel('nothing', T0)).toBe('absent');
    const [id] = await pending(subject, ['f']);
    await subject.queue.cancel(id as string, T0);
    expect(await subject.queue.cancel(id as string, T0)).toBe('ended');
  });
}

function replays(it: It): void {
  it('puts a dead one back with a fresh budget, on the version it is told, and counts attempts on', async (subject) => {
    const { queue } = subject;
    const lease = await claimed(subject, 'e');
    await queue.settle([dead(lease)]);
    expect(await queue.replay(lease.executionId, T0 + 50, 4)).toBe('replayed');
    expect(await queue.get(lease.executionId)).toMatchObject({
      state: 'pending',
      runAt: T0 + 50,
      finishedAt: null,
      output: null,
      error: null,
      attempts: [{ attempt: 1 }],
    });
    expect(await claim(subject, { now: T0 + 49 })).toEqual([]);
    const [again] = await claim(subject, { now: T0 + 50 });
    expect(again).toMatchObject({ lease: { attempt: 2 }, failures: 0, replays: 1, handlerVersion: 4, createdAt: T0 });
    expect(await queue.settle([dead(lease)])).toEqual([LEASE_LOST]);
  });

  it('keeps a success in the history when it is replayed', async (subject) => {
    const { queue } = subject;
    const lease = await claimed(subject, 'e');
    await queue.settle([succeeded(lease, { startedAt: T0 + 1, finishedAt: T0 + 2, output: '1' })]);
    await queue.replay(lease.executionId, T0, 0);
    const [again] = await claim(subject);
    await queue.settle([succeeded(again?.lease as Lease, { output: '2' })]);
    expect(await queue.get(lease.executionId)).toMatchObject({
      state: 'succeeded',
      attempt: 2,
      output: '2',
      attempts: [
        { attempt: 1, startedAt: T0 + 1, finishedAt: T0 + 2, outcome: 'succeeded' },
        { attempt: 2, outcome: 'succeeded' },
      ],
    });
    expect(again?.replays).toBe(1);
  });

  it('replays a canceled one; the lease from before stays lost', async (subject) => {
    const lease = await claimed(subject, 'e');
    await subject.queue.cancel(lease.executionId, T0);
    expect(await subject.queue.replay(lease.executionId, T0, 0)).toBe('replayed');
    expect(await subject.queue.settle([succeeded(lease)])).toEqual([LEASE_LOST]);
    expect(await claim(subject)).toMatchObject([{ lease: { attempt: 2 }, replays: 1 }]);
  });

  it('replays only what has ended', async (subject) => {
    const [id] = await pending(subject, ['e']);
    expect(await subject.queue.replay(id as string, T0, 0)).toBe('not_ended');
    await claim(subject);
    expect(await subject.queue.replay(id as string, T0, 0)).toBe('not_ended');
    expect(await subject.queue.replay('nothing', T0, 0)).toBe('absent');
  });
}

function lists(it: It): void {
  it('lists newest first, without input, output and logs of each being read', async (subject) => {
    await pending(subject, ['a', 'b', 'c']);
    const { items, nextCursor } = await subject.queue.list({}, { limit: 10, cursor: null });
    expect(items.map(({ eventId }) => eventId)).toEqual(['c', 'b', 'a']);
    expect(nextCursor).toBeNull();
    expect(items[0]).toMatchObject({ input: null, state: 'pending', attempt: 0, hook: 'event.on_ingest' });
  });

  it('filters by handler, event, state, hook and time', async (subject) => {
    const { queue } = subject;
    await pending(subject, ['a', 'b'], { createdAt: T0 });
    await pending(subject, ['c', 'd'], { createdAt: T0 + 10, handlerId: 2 });
    await pending(subject, ['e'], { createdAt: T0 + 20, handlerId: 2, hook: 'event.on_alert' });
    await queue.settle([succeeded(await leased(subject, 'f', { handlerId: 3 })), dead(await leased(subject, 'g', { handlerId: 3 }))]);
    await claim(subject, { limit: 1 });
    await queue.cancel(idOf('d', 2), T0);
    const read = async (filter: Parameters<typeof queue.list>[0]) =>
      (await queue.list(filter, { limit: 100, cursor: null })).items.map(({ eventId }) => eventId);
    expect(await read({ handlerId: 2 })).toEqual(['e', 'd', 'c']);
    expect(await read({ eventId: 'b' })).toEqual(['b']);
    expect(await read({ eventId: 'nothing' })).toEqual([]);
    expect(await read({ hook: 'event.on_alert' })).toEqual(['e']);
    expect(await read({ state: 'pending' })).toEqual(['e', 'c', 'b']);
    expect(await read({ state: 'leased' })).toEqual(['a']);
    expect(await read({ state: 'succeeded' })).toEqual(['f']);
    expect(await read({ state: 'dead' })).toEqual(['g']);
    expect(await read({ state: 'canceled' })).toEqual(['d']);
    expect(await read({ since: T0 + 10, until: T0 + 20 })).toEqual(['d', 'c']);
    expect(await read({ handlerId: 2, state: 'pending', since: T0 + 11 })).toEqual(['e']);
    expect(await queue.counts()).toEqual({ pending: 3, leased: 1, succeeded: 1, dead: 1, canceled: 1 });
    expect(await queue.open()).toEqual({ pending: 3, leased: 1 });
  });

  it('pages to the end, whatever comes in between, and each once', async (subject) => {
    const ids = Array.from({ length: 23 }, (_, n) => `e${n}`);
    await pending(subject, ids);
    let n = 0;
    const read = (cursor: string | null) => subject.queue.list({ handlerId: 1 }, { limit: 5, cursor });
    const items = await everyPage(read, () => pending(subject, [`new${n++}`]));
    expect(items.map(({ eventId }) => eventId)).toEqual(ids.toReversed());
  });

  it('refuses a cursor that no list made', async (subject) => {
    await pending(subject, ['a', 'b']);
    for (const cursor of ['garbage', '', btoa('{}'), btoa('["a"]'), btoa('[1,2]'), btoa('[]')])
      await expect(subject.queue.list({}, { limit: 1, cursor })).rejects.toMatchObject({ code: 'cursor_invalid' });
  });

  it('answers null for what is not there', async ({ queue }) => {
    expect(await queue.get('nothing')).toBeNull();
    expect(await queue.executionsOf('nothing')).toEqual([]);
    expect(await queue.counts()).toEqual({ pending: 0, leased: 0, succeeded: 0, dead: 0, canceled: 0 });
    expect(await queue.open()).toEqual({ pending: 0, leased: 0 });
  });

  it('has what was emitted in a list of events as any other', async (subject) => {
    const lease = await claimed(subject, 'e');
    await subject.queue.settle([succeeded(lease, { events: [submission(event({ _id: 'x' })), submission(event({ _id: 'y' }))] })]);
    const { items } = await subject.events.page({ selector: {}, sort: null, projection: null }, { limit: 10, cursor: null });
    expect(itemIds(items)).toEqual(['e', 'x', 'y']);
  });
}
