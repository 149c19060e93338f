import { figures } from '../adapters/metrics/figures.ts';
import { Registry, type Sample } from '../adapters/metrics/registry.ts';
import { EngineError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { LiveHandlers } from '../engine/handlers.ts';
import type { Ingest } from '../engine/ingest.ts';
import type { Retention } from '../engine/retain.ts';
import type { AnsweredRequest } from '../http/deps.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Observer } from '../ports/observer.ts';
import type { Queue } from '../ports/queue.ts';
import type { Sandbox } from '../ports/sandbox.ts';
import type { Store } from './stores.ts';

/** The figures of this server: what counts them, and their text. */
export interface Metering {
  observer: Observer;
  /** The same store, its writes timed. */
  store<Timed extends Pick<Store, 'events' | 'queue'>>(store: Timed): Timed;
  ingest(ingest: Ingest): Ingest;
  answered(request: AnsweredRequest): void;
  /** Begins to show what parts of the server hold at the moment of each scrape. */
  watch(parts: WatchedParts): void;
  text(): Promise<string>;
}
export interface WatchedParts {
  store: Pick<Store, 'events' | 'queue' | 'deliveries'>;
  sandbox: Pick<Sandbox, 'runners' | 'turnover'>;
  handlers: Pick<LiveHandlers, 'list' | 'stateOf'>;
  engine: Pick<Engine, 'dispatcher'>;
  retention: Pick<Retention, 'status'>;
}

/** What asks the store is asked this often at most, however many scrape. */
const KEEP_MS = 2_000;
const STORE_MS = 5_000;
const MS = 1_000;

export function metering(build: { version: string; store: 'sqlite' | 'mongodb' }): Metering {
  const registry = new Registry();
  registry.sampled('gauge', 'hookwright_build_info', 'The release, and what it stores in.', ['version', 'store'], () => [
    [[build.version, build.store], 1],
  ]);
  const counted = figures(registry);
  let look = async (): Promise<void> => {};

  return {
    observer: counted.observer,
    store: (store) => ({ ...store, events: timedEvents(store.events), queue: timedQueue(store.queue) }),
    ingest: countedIngest,
    answered({ method, route, status, ms }) {
      counted.requests.of(method, route, String(status)).add();
      counted.requestTimes.of(method, route).observe(ms / MS);
    },
    watch(parts) {
      look = watched(registry, parts);
    },
    async text() {
      await look();
      return registry.text();
    },
  };

  function timedEvents(events: EventStore): EventStore {
    return { ...events, append: (submissions) => timed('append', events.append(submissions)) };
  }

  function timedQueue(queue: Queue): Queue {
    return {
      ...queue,
      settle: (settlements) => timed('settle', queue.settle(settlements)),
      claim: (request) => timed('claim', queue.claim(request)),
      fire: (plan) => timed('fire', queue.fire(plan)),
    };
  }

  async function timed<T>(operation: string, write: Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await write;
    } catch (error) {
      counted.storeErrors.of(operation, error instanceof EngineError ? error.code : 'internal').add();
      throw error;
    } finally {
      counted.commits.of(operation).observe((performance.now() - start) / MS);
    }
  }

  function countedIngest(ingest: Ingest): Ingest {
    const { events } = counted;
    return {
      async one(text) {
        const result = await ingest.one(text);
        events.of('request', result.ok ? result.result : 'invalid').add();
        return result;
      },
      async many(texts, firstIndex) {
        const results = await ingest.many(texts, firstIndex);
        const counts = { stored: 0, duplicate: 0, conflict: 0, invalid: 0 };
        for (const { result } of results) counts[result]++;
        for (const [result, count] of Object.entries(counts)) if (count > 0) events.of('request', result).add(count);
        return results;
      },
    };
  }
}

/** Gauges over what the parts hold; answers what has to be done before each scrape. */
function watched(registry: Registry, { store, sandbox, handlers, engine, retention }: WatchedParts): () => Promise<void> {
  let seen: Seen | null = null;
  let next = 0;
  const gauge = (name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void =>
    registry.sampled('gauge', `hookwright_${name}`, help, labels, read);

  gauge('store_up', 'Whether the store answered the last look.', [], () => [[[], seen === null ? 0 : 1]]);
  gauge('stored_events', 'Events in the store, archived included.', [], () => (seen === null ? [] : [[[], seen.events]]));
  gauge('executions_open', 'Executions that have not ended, of all servers.', ['state'], () =>
    seen === null ? [] : Object.entries(seen.open).map(([state, count]) => [[state], count] as const),
  );
  gauge('mails_waiting', 'Mails that were not sent yet.', ['kind'], () =>
    seen === null ? [] : Object.entries(seen.mails).map(([kind, count]) => [[kind], count] as const),
  );
  gauge(
    'retention_last_run_seconds',
    'When retention last ended without an error, in seconds since the epoch; 0 when it never did.',
    [],
    () => (seen === null ? [] : [[[], (seen.retention.lastRunAt ?? 0) / MS]]),
  );
  gauge('retention_held', 'Whether retention waits, because the clock is far ahead of what the store has seen.', [], () =>
    seen === null ? [] : [[[], seen.retention.isHeld ? 1 : 0]],
  );
  gauge('executions_held', 'Executions in the memory of this server.', [], () => [[[], engine.dispatcher.load.held]]);
  gauge('batches_running', 'Batches of executions that are with runners.', [], () => [[[], engine.dispatcher.load.batches]]);
  gauge('handlers', 'Registered handlers.', ['state'], () => {
    const counts = { enabled: 0, disabled: 0, suspended: 0 };
    for (const handler of handlers.list(null)) counts[handlers.stateOf(handler)]++;
    return Object.entries(counts).map(([state, count]) => [[state], count] as const);
  });
  gauge('runners', 'Runner processes.', ['state'], () => {
    const spare = sandbox.runners.filter(({ registrant }) => registrant === null).length;
    return [
      [['spare'], spare],
      [['bound'], sandbox.runners.length - spare],
    ];
  });
  gauge('runners_resident_memory_bytes', 'Memory of all runner processes, as far as it is known.', [], () => [
    [[], sandbox.runners.reduce((sum, { rssBytes }) => sum + (rssBytes ?? 0), 0)],
  ]);
  registry.sampled('counter', 'hookwright_runner_starts_total', 'Runner processes begun.', [], () => [[[], sandbox.turnover.begun]]);
  registry.sampled('counter', 'hookwright_runner_ends_total', 'Runner processes that ended, by reason.', ['reason'], () =>
    Object.entries(sandbox.turnover.ended).map(([reason, count]) => [[reason], count] as const),
  );

  return async () => {
    const now = performance.now();
    if (now < next) return;
    next = now + KEEP_MS;
    seen = await inTime(lookAt(store, retention)).catch(() => null);
  };
}

interface Seen {
  events: number;
  open: { pending: number; leased: number };
  mails: Record<string, number>;
  retention: { lastRunAt: number | null; isHeld: boolean };
}

async function lookAt({ events, queue, deliveries }: WatchedParts['store'], retention: WatchedParts['retention']): Promise<Seen> {
  const [total, open, mails, kept] = await Promise.all([events.total(), queue.open(), deliveries.waiting(), retention.status()]);
  const lastRunAt = kept.lastRun?.error === null ? kept.lastRun.endedAt : null;
  return { events: total, open, mails, retention: { lastRunAt, isHeld: kept.heldByMs !== null } };
}

/** A scrape does not wait for a store that is silent. */
async function inTime<T>(look: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('late')), STORE_MS);
  try {
    return await Promise.race([look, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
