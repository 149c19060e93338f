import { setImmediate } from 'node:timers';
import type { Delivery } from '../core/delivery.ts';
import { LONGEST_RETRY_MS, mailRetryDelay } from '../core/mail-retry.ts';
import { oneLine } from '../core/mail-text.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeliveryAttempt, DeliveryLane, DeliveryStore } from '../ports/delivery-store.ts';
import type { Log } from '../ports/log.ts';
import type { Mailer, MailResult } from '../ports/mailer.ts';
import type { Observer } from '../ports/observer.ts';

export interface DeliverDeps {
  store: DeliveryStore;
  mailer: Mailer;
  clock: Clock;
  /** Numbers from 0 up to 1. */
  random(): number;
  log: Log;
  /** Whether other servers send from the same store: then it takes no more mails than it can send at once. */
  isShared?: boolean;
  /** Which mails are this outbox's; all of them unless said. */
  lane?: DeliveryLane;
  observer?: Pick<Observer, 'mailEnded'> | undefined;
  /** Called after each commit with what it recorded. */
  onChange?(results: readonly DeliveryAttempt[]): void;
}

/** The outbox at work. */
export interface Delivering {
  /** Says that deliveries may have become due: call it after each commit that wrote some. */
  wake(): void;
  /** Begins no more mails and waits at most five seconds for those under way; what is not recorded by then is sent again at the next start. */
  stop(): Promise<void>;
  /** Settles when nothing is due, under way or unrecorded, and when it has stopped. */
  idle(): Promise<void>;
}

/** Sends what is due from now on, and what was due when the last server stopped. */
export function startDelivering(deps: DeliverDeps): Delivering {
  const outbox = new Outbox(deps);
  outbox.wake();
  return outbox;
}

/** Several outboxes as one. */
export function together(outboxes: readonly Delivering[]): Delivering {
  return {
    wake() {
      for (const each of outboxes) each.wake();
    },
    stop: async () => void (await Promise.all(outboxes.map((each) => each.stop()))),
    idle: async () => void (await Promise.all(outboxes.map((each) => each.idle()))),
  };
}

const BATCH = 64;
const STOP_MS = 5_000;
const SHARED_PAUSE_MS = 1_000;
const STORE_RETRY = { firstMs: 500, maxMs: 30_000 };
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The last instant that a Date can hold. */
const END_OF_TIME = 8.64e15;
const MAX_ERROR_LENGTH = 500;

/**
 *   asleep ── wake, timer, a mail ended ──▶ round: record what ended (one commit) ─▶ take what is due ─▶ fill free slots ─▶ asleep
 *                                             │ the store fails
 *                                             └──▶ backing off, longer each time ──▶ round
 *
 * A slot is free again only when its result is recorded. So after a crash at most `mailer.concurrency` mails go out a second time: those
 * that the mail server took and whose commit is missing. They carry the same Message-ID, by which mail readers know them as the same.
 * A delivery is never under way twice at once: alone on a store the server knows those under way, and a shared store gives each mail to one
 * server at a time.
 */
class Outbox implements Delivering {
  readonly #deps: DeliverDeps;
  readonly #lane: DeliveryLane;
  /** Ids under way or not recorded yet: for the store they are all still pending. */
  readonly #busy = new Set<string>();
  #ended: DeliveryAttempt[] = [];
  #ready: Delivery[] = [];
  #state: 'asleep' | 'scheduled' | 'running' | 'backing_off' | 'stopped' = 'asleep';
  #wokenMeanwhile = false;
  #isStopping = false;
  #storeFailures = 0;
  #cancelTimer = (): void => {};
  #watchers: (() => void)[] = [];

  constructor(deps: DeliverDeps) {
    this.#deps = deps;
    this.#lane = deps.lane ?? 'all';
  }

