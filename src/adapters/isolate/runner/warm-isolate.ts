import ivm from 'isolated-vm';
import type { SandboxHandler } from '../../../ports/sandbox.ts';
import type { GuestSettings } from '../guest/settings.ts';
import { MAX_LANES } from '../limits.ts';
import type { Culprit, FromRunner, Ref, RunnerSettings, Verdict } from '../protocol.ts';
import { installGuest } from './guest-source.ts';
import { LaneClock } from './lane-clock.ts';
import { linkUserModule, problemOf } from './user-module.ts';

/** An isolate that has not answered for this long is asked whether it still listens; that also fetches outcomes nobody sent. */
const POKE_AFTER_MS = 20;
const DEAF_AFTER_MS = 60;
/** An isolate that runs nothing, has work, and does not answer is stuck in what an earlier execution left behind. */
const STUCK_AFTER_MS = 1_000;

interface Batch {
  batch: number;
  firstTicket: number;
  count: number;
}

interface Guest {
  add: ivm.Reference;
  answer: ivm.Reference;
  poke: ivm.Reference;
}

/** One handler version in its isolate. All code in it is asynchronous to this thread, which never waits for it. */
export class WarmIsolate {
  readonly key: string;
  readonly memoryMb: number;
  /** Executions given and not ended. */
  open = 0;
  /** Whether it has run anything since the process was last idle. */
  wasUsed = false;
  readonly #handler: SandboxHandler;
  readonly #settings: RunnerSettings;
  readonly #send: (message: FromRunner) => void;
  readonly #isolate: ivm.Isolate;
  readonly #clock: LaneClock;
  readonly #timers = new Set<NodeJS.Timeout>();
  #batches: Batch[] = [];
  #lastTicket = 0;
  #guest: Guest | null = null;
  #loadingSince: number | null = performance.now();
  #waiting: [string, string][] = [];
  #heardAt = 0;
  #pokedAt: number | null = null;

  constructor(key: string, handler: SandboxHandler, settings: RunnerSettings, send: (message: FromRunner) => void) {
    this.key = key;
    this.memoryMb = Math.max(handler.memoryMb, 8);
    this.#handler = handler;
    this.#settings = settings;
    this.#send = send;
    this.#isolate = new ivm.Isolate({ memoryLimit: this.memoryMb });
    this.#clock = new LaneClock(handler.concurrency);
  }

  get isBusy(): boolean {
    return this.open > 0 || this.#loadingSince !== null || this.#pokedAt !== null;
  }

