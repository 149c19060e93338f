import type { Clock } from '../ports/clock.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';
import { LEASE_MS, type Queue } from '../ports/queue.ts';

export interface TurnsOptions {
  leadership: Leadership;
  queue: Pick<Queue, 'list'>;
  clock: Clock;
  log: Log;
  /** Whether this server still has something to do for the handler; else it lets go of the turn. */
  isBusy(handlerId: number): boolean;
  onTurn(handlerId: number): void;
  onLost(handlerId: number): void;
}

const RENEW_MS = LEASE_MS / 3;
const LOOK_MS = 500;

interface Turn {
  /** asking → clearing (the lead is ours, but executions of another server are still leased) → held → leaving */
  state: 'asking' | 'clearing' | 'held' | 'leaving';
  cancelTimer(): void;
  cancelExpiry(): void;
}

/**
 * Which server runs a handler that keeps order: one at a time, by a lead per handler. Whoever takes it over waits until nothing of the handler
 * is leased any more: what the server before it held comes first, and goes back to the store only when that server's leases end.
 */
export class Turns {
  readonly #o: TurnsOptions;
  readonly #turns = new Map<number, Turn>();
  #isStopped = false;

  constructor(options: TurnsOptions) {
    this.#o = options;
  }

  has(handlerId: number): boolean {
    return this.#turns.get(handlerId)?.state === 'held';
  }

  /** Asks once; whoever is refused asks again when there is a reason to. */
  ask(handlerId: number): void {
    if (this.#isStopped || this.#turns.has(handlerId)) return;
    const turn: Turn = { state: 'asking', cancelTimer() {}, cancelExpiry() {} };
    this.#turns.set(handlerId, turn);
    void this.#lead(handlerId, turn);
  }

  /** Lets go of all, so that others need not wait for the leads to end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#turns].map(([handlerId, turn]) => this.#letGo(handlerId, turn)));
  }

  async #lead(handlerId: number, turn: Turn): Promise<void> {
    const { clock, leadership, log } = this.#o;
    const expire = clock.after(LEASE_MS, () => this.#lose(handlerId, turn));
    const leads = await leadership.lead(nameOf(handlerId), clock.now(), LEASE_MS).catch((error: unknown) => {
      log('warn', 'the turn of a handler could not be asked for', { handlerId, error });
      return null;
    });
    if (this.#turns.get(handlerId) !== turn || turn.state === 'leaving') return expire();
    if (leads !== true) expire();
    // Until the lead that it has ends, a server that hears nothing goes on.
    if (leads === false || (leads === null && turn.state === 'asking')) return this.#lose(handlerId, turn);
    if (leads) {
      turn.cancelExpiry();
      turn.cancelExpiry = expire;
    }
    if (turn.state === 'asking') {
      turn.state = 'clearing';
      void this.#clear(handlerId, turn);
    }
    turn.cancelTimer();
    turn.cancelTimer = clock.after(leads ? RENEW_MS : LOOK_MS, () => void this.#renew(handlerId, turn));
  }

  async #renew(handlerId: number, turn: Turn): Promise<void> {
    if (this.#o.isBusy(handlerId)) await this.#lead(handlerId, turn);
    else await this.#letGo(handlerId, turn);
  }

  async #clear(handlerId: number, turn: Turn): Promise<void> {
    const { queue, clock, log, onTurn } = this.#o;
    const isClear = await queue.list({ handlerId, state: 'leased' }, { limit: 1, cursor: null }).then(
      ({ items }) => items.length === 0,
      (error: unknown) => {
        log('warn', 'the leases of a handler could not be read', { handlerId, error });
        return false;
      },
    );
    if (this.#turns.get(handlerId) !== turn) return;
    if (!isClear) return void clock.after(LOOK_MS, () => this.#turns.get(handlerId) === turn && void this.#clear(handlerId, turn));
    turn.state = 'held';
    onTurn(handlerId);
  }

  #lose(handlerId: number, turn: Turn): void {
    const wasHeld = this.#drop(handlerId, turn) && turn.state === 'held';
    if (!wasHeld || this.#isStopped) return;
    this.#o.log('warn', 'the turn of a handler was lost', { handlerId });
    this.#o.onLost(handlerId);
  }

  /** It is ours to ask for again only when the store has heard of it: else the two could change places on their way. */
  async #letGo(handlerId: number, turn: Turn): Promise<void> {
    if (this.#turns.get(handlerId) !== turn) return;
    turn.state = 'leaving';
    turn.cancelTimer();
    turn.cancelExpiry();
    await this.#o.leadership.lead(nameOf(handlerId), this.#o.clock.now(), 0).catch(() => {}); // then it ends by itself
    this.#drop(handlerId, turn);
  }

  #drop(handlerId: number, turn: Turn): boolean {
    turn.cancelTimer();
    turn.cancelExpiry();
    return this.#turns.get(handlerId) === turn && this.#turns.delete(handlerId);
  }
}

function nameOf(handlerId: number): string {
  return `handler:${handlerId}`;
}
