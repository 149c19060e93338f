import type { Clock } from '../ports/clock.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';
import type { Queue } from '../ports/queue.ts';
import type { Signals, Topic } from '../ports/signals.ts';
import type { Delivering } from './deliver.ts';
import type { Dispatcher } from './dispatch.ts';
import type { LiveHandlers } from './handlers.ts';
import { keepHold } from './hold.ts';
import type { OwnedKeyRing } from './keys.ts';
import type { Share } from './leave.ts';
import { type Lookout, lookout } from './lookout.ts';
import { Turns } from './turns.ts';

/** A store that other servers work on too, as the engine needs it beside the usual ports. */
export interface SharedStore {
  queue: Queue;
  signals: Signals;
  leadership: Leadership;
  /** Whether the store answers; absent: it is asked and seen. */
  health?: StoreHealth;
}
export interface StoreHealth {
  readonly isUp: boolean;
  /** Calls back when the store answers again. */
  onUp(listener: () => void): void;
}

export interface SharingOptions {
  store: SharedStore;
  handlers: Pick<LiveHandlers, 'refresh' | 'find'>;
  keys: Pick<OwnedKeyRing, 'refresh'>;
  dispatcher(): Dispatcher;
  delivering: Pick<Delivering, 'wake'>;
  clock: Clock;
  random(): number;
  log: Log;
}

/** This server's part in a shared store. */
export interface Sharing {
  share: Share;
  /** Begins; the dispatcher must be there. */
  start(): void;
  /** Looks for no more work; leases and turns are still kept. */
  pause(): void;
  /** Lets go of everything. */
  stop(): Promise<void>;
}

/** How far apart looks are where no signals come through. Registry and keys must be known everywhere within a second. */
const EVERY_MS: Readonly<Record<Topic, number>> = { queue: 1_000, cancels: 5_000, handlers: 800, keys: 800, deliveries: 1_000 };

/** Keeps this server's leases, looks for what others left, and takes in what they changed. */
export function sharing(o: SharingOptions): Sharing {
  const { store, clock, log, dispatcher } = o;
  const { queue, health } = store;
  const lookouts = new Map<Topic, Lookout>();
  let hold: ReturnType<typeof keepHold> | null = null;
  let stopListening = (): void => {};
  const turns = new Turns({
    leadership: store.leadership,
    queue,
    clock,
    log,
    isBusy: (id) => dispatcher().isBusy(id),
    onTurn: (id) => dispatcher().goOn(id),
    onLost: (id) => dispatcher().forget(id),
  });

  function goOn(): void {
    for (const one of lookouts.values()) one.hint();
    dispatcher().goOn();
  }

  function watch(topic: Topic, look: () => Promise<unknown>): void {
    const report = (error: unknown): void => log('warn', `looking at the store failed: ${topic}`, { error });
    lookouts.set(topic, lookout({ everyMs: EVERY_MS[topic], clock, random: o.random, look, report }));
  }

  return {
    share: {
      isFit: () => (hold?.isKept ?? false) && (health?.isUp ?? true),
      hasTurn: (id) => turns.has(id),
      askTurn: (id) => turns.ask(id),
    },
    start() {
      hold = keepHold({ queue, clock, log, onLost: () => dispatcher().forget(), onKept: goOn });
      health?.onUp(goOn);
      // A server whose hold has ended would take what it held itself for a dead server's, outcomes that wait to be written too.
      watch('queue', async () => (hold?.isKept ? lookAtQueue(o) : undefined));
      watch('cancels', () => stopCanceled(o));
      watch('handlers', () => o.handlers.refresh());
      watch('keys', () => o.keys.refresh());
      watch('deliveries', async () => o.delivering.wake());
      stopListening = store.signals.listen((topic) => lookouts.get(topic)?.hint());
    },
    pause() {
      stopListening();
      for (const one of lookouts.values()) one.stop();
    },
    async stop() {
      hold?.stop();
      await turns.stop();
    },
  };
}

/** Breaks off what another server was asked to cancel. Its effects are refused anyway; this frees its runner and its place. */
async function stopCanceled({ store: { queue }, dispatcher }: SharingOptions): Promise<void> {
  const ids = dispatcher().running;
  if (ids.length === 0) return;
  for (const id of await queue.canceled(ids)) dispatcher().abort(id);
}

/** Takes over what dead servers held, and wakes whatever waits. */
async function lookAtQueue({ store: { queue }, handlers, dispatcher, clock, log }: SharingOptions): Promise<void> {
  const { lost, pending } = await queue.recover(clock.now());
  if (lost > 0) log('info', 'executions of a server that stopped were taken over', { lost });
  if (pending.some(({ handlerId }) => handlers.find(handlerId) === null)) await handlers.refresh();
  for (const { handlerId, firstRunAt } of pending) if (handlers.find(handlerId) !== null) dispatcher().wake(handlerId, firstRunAt);
}