  /** Never rejects: what goes wrong is reported. Answers whether the isolate is of use. */
  async load(): Promise<boolean> {
    try {
      this.#guest = await this.#open();
    } catch (error) {
      const isMemory = this.#isolate.isDisposed;
      const problem = isMemory ? { message: `loading needs more than ${this.memoryMb} MB`, line: null, column: null } : problemOf(error);
      this.#send({ type: 'load_failed', key: this.key, error: { reason: 'load_failed', ...problem } });
      return false;
    } finally {
      this.#loadingSince = null;
    }
    this.#heardAt = performance.now();
    for (const [header, inputs] of this.#waiting.splice(0)) this.#guest.add.applyIgnored(undefined, [header, inputs]);
    return true;
  }

  async #open(): Promise<Guest> {
    const context = await this.#isolate.createContext();
    const guest = installGuest(this.#isolate, context).namespace;
    guest.getSync('prepare', { reference: true }).applySync(undefined, []);
    const module = await linkUserModule(this.#isolate, context, this.#handler.javascript);
    await module.evaluate();
    const handler = await module.namespace.get('default', { reference: true });
    if (handler.typeof !== 'function') throw new Error('the default export is not a function');
    const start = await guest.get('start', { reference: true });
    await start.apply(undefined, [
      handler.derefInto(),
      this.#guestSettings(),
      new ivm.ExternalCopy(this.#clock.memory).copyInto(),
      ...this.#exits(),
    ]);
    const [add, answer, poke] = await Promise.all(['add', 'answer', 'poke'].map((name) => guest.get(name, { reference: true })));
    if (add === undefined || answer === undefined || poke === undefined) throw new Error('the guest is incomplete');
    return { add, answer, poke };
  }

  #guestSettings(): string {
    const { id, name, version, hook, config, timeoutMs, concurrency } = this.#handler;
    const lanes = Math.min(Math.max(concurrency, 1), MAX_LANES);
    const settings: GuestSettings = { handler: { id, name, version }, hook, config, timeoutMs, lanes, limits: this.#settings.limits };
    return JSON.stringify(settings);
  }

  /** The guest's three ways out. They queue here without an answer; what they carry is text and numbers. */
  #exits(): ivm.Callback[] {
    const flush = (count: number, text: string) => this.#flushed(count, text);
    const call = (ticket: number, callId: number, op: string, args: string) => {
      const at = this.#refOf(ticket);
      if (at !== null) this.#send({ type: 'call', key: this.key, callId, at, op, args });
    };
    const sleep = (callId: number, ms: number) => this.#startTimer(callId, ms);
    return [flush, call, sleep].map((exit) => new ivm.Callback(exit, { ignored: true }));
  }

  #flushed(count: number, text: string): void {
    this.#heardAt = performance.now();
    this.#pokedAt = null;
    if (count === 0) return;
    this.open -= count;
    this.#send({ type: 'outcomes', text });
    if (this.open > 0) return;
    this.#batches = [];
    // An execution may end and leave endless work behind. Only an isolate that answers after its last one is at rest.
    this.#poke(this.#heardAt);
  }

  #startTimer(callId: number, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.answer(callId, 'ok', '');
    }, ms);
    this.#timers.add(timer);
  }

  run(batch: number, count: number, header: string, inputs: string): void {
    this.#batches.push({ batch, firstTicket: this.#lastTicket + 1, count });
    this.#lastTicket += count;
    if (this.open === 0) this.#heardAt = performance.now();
    this.open += count;
    this.wasUsed = true;
    if (this.#guest === null) this.#waiting.push([header, inputs]);
    else this.#guest.add.applyIgnored(undefined, [header, inputs]);
  }

  answer(callId: number, kind: string, text: string): void {
    if (!this.#isolate.isDisposed) this.#guest?.answer.applyIgnored(undefined, [callId, kind, text]);
  }

  #refOf(ticket: number): Ref | null {
    const found = this.#batches.find(({ firstTicket, count }) => ticket >= firstTicket && ticket < firstTicket + count);
    return found === undefined ? null : { batch: found.batch, index: ticket - found.firstTicket };
  }

  #refsOf(tickets: number[]): Ref[] {
    return tickets.map((ticket) => this.#refOf(ticket)).filter((ref) => ref !== null);
  }

  running(): Ref[] {
    return this.#refsOf(this.#clock.running());
  }

  /** Whether an execution has just proved to be a long one. */
  get hasNews(): boolean {
    return this.#clock.lingering();
  }

  /** To be called every few milliseconds while busy. Answers why the process has to go, or null. */
  check(now: number): Verdict | null {
    if (this.#loadingSince !== null) return now - this.#loadingSince > this.#settings.loadMs ? this.#endLoading() : null;
    if (!this.isBusy) return null;
    this.#clock.look(now);
    if (this.#isolate.isDisposed) return this.#memoryVerdict();
    const deafFor = this.#pokedAt === null ? 0 : now - this.#pokedAt;
    const late = this.#clock.overdue(now, this.#handler.timeoutMs);
    if (late.length > 0) return this.#timeoutVerdict(late, deafFor > DEAF_AFTER_MS);
    if (deafFor > STUCK_AFTER_MS && this.#clock.running().length === 0) {
      return this.#verdict({ reason: 'timeout', message: 'an earlier execution left endless work behind', culprits: [], suspects: [] });
    }
    this.#pokeIfQuiet(now);
    return null;
  }

  #pokeIfQuiet(now: number): void {
    if (this.#pokedAt !== null || now - this.#heardAt < POKE_AFTER_MS) return;
    this.#poke(now);
  }

  #poke(now: number): void {
    this.#pokedAt = now;
    if (!this.#isolate.isDisposed) this.#guest?.poke.applyIgnored(undefined, []);
  }

  /** Whether the code never ends or the machine has no time for it cannot be told apart, so this is worth another try, unlike a fault. */
  #endLoading(): Verdict {
    this.#loadingSince = null;
    const [reason, message] = ['timeout' as const, `loading took more than ${this.#settings.loadMs} ms`];
    this.#send({ type: 'load_failed', key: this.key, error: { reason, message, line: null, column: null } });
    return this.#verdict({ reason, message, culprits: [], suspects: [] });
  }

  #memoryVerdict(): Verdict {
    const running = this.#clock.running();
    return this.#blame('memory', `used more than ${this.memoryMb} MB`, running, running.length === 1);
  }

  /** One execution that spins makes all others of its isolate late, and nothing tells them apart: they are suspects then. */
  #timeoutVerdict(late: number[], isDeaf: boolean): Verdict {
    return this.#blame('timeout', `ran longer than ${this.#handler.timeoutMs} ms`, late, !isDeaf || late.length === 1);
  }

  #blame(reason: Verdict['reason'], message: string, tickets: number[], isKnown: boolean): Verdict {
    if (!isKnown) return this.#verdict({ reason, message, culprits: [], suspects: this.#refsOf(tickets) });
    return this.#verdict({ reason, message, culprits: this.#culpritsOf(tickets), suspects: [] });
  }

  #culpritsOf(tickets: number[]): Culprit[] {
    return tickets.flatMap((ticket) => {
      const ref = this.#refOf(ticket);
      return ref === null ? [] : [{ ...ref, logs: this.#clock.logsOf(ticket) }];
    });
  }

  /** What it runs, with what can be saved of it. */
  culprits(): Culprit[] {
    return this.#culpritsOf(this.#clock.running());
  }

  #verdict(verdict: Omit<Verdict, 'lost'>): Verdict {
    return { ...verdict, lost: this.#batches.map(({ batch }) => batch) };
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }
}
