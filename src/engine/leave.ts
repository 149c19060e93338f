import type { Lane } from './lane.ts';

/** What a server asks before it takes work from a store that others work on too. */
export interface Share {
  /** Whether its leases are kept and the store answers: else it takes nothing and starts nothing, until it is told to go on. */
  isFit(): boolean;
  /** Whether it is the one that runs this handler, which keeps order. */
  hasTurn(handlerId: number): boolean;
  /** Tries to become that one, and says so when it is. */
  askTurn(handlerId: number): void;
}

/** What the dispatcher may do now. Alone on its store it may always do everything. */
export class Leave {
  readonly #share: Share | undefined;
  readonly keepsOrder: (handlerId: number) => boolean;

  constructor(share: Share | undefined, keepsOrder: (handlerId: number) => boolean) {
    this.#share = share;
    this.keepsOrder = keepsOrder;
  }

  mayStart(): boolean {
    return this.#share?.isFit() ?? true;
  }

  /** Order is that of the store where several servers write to it: what is leased with its event would overtake what others stored. */
  mayLeaseAtOnce(handlerId: number): boolean {
    return this.#share === undefined || (this.#share.isFit() && !this.keepsOrder(handlerId));
  }

  /** Asks for the handler's turn where there is one and another server may have it. */
  mayClaim(handlerId: number): boolean {
    if (!this.mayStart()) return false;
    const mustWait = this.#waitsForOthers(handlerId);
    if (mustWait) this.#share?.askTurn(handlerId);
    return !mustWait;
  }

  /** Whether something waits in the store that this server is to run now. */
  isDue({ handlerId, backlogAt }: Lane, now: number): boolean {
    return backlogAt !== null && backlogAt <= now && this.mayStart() && !this.#waitsForOthers(handlerId);
  }

  #waitsForOthers(handlerId: number): boolean {
    return this.#share !== undefined && this.keepsOrder(handlerId) && !this.#share.hasTurn(handlerId);
  }
}
