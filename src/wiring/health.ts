import type { Engine } from '../engine/engine.ts';
import type { HealthReport } from '../http/deps.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Sandbox } from '../ports/sandbox.ts';

const CHECK_MS = 2_000;

export interface HealthParts {
  store: { events: EventStore; keys: KeyStore };
  sandbox: Sandbox;
  engine: Engine;
  managerId: string;
}

/** Looks at the parts that must work for events to be stored and handlers to run. */
export async function healthOf(parts: HealthParts): Promise<HealthReport> {
  const checks: HealthReport['checks'] = {
    store: await answers(parts.store.events.get('')),
    // A write that changes nothing, but goes where all writes go.
    writing: await answers(parts.store.keys.keepSetting('manager_id', parts.managerId)),
    runners: { ok: true, detail: `${parts.sandbox.runners.length} running` },
    accepting: parts.engine.stopping ? { ok: false, detail: 'the server is stopping' } : { ok: true },
  };
  return { ready: Object.values(checks).every(({ ok }) => ok), checks };
}

async function answers(look: Promise<unknown>): Promise<{ ok: boolean; detail?: string }> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${CHECK_MS} ms`)), CHECK_MS);
  try {
    await Promise.race([look, late.promise]);
    return { ok: true };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
