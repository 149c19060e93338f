import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { monotonicFactory } from 'ulid';
import { HOOKS } from '../../hooks/index.ts';
import { cron } from '../../src/adapters/cron/cron.ts';
import { nodeCryptography } from '../../src/adapters/crypto.ts';
import { DEFAULT_EVENT_LIMITS } from '../../src/core/event.ts';
import type { Caller, Key } from '../../src/core/key.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import { type HandlerRegistration, handlerRegistry, type LiveHandlers } from '../../src/engine/handlers.ts';
import { keyRing, type OwnedKeyRing } from '../../src/engine/keys.ts';
import { inStartTurn } from '../../src/engine/start-turn.ts';
import type { Mail, Mailer } from '../../src/ports/mailer.ts';
import type { ExecutionRecord, Queue } from '../../src/ports/queue.ts';
import { fixedDefaults } from './event-defaults.ts';
import { ScriptedSandbox } from './scripted-sandbox.ts';
import type { ServerPorts } from './shared-store.ts';
import { HandClock, type TestStore } from './store.ts';

/** The whole engine on a real store, with the sandbox, the mails and the time in the test's hand. */
export interface Rig {
  engine: Engine;
  sandbox: ScriptedSandbox;
  clock: HandClock;
  store: TestStore;
  /** The store's queue as the engine sees it: put a function in the place of one of its own to have it fail. */
  queue: Queue;
  handlers: LiveHandlers;
  keys: OwnedKeyRing;
  caller: Caller & { keyId: string };
  mails: Mail[];
  logs: string[];
  /** As the ticker does once a second; nothing does it by itself. */
  tick(): void;
  register(over?: Partial<HandlerRegistration>, caller?: Caller): Promise<number>;
  /** Stores an event by ingest, which runs its handlers. */
  post(members: object): Promise<void>;
  record(executionId: string): Promise<ExecutionRecord>;
  /** Waits until everything that goes on without time passing has gone on. */
  quiet(): Promise<void>;
  stop(): Promise<void>;
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');
const ROOT_CALLER: Caller = { keyId: null, name: 'test', scopes: ['admin'] };

export async function startEngine(
  store: TestStore,
  {
    clock = new HandClock(),
    sandbox = new ScriptedSandbox(),
    scopes = ['admin'] as Key['scopes'],
    ports = undefined as ServerPorts | undefined,
    alertAddresses = ['alerts@lab.example'] as readonly string[],
  } = {},
): Promise<Rig> {
  const isShared = ports !== undefined;
  const logs: string[] = [];
  const mails: Mail[] = [];
  const log = (level: string, message: string): void => void logs.push(`${level}: ${message}`);
  const exclusively = <T>(work: () => Promise<T>) => inStartTurn({ leadership: ports?.leadership, clock }, work);
  const keys = await keyRing({
    store: store.keys,
    isShared,
    exclusively,
    crypto: nodeCryptography,
    clock,
    report: (error) => logs.push(String(error)),
  });
  const caller = await callerOf(keys, scopes);
  const handlers = await handlerRegistry({
    store: store.handlers,
    isShared,
    sandbox,
    keys,
    hooks: HOOKS,
    cron,
    now: clock.now,
    report: (error) => logs.push(String(error)),
  });
  const queue: Queue = { ...(ports ?? store).queue };
  const mailer: Mailer = {
    destination: 'test',
    concurrency: 4,
    async send(mail) {
      mails.push(mail);
      return { kind: 'accepted' };
    },
    async [Symbol.asyncDispose]() {},
  };
  let tick = (): void => {};
  const engine = createEngine({
    store: { events: store.events, deliveries: store.deliveries, schedules: store.schedules, alerts: store.alerts, ...ports, queue },
    handlers,
    keys,
    sandbox,
    mailer,
    alerts: { mailer: null, domain: 'lab.example', addresses: alertAddresses, importance: 'Normal', subjects: 'names' },
    site: { publicUrl: 'http://127.0.0.1:1', domain: 'lab.example', version: '0', digest: sha1 },
    hooks: HOOKS,
    cron,
    ticker: {
      start(run) {
        tick = run;
        return () => {
          tick = () => {};
        };
      },
    },
    defaults: { ...fixedDefaults, newId: monotonicFactory() },
    limits: DEFAULT_EVENT_LIMITS,
    alertLevel: 40,
    clock,
    random: () => 0.5,
    hash: sha1,
    log,
  });
  engine.schedules.start();
  return {
    engine,
    sandbox,
    clock,
    store,
    queue,
    handlers,
    keys,
    caller,
    mails,
    logs,
    tick: () => tick(),
    async register(over = {}, by = caller) {
      return (await handlers.register({ ...REGISTRATION, ...over }, by)).handler.id;
    },
    async post(members) {
      const result = await engine.ingest.one(JSON.stringify(members));
      if (!result.ok || result.result !== 'stored') throw new Error(JSON.stringify(result));
    },
    async record(executionId) {
      const record = await store.queue.get(executionId);
      if (record === null) throw new Error(`no execution ${executionId}`);
      return record;
    },
    async quiet() {
      for (let n = 0; n < 4; n++) {
        await setImmediate();
        await Promise.all([store.keys.touch([]), store.events.get('')]);
      }
    },
    async stop() {
      const stopped = engine.stop();
      sandbox.script = () => 'returned'; // also what is on its way to the sandbox now
      for (const flight of sandbox.flights) flight.giveBack();
      await stopped;
      await keys[Symbol.asyncDispose]();
    },
  };
}

/** Makes a key and answers who holds it. */
export async function callerOf(keys: OwnedKeyRing, scopes: Key['scopes'] = ['admin']): Promise<Caller & { keyId: string }> {
  const { key } = await keys.create({ name: 'registrant', scopes, expiresAt: null }, ROOT_CALLER);
  return { keyId: key.id, name: key.name, scopes };
}

const REGISTRATION: HandlerRegistration = {
  hook: 'event.on_ingest',
  name: 'h',
  code: 'export default () => 1',
  language: 'javascript',
  tags: [],
  filter: '{}',
  notifyOnSuccess: null,
  notifyOnFailure: null,
  config: '{}',
  timeoutMs: 1_000,
  memoryMb: 32,
  retry: { maxAttempts: 3, backoff: { firstMs: 1_000, factor: 2, maxMs: 60_000 }, maxAgeMs: null },
  concurrency: 1,
  orderingKey: null,
  enabled: null,
};
