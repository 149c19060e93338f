import { nodeCryptography } from '../adapters/crypto.ts';
import { keyRing, type OwnedKeyRing } from '../engine/keys.ts';
import { inStartTurn } from '../engine/start-turn.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from './stores.ts';

/** Runs what looks at the store first and writes then: servers that start together must not each make an admin key, or revoke each other's. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

export function turnsOn(store: Store, clock: Clock): InTurn {
  return (work) => inStartTurn({ leadership: store.leadership, clock }, work);
}

export function openKeyRing(store: Store, { inTurn, clock, log }: { inTurn: InTurn; clock: Clock; log: Log }): Promise<OwnedKeyRing> {
  return keyRing({
    store: store.keys,
    isShared: store.queue.shared,
    exclusively: inTurn,
    crypto: nodeCryptography,
    clock,
    report: (error) => log('error', 'the last uses of keys were not written', { error }),
  });
}
