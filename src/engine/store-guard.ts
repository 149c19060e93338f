import { EngineError } from '../core/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

export interface StoreGuardOptions {
  /** Something small that only a store that works can answer. */
  probe(): Promise<unknown>;
  clock: Clock;
  log: Log;
}
export interface GuardRules<Port> {
  /** Goes through while the store is down too: what has its own way of trying again. */
  always?: readonly (keyof Port)[];
  /** May take as long as it takes while the store answers others. */
  slow?: readonly (keyof Port)[];
  /** Refused while the store is down, but never let go of: its caller must know how it ended, and the store bounds it. */
  whole?: readonly (keyof Port)[];
}

/**
 * Stands before a store beyond this process. While it answers nothing at all, calls are refused at once and those under way are let go, so
 * that nobody waits long and nothing piles up; a call that is let go may still happen in the store.
 *
 *   up ── nothing answered for DOWN_TICKS, probes neither ──▶ down ── anything answered ──▶ up
 */
export interface StoreGuard {
  readonly isUp: boolean;
  /** Calls back whenever the store answers again. */
  onUp(listener: () => void): void;
  wrap<Port extends object>(port: Port, rules?: GuardRules<Port>): Port;
  stop(): void;
}

const TICK_MS = 500;
const DOWN_TICKS = 7;
/** A call that may not be slow is let go after this many, also while others are answered. */
const LATE_TICKS = 9;
const PROBE_AGAIN_TICKS = 4;
const MAX_WAITING = 5_000;

/** How long a call is waited for. */
type Patience = 'short' | 'while it answers' | 'endless';

interface Waiting {
  since: number;
  patience: Patience;
  reject(error: EngineError): void;
}

export function storeGuard({ probe, clock, log }: StoreGuardOptions): StoreGuard {
  const waiting = new Set<Waiting>();
  const listeners: (() => void)[] = [];
  let isUp = true;
  let isStopped = false;
  let sawLife = true;
  let silent = 0;
  let ticks = 0;
  let probedAt = Number.NEGATIVE_INFINITY;
  let cancelTimer = (): void => {};

  function alive(): void {
    sawLife = true;
    silent = 0;
    if (isUp) return;
    isUp = true;
    log('info', 'the store answers again');
    for (const listener of listeners) listener();
  }

  function down(): void {
    isUp = false;
    log('error', 'the store does not answer', { waiting: waiting.size });
    for (const call of waiting) if (call.patience !== 'endless') call.reject(unavailable());
  }

  function ask(): void {
    probedAt = ticks;
    probe().then(
      () => {
        probedAt = Number.NEGATIVE_INFINITY;
        alive();
      },
      () => {
        probedAt = Number.NEGATIVE_INFINITY;
      },
    );
  }

  function tick(): void {
    ticks++;
    if (!sawLife) {
      silent++;
      if (ticks - probedAt >= PROBE_AGAIN_TICKS) ask();
    }
    sawLife = false;
    if (isUp && silent >= DOWN_TICKS) down();
    for (const call of waiting) {
      if (ticks - call.since < LATE_TICKS) break; // in the order of their arrival
      if (call.patience === 'short') call.reject(unavailable());
    }
    if (!isStopped) cancelTimer = clock.after(TICK_MS, tick);
  }

  /** Says that the store is alive also when it refuses: only a refusal for want of an answer does not. */
  function judge(error: unknown): void {
    if (error instanceof EngineError && error.code !== 'store_unavailable' && error.code !== 'query_deadline') alive();
  }

  function guard<T>(call: () => Promise<T>, patience: Patience): Promise<T> {
    if (!isUp) return Promise.reject(unavailable());
    if (waiting.size >= MAX_WAITING) return Promise.reject(new EngineError('overloaded', 'Too much is waiting for the store.'));
    return new Promise((resolve, reject) => {
      const own: Waiting = {
        since: ticks,
        patience,
        reject(error) {
          waiting.delete(own);
          reject(error);
        },
      };
      waiting.add(own);
      call().then(
        (value) => {
          waiting.delete(own);
          alive();
          resolve(value);
        },
        (error: unknown) => {
          waiting.delete(own);
          judge(error);
          reject(error);
        },
      );
    });
  }

  cancelTimer = clock.after(TICK_MS, tick);
  return {
    get isUp() {
      return isUp;
    },
    onUp: (listener) => void listeners.push(listener),
    wrap<Port extends object>(port: Port, { always = [], slow = [], whole = [] }: GuardRules<Port> = {}): Port {
      const wrapped = Object.entries(port).map(([name, member]: [string, unknown]) => {
        const key = name as keyof Port;
        if (typeof member !== 'function' || always.includes(key)) return [name, member];
        const patience: Patience = whole.includes(key) ? 'endless' : slow.includes(key) ? 'while it answers' : 'short';
        return [name, (...args: unknown[]) => guard(async () => member.apply(port, args), patience)];
      });
      return { ...port, ...Object.fromEntries(wrapped) };
    },
    stop() {
      isStopped = true;
      cancelTimer();
    },
  };
}

function unavailable(): EngineError {
  return new EngineError('store_unavailable', 'The store does not answer.');
}
