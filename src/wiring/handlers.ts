import { availableParallelism } from 'node:os';
import { HOOKS } from '../../hooks/index.ts';
import { cron } from '../adapters/cron/cron.ts';
import { isolateSandbox } from '../adapters/isolate/sandbox.ts';
import type { Config } from '../config.ts';
import { installBuiltIns } from '../engine/built-ins.ts';
import { handlerRegistry, type LiveHandlers } from '../engine/handlers.ts';
import { hostCalls } from '../engine/host-calls.ts';
import type { OwnedKeyRing } from '../engine/keys.ts';
import type { Reports } from '../engine/reports.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Sandbox } from '../ports/sandbox.ts';
import { builtIns } from './built-ins.ts';
import type { InTurn } from './key-ring.ts';
import type { Store } from './stores.ts';

interface HandlerParts {
  store: Store;
  keys: OwnedKeyRing;
  reports: Reports;
  inTurn: InTurn;
  clock: Clock;
  log: Log;
}

/** The processes that run handlers, and what they may ask for while they run. */
export function openSandbox(config: Config, { store, keys, reports, log }: HandlerParts): Sandbox {
  const host = hostCalls({ events: store.events, queue: store.queue, reports, scopesOf: (keyId) => keys.liveScopes(keyId) });
  return isolateSandbox({ runners: config.RUNNERS ?? Math.max(2, availableParallelism()), host, log });
}

/** All handlers that are registered, the built-in ones among them as the settings of this start want them. */
export async function openHandlers(
  config: Config,
  sandbox: Sandbox,
  { store, keys, inTurn, clock, log }: HandlerParts,
): Promise<LiveHandlers> {
  const handlers = await handlerRegistry({
    store: store.handlers,
    isShared: store.queue.shared,
    sandbox,
    keys,
    hooks: HOOKS,
    cron,
    now: clock.now,
    report: (error) => log('error', 'a stored handler matches nothing', { error }),
  });
  await inTurn(() => installBuiltIns({ store: store.keys, keys, handlers }, builtIns(config)));
  return handlers;
}
