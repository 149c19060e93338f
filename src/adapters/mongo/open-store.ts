import { REPORT_PATIENCE } from '../../core/utilization/request.ts';
import { alertStore } from './alerts.ts';

import { appender } from './append.ts';
import { archiveOf } from './archive.ts';
import { Claimer } from './claim.ts';
import { type Collections, collectionsOf, connect } from './connect.ts';
import { DatabaseClock } from './database-clock.ts';
import { deliveryStore, unlockDeliveries } from './deliveries.ts';
import { type Caused, forgetEffects } from './effects.ts';
import { handlerStore } from './handlers.ts';
import { keyStore } from './keys.ts';
import { leadershipOf } from './leadership.ts';
import { refuseWhileMigrating } from './migration-lock.ts';
import { prepare, refuseOtherSchema } from './prepare.ts';
import { Presence } from './presence.ts';
import { queueOf } from './queue.ts';
import { eventReads } from './read-events.ts';
import { Recovery } from './recover.ts';
import { ReportPool } from './reports.ts';
import { assertNotSwapping } from './restore-mark.ts';
import { retentionStore } from './retention.ts';
import { scheduleStore } from './schedules.ts';
import { openSequence } from './sequence.ts';
import { Settler } from './settle.ts';
import { type Shared, Stranded } from './shared.ts';
import { SignalBoard } from './signals.ts';
import { StateWriter } from './state.ts';
import type { MongoStore, MongoStoreOptions } from './store.ts';
import { Tidier } from './tidier.ts';

const DATABASE = 'madsci_events';
const COLLECTION = 'events';
const DEADLINE_MS = 10_000;
const RESULT_BYTES = 256 * 1024 * 1024;

/** Connects, checks, makes indexes, and puts the parts together. */
export async function openStore(options: MongoStoreOptions): Promise<MongoStore> {
  const { url, serverId, deadlineMs = DEADLINE_MS, resultBytes = RESULT_BYTES, standaloneAllowed = false } = options;
  await using stack = new AsyncDisposableStack();
  const place = { database: options.database ?? DATABASE, collection: options.collection ?? COLLECTION };
  const canWatch = await prepare(url, place, standaloneAllowed, {
    release: options.release,
    now: options.clock.now,
    deleteAfterSeconds: options.deleteAfterSeconds ?? null,
  });
  const client = stack.use(await connect(url, deadlineMs));
  const all = collectionsOf(client.db(place.database), place.collection);

  const clock = new DatabaseClock(options.clock);
  const presence = new Presence(all, serverId, clock);
  await presence.enter();
  stack.defer(() => leave(all, presence));
  await assertNotSwapping(all.db); // again, now that a restore sees this server
  await refuseWhileMigrating(all);
  await refuseOtherSchema(all, options.release);
  const board = stack.use(new SignalBoard(all, canWatch));
  const shared: Shared = {
    all,
    presence,
    sequence: await openSequence(all),
    stranded: new Stranded(),
    plansDone: stack.use(new Tidier((pieces) => forgetPlans(all, pieces))),
    signal: (topic) => board.raise(topic),
  };
  const state = new StateWriter(all);
  const effectsDone = stack.use(new Tidier<Caused>((caused) => forgetEffects(all, state, caused)));
  const claimer = new Claimer(shared);
  const parts = { settler: new Settler(shared, state, effectsDone), claimer, recovery: new Recovery(shared, state, claimer) };

  const reports = stack.use(new ReportPool({ url, ...place, deadlineMs: REPORT_PATIENCE * deadlineMs }));

  const owned = stack.move();
  return {
    events: { append: appender(shared), ...eventReads(all, { deadlineMs, resultBytes }), ...archiveOf(all) },
    queue: queueOf(shared, parts),
    handlers: handlerStore(shared),
    keys: keyStore(shared),
    deliveries: deliveryStore(shared),
    retention: retentionStore(all),
    schedules: scheduleStore(shared),
    reports,
    alerts: alertStore(all),
    signals: board,
    leadership: leadershipOf(shared),
    clock,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function forgetPlans({ events, firings }: Collections, pieces: readonly { kind: 'event' | 'firing'; id: string }[]): Promise<void> {
  const ids = (kind: string): string[] => pieces.filter((piece) => piece.kind === kind).map(({ id }) => id);
  const [ofEvents, ofFirings] = [ids('event'), ids('firing')];
  if (ofEvents.length > 0)
    await events.updateMany({ _id: { $in: ofEvents } }, { $unset: { '_hookwright.planned': 1, '_hookwright.owner': 1 } });
  if (ofFirings.length > 0) await firings.updateMany({ _id: { $in: ofFirings } }, { $unset: { planned: 1, owner: 1 } });
}

/** So that others need not wait until this server's leases run out. What cannot be said now, they find out in time. */
async function leave(all: Collections, presence: Presence): Promise<void> {
  const { owner } = presence;
  await Promise.allSettled([presence.leave(), all.leaders.deleteMany({ owner }), unlockDeliveries(all, [owner])]);
}
