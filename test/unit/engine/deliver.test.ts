import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { smtpMailer } from '../../../src/adapters/smtp/mailer.ts';
import type { Delivery, NewDelivery } from '../../../src/core/delivery.ts';
import { type Delivering, startDelivering } from '../../../src/engine/deliver.ts';
import type { DeliveryAttempt, DeliveryStore } from '../../../src/ports/delivery-store.ts';
import type { Mail, Mailer, MailResult } from '../../../src/ports/mailer.ts';
import { greylist, rudePeer, scripted, smtpPeer } from '../../support/smtp-peer.ts';
import { HandClock } from '../../support/store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 2, 1);
const ACCEPTED: MailResult = { kind: 'accepted' };
const LATER: MailResult = { kind: 'temporary', detail: 'greylisted' };
const NEVER: MailResult = { kind: 'permanent', detail: 'no such mailbox' };

/** What these tests need of a store beside the port; point `openStore` to another one to run them on it. */
interface TestStore {
  port: DeliveryStore;
  add(deliveries: readonly NewDelivery[]): Promise<void>;
}

function openStore(): TestStore {
  const rows = new Map<string, Delivery>();
  const pending = () => [...rows.values()].filter(({ nextAt }) => nextAt !== null).sort((a, b) => Number(a.nextAt) - Number(b.nextAt));
  const port: DeliveryStore = {
    due: async (now, limit) =>
      structuredClone(
        pending()
          .filter(({ nextAt }) => Number(nextAt) <= now)
          .slice(0, limit),
      ),
    nextDueAt: async () => pending()[0]?.nextAt ?? null,
    waiting: async () => ({ mail: pending().length }),
    async record(results) {
      for (const result of results) {
        const row = rows.get(result.id);
        if (row?.state === 'pending') rows.set(result.id, { ...row, ...result });
      }
    },
    async resend(id, now) {
      const row = rows.get(id);
      if (row === undefined) return 'absent';
      if (row.state === 'pending') return 'pending';
      rows.set(id, { ...row, state: 'pending', attempts: 0, nextAt: now, lastError: null, sentAt: null });
      return 'requeued';
    },
    get: async (id) => rows.get(id) ?? null,
    list: async () => ({ items: [...rows.values()], nextCursor: null }),
  };
  return {
    port,
    async add(deliveries) {
      for (const one of deliveries)
        rows.set(one.id, { ...one, state: 'pending', attempts: 0, nextAt: one.createdAt, lastError: null, sentAt: null });
    },
  };
}

/** Counts the calls, and fails them while told to. */
function watched(port: DeliveryStore) {
  const calls = { due: 0, nextDueAt: 0, record: [] as (readonly DeliveryAttempt[])[] };
  const failing = { due: false, record: false };
  const store: DeliveryStore = {
    ...port,
    due(now, limit) {
      calls.due++;
      return failing.due ? Promise.reject(new Error('cannot read')) : port.due(now, limit);
    },
    nextDueAt() {
      calls.nextDueAt++;
      return port.nextDueAt();
    },
    record(results) {
      if (failing.record) return Promise.reject(new Error('disk full'));
      calls.record.push(results);
      return port.record(results);
    },
  };
  return { store, calls, failing };
}

/** Answers at once as `answer` says, or holds a mail until it is released. */
class TestMailer implements Mailer {
  readonly destination = 'test';
  readonly concurrency: number;
  readonly sent: Mail[] = [];
  readonly held = new Map<string, (result: MailResult) => void>();
  readonly #answer: (mail: Mail, attempt: number) => MailResult | 'hold';
  readonly #underWay = new Set<string>();
  #watchers: { count: number; settle: () => void }[] = [];
  most = 0;
  twiceAtOnce = 0;