  wake(): void {
    if (this.#state === 'asleep') this.#schedule();
    else this.#wokenMeanwhile = true;
  }

  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((settle) => this.#watchers.push(settle));
  }

  async stop(): Promise<void> {
    if (!this.#isStopping) this.#beginStop();
    await this.idle();
    this.#halt();
  }

  /** Rounds begin in a turn of their own, so that mails that end in the same turn share a commit. */
  #schedule(): void {
    this.#cancelTimer();
    this.#state = 'scheduled';
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#isStopped()) return;
    this.#state = 'running';
    this.#wokenMeanwhile = false;
    try {
      await this.#round();
      this.#storeFailures = 0;
      if (!this.#isStopped()) this.#state = 'asleep';
      if (this.#wokenMeanwhile) this.wake();
    } catch (error) {
      this.#backOff(error);
    }
    this.#notify();
  }

  async #round(): Promise<void> {
    await this.#recordEnded();
    if (this.#isStopping || this.#freeSlots() <= 0) return;
    if (this.#ready.length === 0) this.#ready = await this.#takeDue(this.#deps.clock.now());
    this.#fillSlots();
    if (this.#freeSlots() > 0) await this.#sleepUntilDue();
  }

  async #recordEnded(): Promise<void> {
    const results = [...this.#ended];
    if (results.length === 0 || this.#isStopped()) return;
    await this.#deps.store.record(results);
    this.#ended = this.#ended.slice(results.length); // more may have ended meanwhile, behind these
    for (const { id } of results) this.#busy.delete(id);
    this.#tellChange(results);
  }

  /** Busy ones are pending and due as well, so as many more are asked for; of a shared store no more than can be sent at once. */
  async #takeDue(at: number): Promise<Delivery[]> {
    const due = await this.#deps.store.due(at, (this.#deps.isShared ? this.#freeSlots() : BATCH) + this.#busy.size, this.#lane);
    return this.#isStopping ? [] : due.filter(({ id }) => !this.#busy.has(id));
  }

  #freeSlots(): number {
    return this.#deps.mailer.concurrency - this.#busy.size;
  }

  #fillSlots(): void {
    for (const delivery of this.#ready.splice(0, this.#freeSlots())) void this.#deliver(delivery);
  }

  /** With nothing pending there is no timer at all. */
  async #sleepUntilDue(): Promise<void> {
    const dueAt = await this.#nextDueAt();
    if (dueAt === null || this.#isStopping) return;
    const { clock } = this.#deps;
    // What is due now is another server's, or has become due this moment: looking again at once would go round and round.
    const wait = Math.max(dueAt - clock.now(), this.#deps.isShared ? SHARED_PAUSE_MS : 0);
    if (wait > LONGEST_RETRY_MS) {
      // No retry is that far off: the clock stood wrong when the time was written, and the mail should not wait until it comes round.
      this.#ready = await this.#takeDue(dueAt);
      this.#wokenMeanwhile = true;
    } else if (wait > 0) this.#cancelTimer = clock.after(Math.min(wait, MAX_TIMER_MS), () => this.wake());
    else this.#wokenMeanwhile = true;
  }

  /** When the first of those that are not busy is due. */
  async #nextDueAt(): Promise<number | null> {
    const { store, isShared } = this.#deps;
    if (this.#busy.size === 0 || isShared) return await store.nextDueAt(this.#lane);
    const pending = await store.due(END_OF_TIME, this.#busy.size + 1, this.#lane);
    return pending.find(({ id }) => !this.#busy.has(id))?.nextAt ?? null;
  }

  async #deliver(delivery: Delivery): Promise<void> {
    this.#busy.add(delivery.id);
    const result = await this.#send(delivery);
    const attempt = this.#attemptOf(delivery, result);
    this.#ended.push(attempt);
    this.#deps.observer?.mailEnded(delivery.kind, attempt.state);
    this.wake();
  }

  async #send({ id, to, subject, text, html, attachments, headers, messageId, createdAt }: Delivery): Promise<MailResult> {
    const more = { ...(attachments && { attachments }), ...(headers && { headers }) };
    try {
      return await this.#deps.mailer.send({ to, subject, text, html, messageId, date: createdAt, ...more });
    } catch (error) {
      // Mailers answer rather than throw; should one have a defect, no mail may be lost by it.
      this.#deps.log('error', 'the mailer failed', { delivery_id: id, error });
      return { kind: 'temporary', detail: `the mailer failed: ${describe(error)}` };
    }
  }

  #attemptOf({ id, attempts: before }: Delivery, result: MailResult): DeliveryAttempt {
    const { clock, random, log } = this.#deps;
    const now = Math.trunc(clock.now());
    const attempts = before + 1;
    if (result.kind === 'accepted') return { id, state: 'sent', attempts, nextAt: null, lastError: null, sentAt: now };
    const lastError = oneLine(result.detail, MAX_ERROR_LENGTH);
    const delay = result.kind === 'temporary' ? mailRetryDelay(attempts, random) : null;
    if (delay === null) {
      log('warn', 'mail given up', { delivery_id: id, attempts, detail: lastError });
      return { id, state: 'failed', attempts, nextAt: null, lastError, sentAt: null };
    }
    log('info', 'mail will be tried again', { delivery_id: id, attempts, retry_in_ms: delay, detail: lastError });
    return { id, state: 'pending', attempts, nextAt: now + delay, lastError, sentAt: null };
  }

  #backOff(error: unknown): void {
    if (this.#isStopped()) return;
    const { clock, random, log } = this.#deps;
    const step = Math.min(STORE_RETRY.maxMs, STORE_RETRY.firstMs * 2 ** this.#storeFailures++);
    const delay = Math.round(step * (0.5 + 0.5 * random()));
    this.#state = 'backing_off';
    this.#cancelTimer();
    this.#cancelTimer = clock.after(delay, () => this.#schedule());
    log('warn', 'the outbox cannot use the store', { error, retry_in_ms: delay });
  }

  #tellChange(results: readonly DeliveryAttempt[]): void {
    try {
      this.#deps.onChange?.(results);
    } catch (error) {
      this.#deps.log('error', 'a listener of the outbox failed', { error });
    }
  }

  #beginStop(): void {
    this.#isStopping = true;
    this.#ready = [];
    this.#cancelTimer();
    const cancelHalt = this.#deps.clock.after(STOP_MS, () => this.#halt());
    this.#watchers.push(cancelHalt);
    if (this.#state === 'backing_off') this.#schedule();
  }

  #halt(): void {
    this.#cancelTimer();
    this.#state = 'stopped';
    this.#notify();
  }

  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #isIdle(): boolean {
    return this.#isStopped() || (this.#state === 'asleep' && this.#busy.size === 0);
  }

  #notify(): void {
    if (!this.#isIdle()) return;
    for (const settle of this.#watchers.splice(0)) settle();
  }
}

function describe(error: unknown): string {
  return oneLine(Error.isError(error) ? error.message : String(error), MAX_ERROR_LENGTH);
}
