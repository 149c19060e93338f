import { expect } from '@jest/globals';
import type { DeliveryAttempt } from '../../src/ports/delivery-store.ts';
import { deliver, delivery, everyPage, type It, type Options, type Subject, suite, T0 } from './subject.ts';

const attempt = (id: string, over: Partial<DeliveryAttempt> = {}): DeliveryAttempt => ({
  id,
  state: 'sent',
  attempts: 1,
  nextAt: null,
  lastError: null,
  sentAt: T0 + 1,
  ...over,
});
const later = (id: string, nextAt: number, attempts = 1): DeliveryAttempt =>
  attempt(id, { state: 'pending', attempts, nextAt, lastError: '451 later', sentAt: null });
const dueIds = async ({ deliveries }: Subject, now: number, limit = 100): Promise<string[]> =>
  (await deliveries.due(now, limit)).map(({ id }) => id);

export function deliveryStoreConformance(adapter: string, options: Options): void {
  suite(`DeliveryStore: ${adapter}`, options, (it) => {
    isDue(it);
    records(it);
    resends(it);
    lists(it);
  });
}

function isDue(it: It): void {
  it('has nothing due at first', async ({ deliveries }) => {
    expect(await deliveries.due(T0, 10)).toEqual([]);
    expect(await deliveries.nextDueAt()).toBeNull();
  });

  it('keeps a delivery as it was given, due from when it was made', async (subject) => {
    const one = delivery('d', {
      executionId: 'x',
      kind: 'mail',
      subject: 'Ü \u{1f9ea}',
      text: 'line\nline\0',
      html: '<b>ü</b>',
      to: 'a@b.example',
    });
    await deliver(subject, one);
    expect(await subject.deliveries.due(T0 - 1, 10)).toEqual([]);
    expect(await subject.deliveries.due(T0, 10)).toEqual([
      { ...one, state: 'pending', attempts: 0, nextAt: T0, lastError: null, sentAt: null },
    ]);
    expect(await subject.deliveries.nextDueAt()).toBe(T0);
  });

  it('keeps the files of a mail, and leaves them out of lists', async (subject) => {
    const attachments = [
      { filename: 'Übersicht.svg', contentType: 'image/svg+xml', encoding: 'utf8' as const, content: '<svg>ü\0 \u{1f9ea}</svg>' },
      { filename: 'b.bin', contentType: 'application/octet-stream', encoding: 'base64' as const, content: 'AQI=' },
    ];
    await deliver(subject, delivery('d', { attachments }), delivery('e'));
    expect(await subject.deliveries.due(T0, 10)).toMatchObject([{ id: 'd', attachments }, { id: 'e' }]);
    expect(await subject.deliveries.get('d')).toMatchObject({ attachments });
    expect(await subject.deliveries.get('e')).not.toHaveProperty('attachments');
    const { items } = await subject.deliveries.list({}, { limit: 10, cursor: null });
    expect(items.map((item) => 'attachments' in item)).toEqual([false, false]);
    await using again = await subject.reopen();
    expect((await again.deliveries.get('d'))?.attachments).toEqual(attachments);
  });

  it('keeps the headers of an alert', async (subject) => {
    const headers = { Importance: 'High', 'X-Priority': '1', 'X-MADSci-Event-ID': 'Größe "1"' };
    await deliver(subject, delivery('a', { kind: 'alert', headers }), delivery('b'));
    const [first, second] = await subject.deliveries.due(T0, 10);
    expect(first?.headers).toEqual(headers);
    expect(second).not.toHaveProperty('headers');
    expect(await subject.deliveries.get('a')).toEqual(first);
  });

  it('answers alerts and the others apart where they are asked for apart', async (subject) => {
    await deliver(
      subject,
      delivery('a', { createdAt: T0 + 5 }),
      delivery('b', { kind: 'alert', createdAt: T0 + 1 }),
      delivery('c', { kind: 'mail', createdAt: T0 + 3 }),
      delivery('d', { kind: 'alert', createdAt: T0 + 9 }),
    );
    const { deliveries } = subject;
    expect((await deliveries.due(T0 + 9, 10, 'alerts')).map(({ id }) => id)).toEqual(['b', 'd']);
    expect((await deliveries.due(T0 + 9, 10, 'others')).map(({ id }) => id)).toEqual(['c', 'a']);
    expect(await dueIds(subject, T0 + 9)).toEqual(['b', 'c', 'a', 'd']);
    expect(await deliveries.nextDueAt('alerts')).toBe(T0 + 1);
    expect(await deliveries.nextDueAt('others')).toBe(T0 + 3);
    await deliveries.record([attempt('b'), attempt('d')]);
    expect(await deliveries.nextDueAt('alerts')).toBeNull();
    expect(await deliveries.due(T0 + 9, 10, 'alerts')).toEqual([]);
  });

  it('answers due ones oldest due first, up to a limit', async (subject) => {
    await deliver(
      subject,
      delivery('c', { createdAt: T0 + 3 }),
      delivery('a', { createdAt: T0 + 1 }),
      delivery('b', { createdAt: T0 + 2 }),
      delivery('a2', { createdAt: T0 + 1 }),
    );
    expect(await dueIds(subject, T0 + 2)).toEqual(['a', 'a2', 'b']);
    expect(await dueIds(subject, T0 + 9, 3)).toEqual(['a', 'a2', 'b']);
    expect(await subject.deliveries.nextDueAt()).toBe(T0 + 1);
    expect(await dueIds(subject, 8.64e15)).toEqual(['a', 'a2', 'b', 'c']);
  });
}

