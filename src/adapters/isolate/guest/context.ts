import type { LogLevelName } from '../../../core/execution.ts';
import { raiseAlert } from './alerts.ts';
import type { Bridge } from './bridge.ts';
import { callerPlace } from './errors.ts';
import { jsonText } from './json.ts';
import { sendMail } from './mail.ts';
import type { Run } from './run.ts';
import type { GuestSettings } from './settings.ts';
import { stateOf } from './state.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** What every `ctx` of one isolate shares. */
export interface Shared {
  handler: object;
  hook: string;
  config: unknown;
  timeoutMs: number;
}

export function sharedOf(settings: GuestSettings, config: unknown): Shared {
  freezeDeep(config);
  const handler = Object.freeze({ ...settings.handler, config });
  return { handler, hook: settings.hook, config, timeoutMs: settings.timeoutMs };
}

/** The second argument of a handler: frozen, made anew for each execution, and dead when the execution ends. */
export function contextOf(run: Run, shared: Shared, bridge: Bridge): object {
  const { id, attempt, tags } = run.assignment;
  return Object.freeze({
    handler: shared.handler,
    hook: shared.hook,
    config: shared.config,
    execution: Object.freeze({ id, attempt, deadlineAt: run.startedAt + shared.timeoutMs }),
    tags: Object.freeze(tags),
    log: logOf(run),
    events: eventsOf(run, bridge),
    state: stateOf(run, bridge),
    utilization: utilizationOf(run, bridge),
    mail: Object.freeze({ send: (mail: unknown) => sendMail(run, mail) }),
    alerts: Object.freeze({ raise: (event: unknown, options: unknown) => raiseAlert(run, event, options) }),
    sleep: (ms: unknown) => sleep(run, bridge, ms, shared.timeoutMs),
  });
}

function logOf(run: Run): object {
  const at =
    (level: LogLevelName) =>
    (...args: unknown[]) =>
      run.log(level, args);
  return Object.freeze({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
}

function eventsOf(run: Run, bridge: Bridge): object {
  return Object.freeze({
    async get(id: unknown) {
      if (typeof id !== 'string') throw new TypeError('events.get takes the id of an event');
      return bridge.call(run, 'events.get', { id });
    },
    async query(selector: unknown = {}, options: unknown = {}) {
      const { limit, sort, projection } = recordOf(options, 'the options of events.query');
      return bridge.call(run, 'events.query', { selector: recordOf(selector, 'a selector'), limit, sort, projection });
    },
    async count(selector: unknown = {}) {
      return bridge.call(run, 'events.count', { selector: recordOf(selector, 'a selector') });
    },
    emit: (event: unknown) => emit(run, event),
  });
}

function utilizationOf(run: Run, bridge: Bridge): object {
  const report =
    (op: 'utilization.sessions' | 'utilization.periods' | 'utilization.users') =>
    async (options: unknown = {}): Promise<unknown> =>
      bridge.call(run, op, recordOf(options, `the options of ${op}`));
  return Object.freeze({
    sessions: report('utilization.sessions'),
    periods: report('utilization.periods'),
    users: report('utilization.users'),
  });
}

/** Throws at once what it refuses, so that a forgotten `await` does not hide it. */
function emit(run: Run, given: unknown): Promise<string> {
  const event = recordOf(given, 'an event');
  const text = jsonText(event);
  const { _id, event_id } = event;
  const ownId = _id ?? event_id;
  const id = typeof ownId === 'string' ? ownId : run.assignment.emitPrefix + ordinal(run.emits);
  run.emit({ op: 'emit', event: text, ...callerPlace() });
  return Promise.resolve(id);
}

function ordinal(n: number): string {
  return `${CROCKFORD[(n >> 10) & 31]}${CROCKFORD[(n >> 5) & 31]}${CROCKFORD[n & 31]}`;
}

/** Longer than the execution may take is as good as for ever: no timer has to outlive it by much. */
function sleep(run: Run, bridge: Bridge, ms: unknown, longestMs: number): Promise<void> {
  if (typeof ms !== 'number' || !(ms >= 0)) throw new TypeError('sleep takes milliseconds');
  return bridge.sleep(run, Math.min(ms, longestMs + 1_000));
}

function recordOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${what} is an object`);
  return value as Record<string, unknown>; // any object can be read by name
}

function freezeDeep(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const key of Object.keys(value)) freezeDeep(Reflect.get(value, key));
}
