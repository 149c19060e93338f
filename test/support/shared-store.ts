import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { DELIVERY_LEASE_MS, type DeliveryStore } from '../../src/ports/delivery-store.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import type { Leadership } from '../../src/ports/leadership.ts';
import { LEASE_MS, type NewExecution, type Queue, type Settlement } from '../../src/ports/queue.ts';
import type { Signals, Topic } from '../../src/ports/signals.ts';
import type { TestStore } from './store.ts';

/**
 * One SQLite store as several servers of one process share it. Who holds which lease is kept here, beside the store; everything else, also
 * the fence, is the store's. `server` answers one server's ports.
 */
export interface SharedTestStore {
  server(name: string): ServerPorts;
  /** Whether signals come through; looking at intervals always does. */
  signalsWork: boolean;
}
/** The ports that differ from server to server. */
export interface ServerPorts {
  events: EventStore;
  queue: Queue;
  deliveries: DeliveryStore;
  signals: Signals;
  leadership: Leadership;
}

interface Held {
  owner: string;
  attempt: number;
}

export function shareStore(store: TestStore, clock: Clock): SharedTestStore {
  const held = new Map<string, Held>();
  const aliveUntil = new Map<string, number>();
  const leads = new Map<string, { owner: string; until: number }>();
  const taken = new Map<string, number>();
  const listeners = new Set<(topic: Topic) => void>();

  const shared: SharedTestStore = { server, signalsWork: true };
  const signal = (topic: Topic): void => {
    // When the write that it is about is done.
    if (shared.signalsWork)
      void store.keys.touch([]).then(() => {
        for (const listener of listeners) listener(topic);
      });
  };
  const isAlive = (owner: string): boolean => (aliveUntil.get(owner) ?? 0) > clock.now();

  function giveBack(ids: readonly string[]): void {
    if (ids.length === 0) return;
    using db = new DatabaseSync(join(store.folder, DATABASE_FILE), { timeout: 5_000 });
    const lost = JSON.stringify({ reason: 'lost', message: 'The server stopped during this attempt.', line: null, column: null });
    const update = db.prepare(
      `UPDATE executions SET state = 0, attempts = json_insert(coalesce(attempts, '[]'), '$[#]',
         json_object('attempt', attempt, 'startedAt', NULL, 'finishedAt', ?, 'outcome', json(?)))
       WHERE id = ? AND state = 1 AND attempt = ?`,
    );
    for (const id of ids) {
      update.run(clock.now(), lost, id, held.get(id)?.attempt ?? 0);
      held.delete(id);
    }
  }

  function pending(): { handlerId: number; firstRunAt: number }[] {
    using db = new DatabaseSync(join(store.folder, DATABASE_FILE), { readOnly: true, timeout: 5_000 });
    const sql = 'SELECT handler_id AS handlerId, min(run_at) AS firstRunAt FROM executions WHERE state = 0 GROUP BY handler_id';
    return db.prepare(sql).all() as unknown as { handlerId: number; firstRunAt: number }[];
  }

  function server(name: string): ServerPorts {
    aliveUntil.set(name, clock.now() + LEASE_MS);
    const take = (executionId: string, attempt: number): void => void held.set(executionId, { owner: name, attempt });
    const note = (executions: readonly NewExecution[]): void => {
      for (const { id, state } of executions) if (state === 'leased') take(id, 1);
      if (executions.length > 0) signal('queue');
    };
    const noteEffects = (settlement: Settlement): void => {
      if (settlement.kind === 'succeeded') for (const { executions } of settlement.events) note(executions);
      if (settlement.kind === 'dead') for (const { executions } of settlement.firings) note(executions);
    };
    const queue: Queue = {
      ...store.queue,
      async cancel(...args) {
        const result = await store.queue.cancel(...args);
        if (result === 'canceled') signal('cancels');
        return result;
      },
      shared: true,
      async renew() {
        const kept = isAlive(name);
        aliveUntil.set(name, clock.now() + LEASE_MS);
        return kept;
      },
      async fire(plan) {
        note(plan.executions);
        return store.queue.fire(plan);
      },
      async claim(request) {
        const claim = await store.queue.claim(request);
        for (const { lease } of claim.leased) take(lease.executionId, lease.attempt);
        return claim;
      },
      async settle(settlements) {
        const mine = settlements.map(({ lease }) => {
          const hold = held.get(lease.executionId);
          return hold?.owner === name && hold.attempt === lease.attempt;
        });
        const results = await store.queue.settle(settlements.filter((_, index) => mine[index]));
        return settlements.map((settlement, index) => {
          if (!mine[index]) return { kind: 'lease_lost' };
          held.delete(settlement.lease.executionId);
          noteEffects(settlement);
          signal('queue');
          return results.shift() ?? { kind: 'lease_lost' };
        });
      },
      async recover() {
        const dead = [...held].filter(([, { owner }]) => !isAlive(owner)).map(([id]) => id);
        giveBack(dead);
        return { lost: dead.length, pending: pending() };
      },
      async replay(...args) {
        const result = await store.queue.replay(...args);
        signal('queue');
        return result;
      },
    };
    const events: EventStore = {
      ...store.events,
      async append(submissions) {
        for (const { executions } of submissions) note(executions);
        return store.events.append(submissions);
      },
    };
    const deliveries: DeliveryStore = {
      ...store.deliveries,
      async due(now, limit, lane) {
        const due = await store.deliveries.due(now, 1_000, lane);
        const free = due.filter(({ id }) => (taken.get(id) ?? 0) <= clock.now()).slice(0, limit);
        for (const { id } of free) taken.set(id, clock.now() + DELIVERY_LEASE_MS);
        return free;
      },
    };
    const leadership: Leadership = {
      async lead(what, now, ttlMs) {
        const lead = leads.get(what);
        if (lead !== undefined && lead.owner !== name && lead.until > now) return false;
        leads.set(what, { owner: name, until: now + ttlMs });
        return true;
      },
    };
    const signals: Signals = {
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    return { events, queue, deliveries, signals, leadership };
  }

  return shared;
}