function records(it: It): void {
  it('counts what waits, by kind', async (subject) => {
    const { deliveries } = subject;
    expect(await deliveries.waiting()).toEqual({});
    await deliver(
      subject,
      delivery('a', { kind: 'mail' }),
      delivery('b', { kind: 'mail' }),
      delivery('c', { kind: 'failure' }),
      delivery('d'),
    );
    await deliveries.record([attempt('d'), attempt('c', { state: 'failed' }), later('b', T0 + 9)]);
    expect(await deliveries.waiting()).toEqual({ mail: 2 });
  });

  it('records how attempts ended', async (subject) => {
    const { deliveries } = subject;
    await deliver(subject, delivery('sent'), delivery('later'), delivery('failed'));
    await deliveries.record([
      attempt('sent'),
      later('later', T0 + 60),
      attempt('failed', { state: 'failed', lastError: '550 no \u{1f9ea}', sentAt: null }),
      attempt('nothing'),
    ]);
    expect(await deliveries.get('sent')).toMatchObject({ state: 'sent', attempts: 1, nextAt: null, sentAt: T0 + 1 });
    expect(await deliveries.get('later')).toMatchObject({ state: 'pending', attempts: 1, nextAt: T0 + 60, lastError: '451 later' });
    expect(await deliveries.get('failed')).toMatchObject({ state: 'failed', lastError: '550 no \u{1f9ea}', nextAt: null });
    expect(await dueIds(subject, T0 + 59)).toEqual([]);
    expect(await deliveries.nextDueAt()).toBe(T0 + 60);
    expect(await dueIds(subject, T0 + 60)).toEqual(['later']);
  });

  it('leaves what is no longer pending as it is', async (subject) => {
    const { deliveries } = subject;
    await deliver(subject, delivery('d'));
    await deliveries.record([attempt('d')]);
    await deliveries.record([later('d', T0 + 60, 2), attempt('d', { state: 'failed', attempts: 3 })]);
    expect(await deliveries.get('d')).toMatchObject({ state: 'sent', attempts: 1 });
    await deliveries.record([]);
  });

  it('keeps what it recorded over a restart', async (subject) => {
    await deliver(subject, delivery('d'), delivery('e'));
    await subject.deliveries.record([attempt('d'), later('e', T0 + 60)]);
    await using again = await subject.reopen();
    expect(await again.deliveries.get('d')).toMatchObject({ state: 'sent' });
    expect(await again.deliveries.nextDueAt()).toBe(T0 + 60);
  });
}

function resends(it: It): void {
  it('puts a sent or failed one back, due at once, with all its attempts ahead', async (subject) => {
    const { deliveries } = subject;
    await deliver(subject, delivery('sent'), delivery('failed'));
    await deliveries.record([attempt('sent'), attempt('failed', { state: 'failed', attempts: 9, lastError: '550', sentAt: null })]);
    for (const id of ['sent', 'failed']) {
      expect(await deliveries.resend(id, T0 + 100)).toBe('requeued');
      expect(await deliveries.get(id)).toMatchObject({
        state: 'pending',
        attempts: 0,
        nextAt: T0 + 100,
        lastError: null,
        sentAt: null,
        messageId: `${id}@lab.example`,
      });
    }
    expect(await dueIds(subject, T0 + 100)).toEqual(['sent', 'failed']);
  });

  it('tells what still waits, and what never was', async (subject) => {
    await deliver(subject, delivery('d'));
    await subject.deliveries.record([later('d', T0 + 60)]);
    expect(await subject.deliveries.resend('d', T0)).toBe('pending');
    expect((await subject.deliveries.get('d'))?.nextAt).toBe(T0 + 60);
    expect(await subject.deliveries.resend('nothing', T0)).toBe('absent');
  });
}

function lists(it: It): void {
  it('lists newest first, by execution and by state', async (subject) => {
    const { deliveries } = subject;
    await deliver(subject, delivery('a', { executionId: 'x' }), delivery('b', { executionId: 'y' }), delivery('c', { executionId: 'x' }));
    await deliveries.record([attempt('a'), attempt('b', { state: 'failed', sentAt: null })]);
    const read = async (filter: Parameters<typeof deliveries.list>[0]) =>
      (await deliveries.list(filter, { limit: 10, cursor: null })).items.map(({ id }) => id);
    expect(await read({})).toEqual(['c', 'b', 'a']);
    expect(await read({ executionId: 'x' })).toEqual(['c', 'a']);
    expect(await read({ state: 'failed' })).toEqual(['b']);
    expect(await read({ executionId: 'x', state: 'pending' })).toEqual(['c']);
    expect(await read({ executionId: 'nothing' })).toEqual([]);
    expect(await deliveries.get('nothing')).toBeNull();
  });

  it('pages to the end, whatever comes in between, and each once', async (subject) => {
    const ids = Array.from({ length: 12 }, (_, n) => `d${n}`);
    await deliver(subject, ...ids.map((id) => delivery(id)));
    let n = 0;
    const read = (cursor: string | null) => subject.deliveries.list({}, { limit: 5, cursor });
    const items = await everyPage(read, () => deliver(subject, delivery(`new${n++}`)));
    expect(items.map(({ id }) => id)).toEqual(ids.toReversed());
    await expect(subject.deliveries.list({}, { limit: 1, cursor: 'garbage' })).rejects.toMatchObject({ code: 'cursor_invalid' });
  });
}
