import { randomBytes } from 'node:crypto';
import { LEASE_MS } from '../../ports/queue.ts';
import type { Collections } from './connect.ts';
import type { DatabaseClock } from './database-clock.ts';

const EXPIRED = { $expr: { $lt: ['$aliveUntil', '$$NOW'] } };

/**
 * Who this server is in leases, and which servers are still there. A server is alive while its document is there; whoever finds the
 * document expired takes it away, after which its owner can no longer renew. All times are the database's.
 */
export class Presence {
  readonly #servers: Collections['servers'];
  readonly #serverId: string;
  readonly #clock: DatabaseClock | undefined;
  #owner: string;

  /** `clock` is set with each renewal. */
  constructor({ servers }: Collections, serverId: string, clock?: DatabaseClock) {
    this.#servers = servers;
    this.#serverId = serverId;
    this.#clock = clock;
    this.#owner = this.#newName();
  }

  /** Named anew after each start and each loss, so that nothing old is taken for this server's. */
  get owner(): string {
    return this.#owner;
  }

  async enter(): Promise<void> {
    await this.#extend(true);
  }

  /** False when others had given this server up: then it goes on under a new name, and what it held is lost. */
  async renew(): Promise<boolean> {
    if (await this.#extend(false)) return true;
    this.#owner = this.#newName();
    await this.#extend(true);
    return false;
  }

  /** Everything that this server still holds may be taken at once. */
  async leave(): Promise<void> {
    await this.#servers.deleteOne({ _id: this.#owner });
  }

  /** Those of `owners` that are gone for good. */
  async gone(owners: readonly string[]): Promise<string[]> {
    const others = owners.filter((name) => name !== this.#owner);
    if (others.length === 0) return [];
    for (const name of others) await this.#servers.deleteOne({ _id: name, ...EXPIRED });
    const alive = await this.#servers.find({ _id: { $in: others } }, { projection: { _id: 1 } }).toArray();
    return others.filter((name) => !alive.some(({ _id }) => _id === name));
  }

  /** Servers that died without holding anything leave their documents behind. */
  async sweep(): Promise<void> {
    await this.#servers.deleteMany(EXPIRED);
  }

  async #extend(isNew: boolean): Promise<boolean> {
    const later = [{ $set: { aliveUntil: { $add: ['$$NOW', LEASE_MS] } } }];
    const extend = async (): Promise<number | null> => {
      const extended = await this.#servers.findOneAndUpdate({ _id: this.#owner }, later, { upsert: isNew, returnDocument: 'after' });
      return extended === null ? null : extended.aliveUntil.getTime() - LEASE_MS;
    };
    return this.#clock === undefined ? (await extend()) !== null : this.#clock.ask(extend);
  }

  #newName(): string {
    return `${this.#serverId}~${randomBytes(6).toString('hex')}`;
  }
}