  constructor(answer: (mail: Mail, attempt: number) => MailResult | 'hold', concurrency = 3) {
    this.#answer = answer;
    this.concurrency = concurrency;
  }
  async send(mail: Mail): Promise<MailResult> {
    if (this.#underWay.has(mail.messageId)) this.twiceAtOnce++;
    this.#underWay.add(mail.messageId);
    this.most = Math.max(this.most, this.#underWay.size);
    this.sent.push(mail);
    this.#watchers = this.#watchers.filter(({ count, settle }) => this.sent.length < count || settle());
    const answer = this.#answer(mail, this.tries(mail.to));
    if (answer !== 'hold') await setImmediate();
    const result = answer === 'hold' ? await new Promise<MailResult>((settle) => this.held.set(mail.to, settle)) : answer;
    this.#underWay.delete(mail.messageId);
    return result;
  }
  tries(to: string): number {
    return this.sent.filter((mail) => mail.to === to).length;
  }
  async begun(count: number): Promise<void> {
    if (this.sent.length < count) await new Promise<void>((settle) => this.#watchers.push({ count, settle }));
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

function mails(count: number, over: Partial<NewDelivery> = {}): NewDelivery[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `d${n}`,
    executionId: `e${n}`,
    kind: 'success' as const,
    to: `r${n}@lab.example`,
    subject: 's',
    text: 't',
    html: null,
    messageId: `d${n}@lab.example`,
    createdAt: START,
    ...over,
  }));
}

let running: { outbox: Delivering; clock: HandClock }[] = [];
afterEach(async () => {
  for (const { outbox, clock } of running) {
    const stopped = outbox.stop();
    clock.advance(5_000);
    await stopped;
  }
  running = [];
});

async function setUp(mailer: Mailer, deliveries: readonly NewDelivery[] = mails(1)) {
  const store = openStore();
  await store.add(deliveries);
  const spied = watched(store.port);
  const clock = new HandClock(START);
  const logs: string[] = [];
  const changes: (readonly DeliveryAttempt[])[] = [];
  const start = (over: { onChange?: (results: readonly DeliveryAttempt[]) => void } = {}) => {
    const onChange = over.onChange ?? ((results) => changes.push(results));
    const deps = { store: spied.store, mailer, clock, random: () => 0.5, log: (_: string, text: string) => logs.push(text), onChange };
    const outbox = startDelivering(deps);
    running.push({ outbox, clock });
    return outbox;
  };
  const row = async (id: string) => (await store.port.get(id)) as Delivery;
  return { ...spied, add: store.add, clock, logs, changes, start, row };
}

async function turns(count = 10): Promise<void> {
  for (let n = 0; n < count; n++) await setImmediate();
}

describe('sending', () => {
  test('sends what is due when it starts and what comes with a wake', async () => {
    const mailer = new TestMailer(() => ACCEPTED);
    const { start, add, row, changes } = await setUp(mailer);
    const outbox = start();
    await outbox.idle();
    expect(await row('d0')).toMatchObject({ state: 'sent', attempts: 1, nextAt: null, sentAt: START });
    expect(mailer.sent).toEqual([{ to: 'r0@lab.example', subject: 's', text: 't', html: null, messageId: 'd0@lab.example', date: START }]);
    await add(mails(2).slice(1));
    outbox.wake();
    await outbox.idle();
    expect(mailer.sent.map(({ to }) => to)).toEqual(['r0@lab.example', 'r1@lab.example']);
    expect(changes.flat().map(({ id }) => id)).toEqual(['d0', 'd1']);
  });

  test('records in one commit what ended together', async () => {
    const { start, calls } = await setUp(new TestMailer(() => ACCEPTED, 5), mails(5));
    await start().idle();
    expect(calls.record.map((results) => results.length)).toEqual([5]);
  });

  test('sends any number, at most so many at once, none twice, however often it is woken', async () => {
    const mailer = new TestMailer(() => ACCEPTED, 3);
    const { start } = await setUp(mailer, mails(200));
    const outbox = start();
    const storm = (async () => {
      for (let n = 0; n < 100; n++) {
        outbox.wake();
        await setImmediate();
      }
    })();
    await outbox.idle();
    await storm;
    expect(mailer.sent).toHaveLength(200);
    expect(new Set(mailer.sent.map(({ to }) => to)).size).toBe(200);
    expect(mailer.most).toBe(3);
  });

  test('one slow recipient takes one slot and no more', async () => {
    const mailer = new TestMailer(({ to }) => (to.startsWith('r0@') ? 'hold' : ACCEPTED), 2);
    const { start, row } = await setUp(mailer, mails(50));
    const outbox = start();
    await mailer.begun(50);
    await turns();
    expect((await row('d49')).state).toBe('sent');
    expect((await row('d0')).state).toBe('pending');
    mailer.held.get('r0@lab.example')?.(ACCEPTED);
    await outbox.idle();
    expect((await row('d0')).state).toBe('sent');
    expect(mailer.twiceAtOnce).toBe(0);
  });

  test('with all slots taken it waits, also when woken', async () => {
    const mailer = new TestMailer(() => 'hold', 3);
    const { start } = await setUp(mailer, mails(10));
    const outbox = start();
    await mailer.begun(3);
    outbox.wake();
    await turns();
    expect(mailer.sent).toHaveLength(3);
    for (const release of mailer.held.values()) release(ACCEPTED);
    await mailer.begun(6);
    expect(mailer.most).toBe(3);
  });
});

describe('sleeping', () => {
  test('with nothing pending there is no timer and no call of the store', async () => {
    const { start, clock, calls } = await setUp(new TestMailer(() => ACCEPTED));
    const outbox = start();
    await outbox.idle();
    const before = structuredClone(calls);
    clock.advance(30 * 24 * HOUR);
    await turns();
    expect(clock.timers.size).toBe(0);
    expect(calls).toEqual(before);
  });

  test('with a mail for later there is one timer, until just then', async () => {
    const mailer = new TestMailer(() => ACCEPTED);
    const { start, clock, calls } = await setUp(mailer, mails(1, { createdAt: START + HOUR }));
    const outbox = start();
    await outbox.idle();
    const before = calls.due;
    clock.advance(HOUR - 1);
    await turns();
    expect([mailer.sent.length, calls.due, clock.timers.size]).toEqual([0, before, 1]);
    clock.advance(1);
    await outbox.idle();
    expect(mailer.sent).toHaveLength(1);
  });

  test('a mail that becomes due while another is under way is sent', async () => {
    const mailer = new TestMailer(({ to }) => (to.startsWith('r0@') ? 'hold' : ACCEPTED));
    const { start, clock, row, add } = await setUp(mailer);
    start();
    await mailer.begun(1);
    await add(mails(2, { createdAt: START + MINUTE }).slice(1));
    running[0]?.outbox.wake();
    await turns();
    expect(mailer.sent).toHaveLength(1);
    clock.advance(MINUTE);
    await mailer.begun(2);
    await turns();
    expect((await row('d1')).state).toBe('sent');
  });

  test('a retry that was written while the clock ran ten years ahead does not wait for them', async () => {
    const mailer = new TestMailer((_, attempt) => (attempt === 1 ? LATER : ACCEPTED));
    const { start, clock, row } = await setUp(mailer);
    clock.jump(10 * 365 * 24 * HOUR);
    const outbox = start();
    await outbox.idle();
    clock.jump(START - clock.now());
    clock.advance(MINUTE);
    await outbox.idle();
    expect((await row('d0')).state).toBe('sent');
  });
});

describe('failures', () => {
  test('a temporary one is tried again in its time, not before', async () => {
    const mailer = new TestMailer((_, attempt) => (attempt <= 2 ? LATER : ACCEPTED));
    const { start, clock, row } = await setUp(mailer);
    const outbox = start();
    await outbox.idle();
    expect(await row('d0')).toMatchObject({ state: 'pending', attempts: 1, nextAt: START + MINUTE, lastError: 'greylisted' });
    clock.advance(MINUTE - 1);
    await outbox.idle();
    expect(mailer.sent).toHaveLength(1);
    clock.advance(1);
    await outbox.idle();
    clock.advance(2 * MINUTE);
    await outbox.idle();
    expect(await row('d0')).toMatchObject({ state: 'sent', attempts: 3, lastError: null, sentAt: START + 3 * MINUTE });
    expect(new Set(mailer.sent.map(({ messageId, date }) => `${messageId} ${date}`)).size).toBe(1);
  });

  test('a permanent one is final', async () => {
    const mailer = new TestMailer(() => NEVER);
    const { start, clock, row, logs } = await setUp(mailer);
    const outbox = start();
    await outbox.idle();
    clock.advance(100 * HOUR);
    await outbox.idle();
    expect(mailer.sent).toHaveLength(1);
    expect(await row('d0')).toMatchObject({ state: 'failed', attempts: 1, nextAt: null, lastError: 'no such mailbox' });
    expect(logs).toEqual(['mail given up']);
  });

  test('a mail that nobody takes is given up after two days, and a resend begins anew', async () => {
    const mailer = new TestMailer(() => LATER);
    const { start, clock, row, store } = await setUp(mailer);
    const outbox = start();
    for (let hour = 0; hour < 72; hour++) {
      await outbox.idle();
      for (let minute = 0; minute < 60; minute++) {
        clock.advance(MINUTE);
        await outbox.idle();
      }
    }
    expect(await row('d0')).toMatchObject({ state: 'failed', attempts: 15 });
    await store.resend('d0', clock.now());
    outbox.wake();
    await outbox.idle();
    expect(await row('d0')).toMatchObject({ state: 'pending', attempts: 1 });
  });

  test('a mailer that throws loses no mail', async () => {
    const mailer = new TestMailer((_, attempt) => {
      if (attempt === 1) throw new Error('defect');
      return ACCEPTED;
    });
    const { start, clock, row, logs } = await setUp(mailer);
    const outbox = start();
    await outbox.idle();
    expect(await row('d0')).toMatchObject({ state: 'pending', lastError: 'the mailer failed: defect' });
    expect(logs).toContain('the mailer failed');
    clock.advance(MINUTE);
    await outbox.idle();
  });

  test('a listener that throws changes nothing', async () => {
    const { start, row, logs } = await setUp(new TestMailer(() => ACCEPTED));
    const outbox = start({
      onChange() {
        throw new Error('defect');
      },
    });
    await outbox.idle();
    expect((await row('d0')).state).toBe('sent');
    expect(logs).toEqual(['a listener of the outbox failed']);
  });
});

describe('a store that fails', () => {
  test('is asked again, less and less often, and then all is sent', async () => {
    const mailer = new TestMailer(() => ACCEPTED);
    const { start, clock, calls, failing, logs } = await setUp(mailer, mails(5));
    failing.due = true;
    const outbox = start();
    for (let n = 0; n < 60; n++) {
      clock.advance(1_000);
      outbox.wake();
      await turns(3);
    }
    expect(calls.due).toBeGreaterThan(4);
    expect(calls.due).toBeLessThan(10);
    expect(logs).toHaveLength(calls.due);
    failing.due = false;
    clock.advance(30_000);
    await outbox.idle();
    expect(mailer.sent).toHaveLength(5);
  });

  test('while it takes no results, no further mail is begun and none is sent again', async () => {
    const mailer = new TestMailer(() => ACCEPTED, 3);
    const { start, clock, failing, row } = await setUp(mailer, mails(10));
    failing.record = true;
    const outbox = start();
    for (let n = 0; n < 60; n++) {
      clock.advance(1_000);
      outbox.wake();
      await turns(3);
    }
    expect(mailer.sent).toHaveLength(3);
    failing.record = false;
    clock.advance(30_000);
    await outbox.idle();
    expect(mailer.sent).toHaveLength(10);
    expect(await row('d0')).toMatchObject({ state: 'sent', attempts: 1 });
  });

  test('after a crash between sending and commit the mail goes out once more, with the same Message-ID', async () => {
    const mailer = new TestMailer(() => ACCEPTED, 3);
    const { start, clock, failing, row } = await setUp(mailer, mails(10));
    failing.record = true;
    const crashed = start();
    await mailer.begun(3);
    await turns();
    const halted = crashed.stop();
    clock.advance(5_000);
    await halted;
    failing.record = false;
    await start().idle();
    const ids = mailer.sent.map(({ messageId }) => messageId);
    expect(ids).toHaveLength(13);
    expect(new Set(ids).size).toBe(10);
    expect((await row('d9')).state).toBe('sent');
  });

  test('over 20 crashes no mail is lost, and each crash repeats at most as many as were under way', async () => {
    const mailer = new TestMailer(() => ACCEPTED, 3);
    const { start, clock, failing } = await setUp(mailer, mails(100));
    for (let crash = 1; crash <= 20; crash++) {
      const outbox = start();
      await mailer.begun(mailer.sent.length + 3);
      failing.record = true;
      await turns();
      const halted = outbox.stop();
      clock.advance(5_000);
      await halted;
      failing.record = false;
    }
    await start().idle();
    expect(new Set(mailer.sent.map(({ messageId }) => messageId)).size).toBe(100);
    expect(mailer.sent.length).toBeLessThanOrEqual(100 + 20 * 3);
    expect(mailer.twiceAtOnce).toBe(0);
  });
});

describe('stopping', () => {
  test('waits for what is under way, records it and begins nothing new', async () => {
    const mailer = new TestMailer(() => 'hold', 2);
    const { start, row, clock } = await setUp(mailer, mails(5));
    const outbox = start();
    await mailer.begun(2);
    const stopped = outbox.stop();
    for (const release of mailer.held.values()) release(ACCEPTED);
    await stopped;
    outbox.wake();
    await turns();
    expect(mailer.sent).toHaveLength(2);
    expect([(await row('d0')).state, (await row('d2')).state]).toEqual(['sent', 'pending']);
    expect(clock.timers.size).toBe(0);
    await outbox.stop();
    await outbox.idle();
  });

  test('waits five seconds at most and leaves the store alone afterwards', async () => {
    const mailer = new TestMailer(() => 'hold');
    const { start, calls, clock } = await setUp(mailer);
    const outbox = start();
    await mailer.begun(1);
    let isStopped = false;
    const stopped = outbox.stop().then(() => {
      isStopped = true;
    });
    clock.advance(4_999);
    await turns();
    expect(isStopped).toBe(false);
    clock.advance(1);
    await stopped;
    const before = structuredClone(calls);
    mailer.held.get('r0@lab.example')?.(ACCEPTED);
    await turns();
    expect(calls).toEqual(before);
    expect(clock.timers.size).toBe(0);
  });

  test('is at once when there is nothing to do', async () => {
    const { start } = await setUp(new TestMailer(() => ACCEPTED), []);
    await start().stop();
  });
});

describe('with a real mail server', () => {
  const FROM = { name: '', address: 'hook@lab.example' };

  test('a greylisted mail arrives within 20 minutes of its first try, and holds nobody else up', async () => {
    const later = greylist(2);
    await using peer = await smtpPeer({ recipient: (to) => (to.startsWith('r0@') ? later(to) : null) });
    await using mailer = smtpMailer({ url: peer.url, from: FROM });
    const { start, clock, row } = await setUp(mailer, mails(20));
    const outbox = start();
    await outbox.idle();
    expect(peer.mails).toHaveLength(19);
    for (let minute = 0; minute < 20; minute++) {
      clock.advance(MINUTE);
      await outbox.idle();
    }
    expect(peer.mails).toHaveLength(20);
    expect((await row('d0')).sentAt).toBeLessThanOrEqual(START + 20 * MINUTE);
  });

  test('550 is never tried again', async () => {
    await using peer = await smtpPeer({ recipient: () => ({ code: 550, text: 'no such mailbox' }) });
    await using mailer = smtpMailer({ url: peer.url, from: FROM });
    const { start, clock, row } = await setUp(mailer);
    const outbox = start();
    await outbox.idle();
    clock.advance(100 * HOUR);
    await outbox.idle();
    expect(peer.tries).toHaveLength(1);
    expect((await row('d0')).state).toBe('failed');
  });

  test('a connection lost before the reply to the content makes one duplicate, of the same Message-ID', async () => {
    let losses = 1;
    await using peer = await rudePeer(scripted((line) => (line === '.' && losses-- > 0 ? 'close' : undefined)));
    await using mailer = smtpMailer({ url: peer.url, from: FROM });
    const { start, clock, row } = await setUp(mailer);
    const outbox = start();
    await outbox.idle();
    clock.advance(MINUTE);
    await outbox.idle();
    expect((await row('d0')).state).toBe('sent');
    expect(peer.contents.map((content) => /^Message-ID: (.*)$/m.exec(content)?.[1])).toEqual(['<d0@lab.example>', '<d0@lab.example>']);
  });

  test('an outage delays mails and loses none', async () => {
    let isDown = true;
    await using peer = await smtpPeer({ connect: () => (isDown ? { code: 421, text: 'down' } : null) });
    await using mailer = smtpMailer({ url: peer.url, from: FROM });
    const { start, clock } = await setUp(mailer, mails(30));
    const outbox = start();
    await outbox.idle();
    clock.advance(MINUTE);
    await outbox.idle();
    expect(peer.mails).toEqual([]);
    isDown = false;
    clock.advance(2 * MINUTE);
    await outbox.idle();
    expect(new Set(peer.mails.map(({ to }) => to[0])).size).toBe(30);
    expect(peer.mails).toHaveLength(30);
  });
});
