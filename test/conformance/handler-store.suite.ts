import { expect } from '@jest/globals';
import type { Handler } from '../../src/core/handler.ts';
import type { Lease } from '../../src/ports/queue.ts';
import {
  claim,
  execution,
  type It,
  LEASE_LOST,
  leased,
  type Options,
  pending,
  type Subject,
  succeeded,
  suite,
  T0,
  version,
} from './subject.ts';

const HOOK = 'event.on_ingest';
async function put({ handlers }: Subject, name: string, over: Parameters<typeof version>[0] = {}, hook = HOOK): Promise<Handler> {
  return (await handlers.put({ hook, name, version: version(over) })).handler;
}
const ids = (handlers: readonly Handler[]): number[] => handlers.map(({ id }) => id);

export function handlerStoreConformance(adapter: string, options: Options): void {
  suite(`HandlerStore: ${adapter}`, options, (it) => {
    registers(it);
    removes(it);
  });
}

function registers(it: It): void {
  it('gives a new handler an id and version 0', async ({ handlers }) => {
    const retry = { maxAttempts: 2, backoff: { firstMs: 1.5, factor: 1.1, maxMs: 10 }, maxAgeMs: null };
    const given = version({
      code: 'export default () => "\u{1f9ea}\0";',
      tags: ['a', '__proto__'],
      filter: '{"x":{"$gt":1}}',
      retry,
      orderingKey: 'a.b',
    });
    const { handler, replaced } = await handlers.put({ hook: HOOK, name: 'h', version: given });
    expect(replaced).toBe(false);
    expect(handler).toEqual({
      id: expect.any(Number),
      hook: HOOK,
      name: 'h',
      enabled: true,
      createdAt: T0,
      createdBy: 'somebody',
      updatedAt: T0,
      updatedBy: 'somebody',
      current: { ...given, version: 0 },
    });
    expect(handler.id).toBeGreaterThan(0);
    expect(handler.id).toBeLessThan(2 ** 31);
    expect(await handlers.all()).toEqual([handler]);
  });

  it('replaces by hook and name: the same id, the next version', async (subject) => {
    const { handlers } = subject;
    const first = await put(subject, 'h');
    const { handler, replaced } = await handlers.put({
      hook: HOOK,
      name: 'h',
      version: version({ code: 'second', createdAt: T0 + 5, createdBy: 'another', keyId: 'k2' }),
    });
    expect(replaced).toBe(true);
    expect(handler).toMatchObject({
      id: first.id,
      createdAt: T0,
      createdBy: 'somebody',
      updatedAt: T0 + 5,
      updatedBy: 'another',
      current: { version: 1, code: 'second', keyId: 'k2' },
    });
    expect(await handlers.all()).toEqual([handler]);
  });

  it('takes the same name on another hook for another handler', async (subject) => {
    const [a, b, c] = [await put(subject, 'h'), await put(subject, 'h', {}, 'event.on_alert'), await put(subject, 'H')];
    expect(new Set(ids([a, b, c])).size).toBe(3);
    expect(ids(await subject.handlers.all())).toEqual([a.id, b.id, c.id].toSorted((x, y) => x - y));
  });

  it('keeps every version, newest first', async (subject) => {
    const { handlers } = subject;
    const { id } = await put(subject, 'h', { code: 'v0' });
    await put(subject, 'h', { code: 'v1' });
    await put(subject, 'h', { code: 'v2' });
    expect((await handlers.versions(id))?.map(({ version: number, code }) => [number, code])).toEqual([
      [2, 'v2'],
      [1, 'v1'],
      [0, 'v0'],
    ]);
    expect(await handlers.version(id, 1)).toEqual({ ...version({ code: 'v1' }), version: 1 });
    expect(await handlers.version(id, 3)).toBeNull();
    expect(await handlers.version(id + 1, 0)).toBeNull();
    expect(await handlers.versions(id + 1)).toBeNull();
  });

  it('gives registrations at the same time one id and one version each', async (subject) => {
    const made = await Promise.all(Array.from({ length: 20 }, () => put(subject, 'h')));
    expect(new Set(ids(made)).size).toBe(1);
    expect(made.map(({ current }) => current.version).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('enables and disables, which a replacement leaves as it is', async (subject) => {
    const { handlers } = subject;
    const { id } = await put(subject, 'h');
    expect(await handlers.setEnabled(id, false, T0 + 1, 'keeper')).toMatchObject({
      enabled: false,
      updatedAt: T0 + 1,
      updatedBy: 'keeper',
      createdBy: 'somebody',
    });
    expect(await put(subject, 'h')).toMatchObject({ enabled: false, current: { version: 1 } });
    expect(await handlers.setEnabled(id, true, T0 + 2, 'keeper')).toMatchObject({ enabled: true, current: { version: 1 } });
    expect(await handlers.setEnabled(id + 1, true, T0, 'keeper')).toBeNull();
  });

  it('keeps handlers over a restart', async (subject) => {
    await put(subject, 'a');
    const b = await put(subject, 'b', { code: 'v0' });
    await put(subject, 'b', { code: 'v1' });
    await subject.handlers.setEnabled(b.id, false, T0, 'keeper');
    const before = await subject.handlers.all();
    await using again = await subject.reopen();
    expect(await again.handlers.all()).toEqual(before);
    expect(await again.handlers.versions(b.id)).toHaveLength(2);
  });
}

function removes(it: It): void {
  it('takes a handler out', async (subject) => {
    const { handlers } = subject;
    const [a, b] = [await put(subject, 'a'), await put(subject, 'b')];
    expect(await handlers.remove(a.id, T0)).toBe(true);
    expect(await handlers.remove(a.id, T0)).toBe(false);
    expect(await handlers.remove(b.id + 1, T0)).toBe(false);
    expect(ids(await handlers.all())).toEqual([b.id]);
    expect(await handlers.versions(a.id)).toBeNull();
    expect(await handlers.setEnabled(a.id, true, T0, 'keeper')).toBeNull();
  });

  it('gives the same name a new id afterwards, and uses no id twice', async (subject) => {
    const a = await put(subject, 'h');
    await put(subject, 'h');
    await subject.handlers.remove(a.id, T0);
    const again = await put(subject, 'h');
    expect(again.id).toBeGreaterThan(a.id);
    expect(again.current.version).toBe(0);
    await subject.handlers.remove(again.id, T0);
    await using reopened = await subject.reopen();
    expect((await put(reopened, 'other')).id).toBeGreaterThan(again.id);
  });

  it('cancels what waits and what is under way, and keeps what has ended', async (subject) => {
    const { queue, handlers } = subject;
    const [h, other] = [await put(subject, 'h'), await put(subject, 'other')];
    const done = await leased(subject, 'done', { handlerId: h.id });
    await queue.settle([succeeded(done, { output: '"kept"' })]);
    const running = await leased(subject, 'running', { handlerId: h.id });
    await pending(subject, ['waiting'], { handlerId: h.id });
    await pending(subject, ['theirs'], { handlerId: other.id });
    await handlers.remove(h.id, T0 + 7);
    expect(await queue.get(done.executionId)).toMatchObject({ state: 'succeeded', output: '"kept"' });
    for (const id of [running.executionId, execution('waiting', { handlerId: h.id }).id])
      expect(await queue.get(id)).toMatchObject({ state: 'canceled', finishedAt: T0 + 7 });
    expect(await queue.settle([succeeded(running, { state: [{ op: 'state.set', key: 'k', value: '1' }] })])).toEqual([LEASE_LOST]);
    expect(await queue.state(h.id, 'k')).toBeNull();
    expect(await claim(subject, { handlerId: h.id })).toEqual([]);
    expect(await claim(subject, { handlerId: other.id })).toMatchObject([{ subjectId: 'theirs' }]);
  });

  it('drops its state, and no other handler’s', async (subject) => {
    const { queue, handlers } = subject;
    const [h, other] = [await put(subject, 'h'), await put(subject, 'other')];
    const keep = async (handlerId: number, id: string): Promise<Lease> => {
      const lease = await leased(subject, id, { handlerId });
      await queue.settle([succeeded(lease, { state: [{ op: 'state.set', key: 'k', value: '1' }] })]);
      return lease;
    };
    await keep(h.id, 'a');
    await keep(other.id, 'b');
    await handlers.remove(h.id, T0);
    expect(await queue.state(h.id, 'k')).toBeNull();
    expect(await queue.state(other.id, 'k')).toBe('1');
  });
}
