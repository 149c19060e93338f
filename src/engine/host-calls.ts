import { EngineError } from '../core/errors.ts';
import { type ExactValue, isObject, memberOf, parseExact } from '../core/json.ts';
import { hasScope, type Scope } from '../core/key.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Queue } from '../ports/queue.ts';
import { HostCallRefused, type HostCalls, type HostOp } from '../ports/sandbox.ts';
import type { Reports } from './reports.ts';
import { utilizationCall } from './utilization-calls.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_ANSWER_UNITS = 1_048_576;

/** What handlers may ask for while they run, with the rights of the key they act with (B10). Arguments arrive as the JSON text of an object. */
export function hostCalls(options: {
  events: EventStore;
  queue: Pick<Queue, 'state'>;
  reports: Pick<Reports, 'utilization'>;
  scopesOf(keyId: string): readonly Scope[] | null;
}): HostCalls {
  const { events, queue, reports, scopesOf } = options;
  const ops: Record<HostOp, (argument: Argument, handlerId: number, args: ExactValue) => Promise<string>> = {
    'events.get': async (argument) => (await events.get(text(argument('id'), 'the id'))) ?? 'null',
    'events.count': async (argument) => String(await events.count(argument('selector') ?? {})),
    async 'events.query'(argument) {
      const query = { selector: argument('selector') ?? {}, sort: argument('sort'), projection: argument('projection') };
      const { items } = await events.page(query, { limit: limitOf(argument('limit')), cursor: null });
      return `[${items.join(',')}]`;
    },
    'state.get': async (argument, handlerId) => (await queue.state(handlerId, text(argument('key'), 'the key'))) ?? 'null',
    'utilization.sessions': (_argument, _handlerId, args) => utilizationCall(reports, 'sessions', args),
    'utilization.periods': (_argument, _handlerId, args) => utilizationCall(reports, 'periods', args),
    'utilization.users': (_argument, _handlerId, args) => utilizationCall(reports, 'users', args),
  };
  return {
    async call({ registrant, handlerId }, op, argsText) {
      const scopes = scopesOf(registrant);
      if (scopes === null) throw new HostCallRefused('permission', 'The key that this handler acts with is revoked or expired.');
      if (op !== 'state.get' && !hasScope(scopes, 'events:read'))
        throw new HostCallRefused('permission', `${op} needs a key with the scope events:read.`);
      const args = parseExact(argsText);
      const argument: Argument = (name) => (isObject(args) ? (memberOf(args, name) ?? null) : null);
      const answer = await ops[op](argument, handlerId, args).catch((error: unknown) => {
        throw error instanceof EngineError ? new HostCallRefused('invalid', `${op}: ${error.message}`) : error;
      });
      if (answer.length > MAX_ANSWER_UNITS)
        throw new HostCallRefused('invalid', `${op}: the answer is larger than 1 MiB; ask for less with limit or projection.`);
      return answer;
    },
  };
}

type Argument = (name: string) => ExactValue;

function text(value: ExactValue, what: string): string {
  if (typeof value === 'string') return value;
  throw new HostCallRefused('invalid', `${what} must be a text.`);
}

function limitOf(value: ExactValue | null): number {
  if (value === null) return DEFAULT_LIMIT;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_LIMIT) return value;
  throw new HostCallRefused('invalid', `limit is a whole number from 1 to ${MAX_LIMIT}.`);
}
