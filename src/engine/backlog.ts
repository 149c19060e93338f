import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Claim, Leased, Queue } from '../ports/queue.ts';
import type { Lane } from './lane.ts';
import type { Room } from './room.ts';

export interface BacklogOptions {
  queue: Pick<Queue, 'claim' | 'get'>;
  clock: Clock;
  log: Log;
  room: Room;
  /** Whether the handler runs in order per key: then what is not due yet is claimed too, since it holds back what comes after it. */
  keepsOrder(handlerId: number): boolean;
  mayClaim(lane: Lane): boolean;
  /** What was claimed; with nothing in it too, so that the lane can be looked at again. */
  claimed(lane: Lane, leased: readonly Leased[], now: number): void;
}

const CLAIM_LIMIT = 512;
const CLAIM_RETRY_MS = 500;
const MAX_TIMER_MS = 60_000;

/** What waits in the store: claimed when there is room, looked at again when something is due. */
export class Backlog {
  readonly #o: BacklogOptions;
  /** Lanes that found no room although they have some of their own left. */
  readonly #starved = new Set<Lane>();

  constructor(options: BacklogOptions) {
    this.#o = options;
  }

  /** Something of this lane is pending in the store and may be claimed from `at` on. */
  note(lane: Lane, at: number): void {
    lane.backlogAt = lane.backlogAt === null ? at : Math.min(lane.backlogAt, at);
    this.refill(lane);
  }

  refill(lane: Lane): void {
    lane.cancelTimer?.();
    lane.cancelTimer = null;
    if (lane.backlogAt === null || lane.claiming || !this.#o.mayClaim(lane)) return;
    const wait = lane.backlogAt - this.#o.clock.now();
    if (wait > 0) {
      lane.cancelTimer = this.#o.clock.after(Math.min(wait, MAX_TIMER_MS), () => this.refill(lane));
      return;
    }
    const { perLane } = this.#o.room.bounds;
    const limit = Math.min(perLane - lane.held, this.#o.room.left, CLAIM_LIMIT);
    const isWaitedFor = lane.awaited.length > 0;
    // Half full is time enough: claiming a few at a time would cost a commit for each few.
    if (limit > 0 && (lane.held <= perLane / 2 || isWaitedFor)) void this.#claim(lane, limit);
    // All that is held may wait for a retry that is in the store: it is the first there, and comes in whatever the room is.
    else if (isWaitedFor) void this.#claim(lane, 1);
    else if (this.#o.room.left === 0) this.#starved.add(lane);
  }

  /** Some of the room that all lanes share is free again. */
  roomFreed(): void {
    if (this.#starved.size === 0) return;
    const lanes = [...this.#starved];
    this.#starved.clear();
    for (const lane of lanes) this.refill(lane);
  }

  async #claim(lane: Lane, limit: number): Promise<void> {
    lane.claiming = true;
    lane.backlogAt = null;
    const { awaited } = lane;
    const now = this.#o.clock.now();
    const dueOnly = !this.#o.keepsOrder(lane.handlerId);
    const claim = await this.#ask({ handlerId: lane.handlerId, limit, now, dueOnly });
    lane.claiming = false;
    for (const id of awaited) if (!isAmong(id, claim)) void this.#giveUpUnlessOpen(lane, id);
    if (claim.nextRunAt !== null) lane.backlogAt = Math.min(lane.backlogAt ?? claim.nextRunAt, claim.nextRunAt);
    this.#o.claimed(lane, claim.leased, now);
    this.refill(lane);
  }

  /**
   * Retries come first; one that was waited for and did not come may be gone: canceled, or its event was purged. One that is leased is still
   * to come: its claim reached the store, but the answer was lost.
   */
  async #giveUpUnlessOpen(lane: Lane, id: string): Promise<void> {
    const record = await this.#o.queue.get(id).catch(() => undefined);
    if (record === undefined || record?.state === 'pending' || record?.state === 'leased') return;
    lane.giveUp(id);
    this.#o.claimed(lane, [], this.#o.clock.now());
  }

  async #ask(request: Parameters<Queue['claim']>[0]): Promise<Claim> {
    const { handlerId, now } = request;
    try {
      return await this.#o.queue.claim(request);
    } catch (error) {
      this.#o.log('warn', 'claiming failed', { handlerId, error });
      return { leased: [], nextRunAt: now + CLAIM_RETRY_MS };
    }
  }
}

function isAmong(id: string, { leased }: Claim): boolean {
  return leased.some(({ lease }) => lease.executionId === id);
}
